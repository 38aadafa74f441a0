import { BASIC } from './basic.ts';
import { BPF } from './bpf.ts';
import { CONTEXTS } from './contexts.ts';
import { EVENTS } from './events.ts';
import { EXTRA } from './extra.ts';
import { FS } from './fs.ts';
import { FUNCTIONS } from './functions.ts';
import { ITERATORS } from './iters.ts';
import { LSM_HOOKS } from './lsm.ts';
import { MAPS } from './maps.ts';
import { MM } from './mm.ts';
import { NETFILTER } from './netfilter.ts';
import { PACKETS } from './packets.ts';
import { SCHED } from './sched.ts';
import { UNSIMULATED } from './simulated.ts';
import { SOCKETS } from './sockets.ts';
import { UAPI } from './uapi.ts';

/**
 * Types of Linux 7.2 that the simulated kernel has no objects of: for programs that are verified,
 * and for CO-RE. Names, types and places are Linux's (x86-64, Debian's configuration), members that
 * programs have no use for are left out. Each may embed what stands before it. See c-parse.ts.
 */
export const DECLARATIONS: readonly string[] = [
  BASIC,
  UAPI,
  BPF,
  PACKETS,
  SOCKETS,
  NETFILTER,
  SCHED,
  MM,
  FS,
  UNSIMULATED,
  MAPS,
  CONTEXTS,
  eventTypes(EVENTS),
  FUNCTIONS,
  LSM_HOOKS,
  ITERATORS,
  EXTRA,
];

/** The type that a trace event is known by: of what its raw tracepoint calls. */
function eventTypes(events: string): string {
  return events.replaceAll(
    /^(\w+)\(([^)]*)\);/gm,
    'typedef void (*btf_trace_$1)(void *__data, $2);',
  );
}
