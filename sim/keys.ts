/**
 * What steps may depend on beside bytes of memory, for the search: keys below zero, told by
 * engine.touch(). Two steps that touch one key, not both reading, do not change places.
 */
const AREA = 1 << 12;

/** Which task or interrupt a CPU runs: whatever interrupts it or switches it writes this. */
export const cpuKey = (cpu: number): number => keyIn(0, cpu);
/** The tasks that wait for a CPU. */
export const queueKey = (cpu: number): number => keyIn(1, cpu);
/** Whether a CPU has preemption, interrupts or softirqs off. */
export const busyKey = (cpu: number): number => keyIn(6, cpu);
/** Who reads under RCU, and what waits for them, by flavour. */
export const readersKey = (flavour: number): number => keyIn(2, flavour);
/** The free objects of a cache: which one an allocation gets. */
export const cacheKey = (cache: number): number => keyIn(3, cache);
/** The free pages. */
export const PAGES_KEY = keyIn(4, 0);
/** The pending timers. */
export const TIMERS_KEY = keyIn(5, 0);
/** The pages that are waited for: how many there are to come, and in which order. */
export const FAULTS_KEY = keyIn(7, 0);

export const READERS_AREA = 2;
/** What is a CPU's own: who looks at it there orders nothing by that. */
export const UNORDERED_AREAS: readonly number[] = [0, 6];

export function areaOf(key: number): number {
  return Math.floor((-key / 4 - 1) / AREA);
}

/** Four apart, as bytes are told apart by fours. */
function keyIn(area: number, index: number): number {
  return -4 * (1 + area * AREA + index);
}
