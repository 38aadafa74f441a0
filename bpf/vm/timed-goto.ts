import type { FrameView } from './frame-view.ts';
import { BPF_MAX_LOOPS, BPF_MAX_TIMED_LOOPS, LOOPS_ASKED } from './frame.ts';

/** How long the loops of one frame may take together. kernel/bpf/core.c */
const TIMEOUT_NS = 250_000_000n;

/** Where the report of it comes from. Innermost first; Linux 7.2. */
export const MAY_GOTO_VIA = [
  'bpf_prog_report_may_goto_violation',
  'bpf_check_timed_may_goto',
  'arch_bpf_timed_may_goto',
];

/** A frame that may go on: it is asked again after as many. */
const REFILLED = LOOPS_ASKED | BPF_MAX_TIMED_LOOPS;

/**
 * A frame has taken BPF_MAX_TIMED_LOOPS may_goto. The first time it only notes the time; where a
 * quarter of a second is over since, its loops end, each at its next may_goto: true then. What it
 * has spent off its CPU counts. bpf_check_timed_may_goto(), spec 03 R30
 */
export function checkTimedMayGoto(view: FrameView, nowNs: number): boolean {
  const now = BigInt(Math.floor(nowNs));
  if ((view.loops & LOOPS_ASKED) === 0) {
    view.loopsSince = now;
    view.loops = REFILLED;
    return false;
  }
  const isOver = now - view.loopsSince >= TIMEOUT_NS;
  view.loops = isOver ? LOOPS_ASKED : REFILLED;
  return isOver;
}

/** The same where nobody looks at the clock: the frame may take BPF_MAX_LOOPS in all. */
export function countMayGoto(view: FrameView): void {
  const isFirst = (view.loops & LOOPS_ASKED) === 0;
  const left = isFirst ? BPF_MAX_LOOPS - BPF_MAX_TIMED_LOOPS : Number(view.loopsSince);
  const refill = Math.min(left, BPF_MAX_TIMED_LOOPS);
  view.loopsSince = BigInt(left - refill);
  view.loops = LOOPS_ASKED | refill;
}
