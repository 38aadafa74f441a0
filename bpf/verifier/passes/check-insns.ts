import { EFAULT, EINVAL, EPROTO } from '../../../kernel/errno.ts';
import { decodeInsn, type RawInsn, rawInsn, reasonOf } from '../../isa/decode.ts';
import type { Insn } from '../../isa/insn.ts';
import { CLASS, MODE } from '../../isa/ops.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { kernelAddress } from '../../vm/frame.ts';
import type { VerifierEnv } from '../env.ts';
import { checkPseudoBtfId } from './pseudo-btf-id.ts';
import type { Rejection } from '../rejection.ts';
import { PTR_TO_FUNC } from '../types.ts';
import { addUsedMap } from './used-maps.ts';

type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

/**
 * Every slot is an instruction with nothing in the fields that it has no use for, and names of maps
 * and variables become addresses. check_and_resolve_insns()
 */
export function checkAndResolveInsns(env: VerifierEnv): void {
  const { code } = env.prog;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const count = env.insns.length;
  let insns: (Insn | null)[] | undefined;
  for (let slot = 0; slot < count; slot++) {
    const raw = rawInsn(view, slot);
    const insn = decodeInsn(raw, slot + 1 < count ? rawInsn(view, slot + 1) : undefined);
    const wrong = typeof insn === 'string' ? reasonOf(insn, raw) : notLoaded(insn, raw);
    if (wrong !== undefined || typeof insn === 'string') throw env.reject(EINVAL, wrong!);
    if (insn.kind !== 'ld_imm64') continue;
    const address = resolvedAddress(env, insn, slot);
    if (address !== undefined) {
      insns ??= env.insns.slice();
      const imm = Number(BigInt.asIntN(32, address));
      insns[slot] = { ...insn, imm, next: Number(BigInt.asIntN(32, address >> 32n)) };
    }
    slot++;
  }
  if (insns) env.insns = insns;
}

/** What can be decoded, but does not come from user space. */
function notLoaded(insn: Insn, raw: RawInsn): string | undefined {
  const mode = raw.code & 0xe0;
  if ((raw.code & 0x07) === CLASS.LDX && mode !== MODE.MEM && mode !== MODE.MEMSX) {
    return reasonOf('', raw);
  }
  if (insn.kind === 'addr_space_cast' && insn.as !== 1 && insn.as !== 1 << 16) {
    return 'addr_space_cast insn can only convert between address space 1 and 0';
  }
  return undefined;
}

/** What the constant is once it has been found; undefined: what it was. */
function resolvedAddress(env: VerifierEnv, insn: LdImm64, slot: number): bigint | undefined {
  switch (insn.from) {
    case 'value':
      return undefined;
    case 'btf_id':
      return checkPseudoBtfId(env, insn, slot);
    case 'func':
      env.aux[slot]!.ptrType = PTR_TO_FUNC;
      return undefined;
    default:
      return mapAddress(env, insn, slot);
  }
}

function mapAddress(env: VerifierEnv, insn: LdImm64, slot: number): bigint {
  const isValue = insn.from === 'map_value' || insn.from === 'map_idx_value';
  if (!isValue && insn.next !== 0) throw env.reject(EINVAL, 'unrecognized bpf_ld_imm64 insn');
  const map = env.prog.maps.get(slot)?.map;
  if (!map) throw noMap(env, insn, slot);
  const aux = env.aux[slot]!;
  aux.mapIndex = addUsedMap(env, map);
  if (!isValue) return kernelAddress(map.addr);
  if (!map.map_direct_value_addr) {
    throw env.reject(EINVAL, 'no direct value access support for this map type');
  }
  const off = insn.next >>> 0;
  const address = map.map_direct_value_addr(off);
  if (address < 0) {
    const message = `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`;
    throw env.reject(-address, message);
  }
  aux.mapOff = off;
  // What stands in an arena is named by where user space has it.
  return map.type === MAP_TYPE.ARENA ? BigInt(address) : kernelAddress(address);
}

function noMap(env: VerifierEnv, insn: LdImm64, slot: number): Rejection {
  const { fd, errno } = env.prog.wrongMaps?.get(slot) ?? { fd: insn.imm, errno: EINVAL };
  if (errno === EPROTO) return env.reject(errno, 'fd_idx without fd_array is invalid');
  if (errno === EFAULT) return env.reject(errno, '');
  return env.reject(errno, `fd ${fd} is not pointing to valid bpf_map`);
}
