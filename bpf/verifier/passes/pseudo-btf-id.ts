import { EINVAL, ENOENT } from '../../../kernel/errno.ts';
import { resolve, sizeOf } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { MEM_PERCPU, MEM_RDONLY, PTR_TO_BTF_ID, PTR_TO_MEM } from '../types.ts';

type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

/** Functions of the kernel have no place in its memory here: something to tell them apart by. */
const KERNEL_TEXT = 0xffff_ffff_8100_0000n;
const FUNC_ALIGN = 16n;

/**
 * The address of a variable or function of the kernel that a constant names by its id; what a
 * register gets to be, goes to the instruction's data. check_pseudo_btf_id()
 */
export function checkPseudoBtfId(env: VerifierEnv, insn: LdImm64, insnIdx: number): bigint {
  if (insn.next !== 0) throw env.reject(EINVAL, 'invalid module BTF object FD specified.');
  const btf = env.kernelBtf;
  const id = insn.imm;
  const type = btf.types[id];
  if (!type) throw env.reject(ENOENT, `ldimm64 insn specifies invalid btf_id ${id}.`);
  if (type.kind !== 'var' && type.kind !== 'func') {
    throw env.reject(EINVAL, `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  }
  const address = env.world.kernelVariable(type.name);
  const aux = env.aux[insnIdx]!;
  if (type.kind === 'func') {
    aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
    aux.btfVarMemSize = 0;
    return address ?? KERNEL_TEXT + BigInt(id) * FUNC_ALIGN;
  }
  if (address === undefined) {
    const message = `ldimm64 failed to find the address for kernel symbol '${type.name}'.`;
    throw env.reject(ENOENT, message);
  }
  noteVariable(env, id, type.type, insnIdx);
  return address;
}

function isPercpu(btf: Btf, id: number): boolean {
  return btf.idsOf('.data..percpu').some((sectionId) => {
    const section = btf.types[sectionId];
    return section?.kind === 'datasec' && section.vars.some(({ type }) => type === id);
  });
}

function noteVariable(env: VerifierEnv, id: number, typeId: number, insnIdx: number): void {
  const btf = env.kernelBtf;
  const aux = env.aux[insnIdx]!;
  const type = resolve(btf, typeId);
  const percpu = isPercpu(btf, id);
  if (percpu || type?.kind === 'struct' || type?.kind === 'union') {
    aux.btfVarType = percpu ? PTR_TO_BTF_ID | MEM_PERCPU : PTR_TO_BTF_ID;
    aux.btfVarBtf = btf;
    aux.btfVarId = typeId;
    return;
  }
  if (type === undefined || type.kind === 'fwd' || type.kind === 'func_proto') {
    const name = type?.name ?? '';
    const message = `ldimm64 unable to resolve the size of type '${name}': -22`;
    throw env.reject(EINVAL, message);
  }
  aux.btfVarType = PTR_TO_MEM | MEM_RDONLY;
  aux.btfVarMemSize = sizeOf(btf, typeId);
}
