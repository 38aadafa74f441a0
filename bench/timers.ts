import { Clock, Timer } from '../sim/clock.ts';
import type { Bench } from './harness.ts';

/** Events that arm themselves again, `pending` of them at a time. */

const GAPS_NS = [7, 3, 11, 5, 2, 13, 17, 19]; // so that the order keeps changing

/** The queue is made once: its making would drown the rest. */
function clockRun(pending: number): (n: number) => void {
  const clock = new Clock();
  let fired = 0;
  for (let i = 0; i < pending; i++) {
    const timer: Timer = new Timer(`t${i}`, () => {
      clock.arm(timer, timer.dueNs + GAPS_NS[fired++ & 7]! * pending);
    });
    clock.arm(timer, i);
  }
  return (n) => {
    for (const end = fired + n; fired < end;) clock.fireFirst();
  };
}

/** A binary heap of due times in one typed array: no objects, no order among equals. */
function heapRun(pending: number): (n: number) => void {
  const heap = Float64Array.from({ length: pending }, (_, i) => i);
  return (n) => {
    for (let fired = 0; fired < n; fired++) {
      const due = heap[0]! + GAPS_NS[fired & 7]! * pending;
      let hole = 0;
      for (let child = 1; child < pending; child = 2 * hole + 1) {
        if (child + 1 < pending && heap[child + 1]! < heap[child]!) child++;
        if (heap[child]! >= due) break;
        heap[hole] = heap[child]!;
        hole = child;
      }
      heap[hole] = due;
    }
  };
}

export const timerBenches: readonly Bench[] = [1, 100, 10_000].map((pending) => ({
  name: `timers, ${pending} pending`,
  unit: 'event',
  baseline: 'a bare binary heap of numbers',
  run: clockRun(pending),
  runBaseline: heapRun(pending),
}));
