import { BLOCK, NONE, READ, RMW, SPIN, STEP, WAIT, WRITE } from './request.ts';

/** Nanoseconds of virtual time that each operation takes: the only such table. */
export const COST_NS = {
  point: 5, // a named point without an access
  read: 5,
  write: 5,
  rmw: 20, // an atomic, or a lock
  block: 1_000, // leaving the CPU: a context switch
  spin: 20,
  syscall: 100, // entry and exit
  irq: 500, // entry and exit
  pageFault: 1_000,
  copyPerPage: 200,
  printk: 2_000,
  bpfInsn: 1, // an instruction of a program; helpers have their own
} as const;

/** Indexed by request kind * 4 + access. */
export const requestCostNs = new Float64Array(20);
requestCostNs[STEP * 4 + NONE] = COST_NS.point;
requestCostNs[STEP * 4 + READ] = COST_NS.read;
requestCostNs[STEP * 4 + WRITE] = COST_NS.write;
requestCostNs[STEP * 4 + RMW] = COST_NS.rmw;
requestCostNs[BLOCK * 4 + NONE] = COST_NS.block;
requestCostNs[SPIN * 4 + READ] = COST_NS.spin;
requestCostNs[SPIN * 4 + RMW] = COST_NS.spin;
requestCostNs[WAIT * 4 + READ] = COST_NS.read;
requestCostNs[WAIT * 4 + RMW] = COST_NS.rmw;
