import { funcIdName } from '../../helpers/func-ids.ts';
import { disasmLine, type DisasmNames } from '../../isa/disasm.ts';
import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';

type Call = Extract<Insn, { kind: 'call' }>;
type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

/** An instruction with its number, as the log has it. bpf_verbose_insn() */
export function insnText(env: VerifierEnv, insnIdx: number): string {
  const insn = env.insns[insnIdx];
  if (!insn) return `${insnIdx}: `;
  const names: DisasmNames = {
    callee: (call) => calleeName(env, call),
    imm64: (ld) => imm64Text(env, ld),
  };
  return disasmLine(insn, insnIdx, names);
}

/** The same as a line of its own: made once, since loops come by again and again. */
export function insnLine(env: VerifierEnv, insnIdx: number): string {
  const insn = env.insns[insnIdx];
  const known = env.insnLines[insnIdx];
  if (known && known.insn === insn) return known.line;
  const line = `${insnText(env, insnIdx)}\n`;
  env.insnLines[insnIdx] = { insn, line };
  return line;
}

/** __func_get_name() */
function calleeName(env: VerifierEnv, { target, imm, off }: Call): string | undefined {
  if (target === 'helper') return funcIdName(imm);
  const func = off === 0 ? env.kernelBtf.types[imm] : undefined;
  return func?.kind === 'func' ? func.name : undefined;
}

/** Addresses are not told to those who may not know them. */
function imm64Text(env: VerifierEnv, { from, imm, next }: LdImm64): string {
  const isPointer = from !== 'value' && from !== 'func';
  if (isPointer && !env.allowPtrLeaks) return '0x0';
  return `0x${((BigInt(next >>> 0) << 32n) | BigInt(imm >>> 0)).toString(16)}`;
}
