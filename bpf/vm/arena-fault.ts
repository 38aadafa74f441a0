import type { Memory } from '../../kernel/memory.ts';
import { COST_NS } from '../../sim/cost.ts';
import { READ, type Sim } from '../../sim/request.ts';
import { arenaTouch, finishArenaAccess, type ArenaInsn, type ArenaSpace } from './arena.ts';

/** The stack is walked and each frame put into words, also where there is no room for them. */
const REPORT_COST_NS = 50_000;

/** A run that stands at an access to its arena. */
interface At {
  readonly memory: Memory;
  readonly kernel: { readonly machine: { readonly engine: { readonly cpu: { nowNs: number } } } };
  readonly frame: number;
  readonly prog: { readonly arena?: ArenaSpace | undefined };
}

/** Where the report of it comes from: the page fault. Innermost first; Linux 7.2. */
const VIA = [
  '__bpf_prog_report_arena_violation',
  'ex_handler_bpf',
  'fixup_exception',
  'kernelmode_fixup_or_oops',
  'exc_page_fault',
  'asm_exc_page_fault',
];

/**
 * Does what an engine has left for; where a page is not there, the program's error stream gets a
 * line, and the program goes on. kernel/bpf/arena.c: bpf_prog_report_arena_violation()
 */
export function* doArenaAccess(
  { memory, kernel, frame, prog }: At,
  insn: ArenaInsn,
  report: (line: string, via: readonly string[]) => Sim<void>,
): Sim<void> {
  const { addr, kind } = arenaTouch(memory, frame, insn);
  if (finishArenaAccess(memory, frame, insn)) return;
  kernel.machine.engine.cpu.nowNs += COST_NS.pageFault + REPORT_COST_NS;
  const full = BigInt.asUintN(64, addr + (BigInt(prog.arena!.userHigh) << 32n));
  const what = kind === READ ? 'READ' : 'WRITE';
  yield* report(`ERROR: Arena ${what} access at unmapped address 0x${full.toString(16)}`, VIA);
}
