import type { Insn, Operand } from '../../isa/insn.ts';
import { listedInsn } from '../liveness/arg-log.ts';
import { atomicLoadReg } from '../liveness/arg-xfer.ts';
import { getCallSummary } from './call-summary.ts';
import type { VerifierEnv } from '../env.ts';
import { computeSubprogArgAccess } from '../liveness/liveness.ts';
import { insnSlots, insnSuccessors } from './successors.ts';
import { MAX_BPF_FUNC_REG_ARGS } from '../types.ts';

const R0 = 1;
/** r0 to r5. */
const ALL_CALLER_SAVED_REGS = 0x3f;
const ALL_REGS = 0xffff;

/** Bits of the registers that an instruction reads, and of those it writes. */
interface UseDef {
  readonly use: number;
  readonly def: number;
}

function operandBit(src: Operand): number {
  return 'reg' in src ? 1 << src.reg : 0;
}

/** compute_insn_live_regs() */
function useDefOf(env: VerifierEnv, insn: Insn | null): UseDef {
  switch (insn?.kind) {
    case 'ld_imm64':
      return { use: 0, def: 1 << insn.dst };
    case 'ldx':
    case 'load_acquire':
      return { use: 1 << insn.src, def: 1 << insn.dst };
    case 'st':
      return { use: 1 << insn.dst, def: 0 };
    case 'stx':
    case 'store_release':
      return { use: (1 << insn.dst) | (1 << insn.src), def: 0 };
    case 'atomic':
    case 'bad_atomic':
      return atomicUseDef(insn);
    case 'neg':
    case 'endian':
      return { use: 1 << insn.dst, def: 1 << insn.dst };
    case 'movsx':
    case 'addr_space_cast':
      return { use: 1 << insn.src, def: 1 << insn.dst };
    case 'alu': {
      const own = insn.op === 'mov' ? 0 : 1 << insn.dst;
      return { use: own | operandBit(insn.src), def: 1 << insn.dst };
    }
    default:
      return flowUseDef(env, insn);
  }
}

function atomicUseDef(insn: Extract<Insn, { kind: 'atomic' | 'bad_atomic' }>): UseDef {
  const use = (1 << insn.dst) | (1 << insn.src);
  const loaded = atomicLoadReg(insn);
  if (loaded < 0) return { use, def: 0 };
  return { use: loaded === insn.src ? use : use | R0, def: 1 << loaded };
}

function flowUseDef(env: VerifierEnv, insn: Insn | null): UseDef {
  switch (insn?.kind) {
    case 'ja':
    case 'may_goto':
      return { use: 0, def: 0 };
    case 'gotox':
      return { use: 1 << insn.dst, def: 0 };
    case 'jmp':
      return { use: (1 << insn.dst) | operandBit(insn.src), def: 0 };
    case 'exit':
      return { use: R0, def: 0 };
    case 'call': {
      const params = getCallSummary(env, insn)?.numParams ?? MAX_BPF_FUNC_REG_ARGS;
      const args = Math.min(params, MAX_BPF_FUNC_REG_ARGS);
      return { use: (1 << (args + 1)) - 2, def: ALL_CALLER_SAVED_REGS };
    }
    default:
      return { use: ALL_REGS, def: 0 };
  }
}

/** Which registers, and stacks, may be read from where on. bpf_compute_live_registers() */
export function computeLiveRegisters(env: VerifierEnv): void {
  const count = env.insns.length;
  const use = new Uint16Array(count);
  const def = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const of = useDefOf(env, env.insns[i]!);
    use[i] = of.use;
    def[i] = of.def;
  }
  computeSubprogArgAccess(env);
  const before = new Uint16Array(count);
  for (let changed = true; changed;) {
    changed = false;
    for (const insnIdx of env.postorder) {
      let after = 0;
      for (const successor of insnSuccessors(env, insnIdx)) after |= before[successor]!;
      const alive = (after & ~def[insnIdx]!) | use[insnIdx]!;
      if (alive === before[insnIdx]) continue;
      before[insnIdx] = alive;
      changed = true;
    }
  }
  for (let i = 0; i < count; i++) env.aux[i]!.liveRegsBefore = before[i]!;
  logLiveRegs(env);
}

function logLiveRegs(env: VerifierEnv): void {
  if (!env.log.isVerbose) return;
  env.verbose('Live regs before insn:\n');
  for (let i = 0; i < env.insns.length; i += insnSlots(env.insns[i]!)) {
    const { scc, liveRegsBefore } = env.aux[i]!;
    const line = listedInsn(env, i);
    const number = /^ *\d+:/.exec(line)![0];
    let regs = '';
    for (let r = 0; r < 10; r++) regs += (liveRegsBefore & (1 << r)) === 0 ? '.' : r;
    const loop = scc === 0 ? '    ' : `${String(scc).padStart(3)} `;
    env.verbose(`${loop}${number} ${regs} ${line.slice(number.length + 1)}\n`);
  }
}
