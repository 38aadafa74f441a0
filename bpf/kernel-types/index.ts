import { ATTR } from './attr.ts';
import { BASIC } from './basic.ts';
import { BPF } from './bpf.ts';
import { CONTEXTS } from './contexts.ts';
import { DEVICES } from './devices.ts';
import { ENUMS } from './enums.ts';
import { EVENTS } from './events.ts';
import { EXTRA } from './extra.ts';
import { FS } from './fs.ts';
import { FUNCTIONS } from './functions.ts';
import { HELPER_FUNCTIONS } from './helper-functions.ts';
import { ITERATORS } from './iters.ts';
import { LSM_HOOKS, WITHOUT_FUNCTION } from './lsm.ts';
import { MAPS } from './maps.ts';
import { MEMBER_ENUMS } from './member-enums.ts';
import { MM } from './mm.ts';
import { NETFILTER } from './netfilter.ts';
import { OPAQUE } from './opaque.ts';
import { OTHERS } from './others.ts';
import { PACKETS } from './packets.ts';
import { ROUTES } from './routes.ts';
import { SCHED } from './sched.ts';
import { UNSIMULATED } from './simulated.ts';
import { SOCKETS } from './sockets.ts';
import { SYSCALLS } from './syscalls.ts';
import { UAPI } from './uapi.ts';

/**
 * Types of Linux 7.2 that the simulated kernel has no objects of: for programs that are verified,
 * and for CO-RE. Names, types and places are Linux's (x86-64, Debian's configuration), members that
 * programs have no use for are left out. Each may embed what stands before it. See c-parse.ts.
 */
export const DECLARATIONS: readonly string[] = [
  MEMBER_ENUMS,
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
  HELPER_FUNCTIONS,
  syscallFunctions(SYSCALLS),
  LSM_HOOKS,
  securityFunctions(LSM_HOOKS),
  ITERATORS,
  ENUMS,
  ROUTES,
  ATTR,
  OTHERS,
  DEVICES,
  EXTRA,
  OPAQUE,
];

/** The type that a trace event is known by: of what its raw tracepoint calls. */
function eventTypes(events: string): string {
  return events.replaceAll(
    /^(\w+)\(([^)]*)\);/gm,
    'typedef void (*btf_trace_$1)(void *__data, $2);',
  );
}

function syscallFunctions(names: string): string {
  return names.replaceAll(/\w+/g, 'long __x64_sys_$&(const struct pt_regs *regs);');
}

/** What calls the hooks, under their names and with their arguments. security/security.c */
function securityFunctions(hooks: string): string {
  const without = new Set(WITHOUT_FUNCTION.split(/\s+/));
  const rows = hooks.matchAll(/([\w *]+?)bpf_lsm_(\w+)(\([^;]*;)/g);
  return [...rows]
    .filter(([, , name]) => !without.has(name!))
    .map(([, returns, name, rest]) => `${returns}security_${name}${rest}`)
    .join('\n');
}
