/**
 * Among the actors, those below PREEMPT go on step by step: CPU i is actor i. The others act at
 * once: PREEMPT + i has CPU i switch to another task, and from EVENT on something happens (an
 * interrupt, the end of a grace period). They are never the one that stays.
 */
export const PREEMPT = 256;
export const EVENT = 512;
