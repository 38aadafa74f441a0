import type { RetvalRange } from '../verifier/values/retval-range.ts';
import { ATTACH_TYPE } from '../uapi.ts';
import { BOOL_LSM_HOOKS } from './lsm-hooks.ts';
import type { ProgView } from './view.ts';

/** What a program of some type may return; undefined: anything. */
export type RetvalRule = (prog: ProgView) => RetvalRange | undefined;

export function range(min: number, max: number): RetvalRange {
  return { min, max, return32bit: false };
}

export const ANY: RetvalRule = () => undefined;
export const ZERO: RetvalRule = () => range(0, 0);
export const ZERO_OR_ONE: RetvalRule = () => range(0, 1);

/** By attach type, the rest 0 or 1. */
function byAttachType(ranges: ReadonlyMap<number, RetvalRange | undefined>): RetvalRule {
  return ({ expectedAttachType }) =>
    ranges.has(expectedAttachType) ? ranges.get(expectedAttachType) : range(0, 1);
}

type AttachName = keyof typeof ATTACH_TYPE;

function all(
  names: readonly AttachName[],
  value: RetvalRange | undefined,
): [number, RetvalRange | undefined][] {
  return names.map((name) => [ATTACH_TYPE[name], value]);
}

export const CGROUP_SOCK_ADDR = byAttachType(
  new Map([
    ...all(
      [
        'CGROUP_UDP4_RECVMSG',
        'CGROUP_UDP6_RECVMSG',
        'CGROUP_UNIX_RECVMSG',
        'CGROUP_INET4_GETPEERNAME',
        'CGROUP_INET6_GETPEERNAME',
        'CGROUP_UNIX_GETPEERNAME',
        'CGROUP_INET4_GETSOCKNAME',
        'CGROUP_INET6_GETSOCKNAME',
        'CGROUP_UNIX_GETSOCKNAME',
      ],
      range(1, 1),
    ),
    ...all(['CGROUP_INET4_BIND', 'CGROUP_INET6_BIND'], range(0, 3)),
  ]),
);

export const CGROUP_SKB = byAttachType(new Map(all(['CGROUP_INET_EGRESS'], range(0, 3))));

export const TRACING = byAttachType(
  new Map([
    ...all(
      [
        'TRACE_FENTRY',
        'TRACE_FEXIT',
        'TRACE_FSESSION',
        'TRACE_FENTRY_MULTI',
        'TRACE_FEXIT_MULTI',
        'TRACE_FSESSION_MULTI',
      ],
      range(0, 0),
    ),
    ...all(['TRACE_RAW_TP', 'MODIFY_RETURN'], undefined),
  ]),
);

/** Only the sessions say by what they return whether their second half runs. */
export const KPROBE: RetvalRule = ({ expectedAttachType: type }) => {
  const isSession =
    type === ATTACH_TYPE.TRACE_KPROBE_SESSION || type === ATTACH_TYPE.TRACE_UPROBE_SESSION;
  return isSession ? range(0, 1) : undefined;
};

/** With a BTF id, which raw tracepoints have not. */
export const RAW_TRACEPOINT: RetvalRule = ({ attach }) => (attach ? range(0, 0) : undefined);

/** include/linux/err.h */
export const MAX_ERRNO = 4095;

/** What a hook of the LSM may return; undefined: it returns nothing. bpf_lsm_get_retval_range() */
export function lsmRetvalRange({ attach }: ProgView): RetvalRange | undefined {
  const proto = attach?.btf.types[attach.protoId];
  if (proto?.kind !== 'func_proto' || proto.type === 0) return undefined;
  const isBool = BOOL_LSM_HOOKS.has(attach?.name ?? '');
  return { ...(isBool ? range(0, 1) : range(-MAX_ERRNO, 0)), return32bit: true };
}

/** Of hooks that return nothing, programs of a control group must not say that they do. */
export const LSM: RetvalRule = (prog) => {
  const ofHook = lsmRetvalRange(prog);
  if (prog.expectedAttachType !== ATTACH_TYPE.LSM_CGROUP) return ofHook;
  return ofHook ? range(0, 1) : range(1, 1);
};
