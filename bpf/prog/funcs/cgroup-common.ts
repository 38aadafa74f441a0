import * as c from '../../helpers/protos-cgroup.ts';
import { funcs, isFor } from './rule.ts';

/** What is returned there is no error number, or is not looked at. */
const hasNoRetval = isFor(
  'CGROUP_INET_INGRESS',
  'CGROUP_INET_EGRESS',
  'CGROUP_SOCK_OPS',
  'CGROUP_UDP4_RECVMSG',
  'CGROUP_UDP6_RECVMSG',
  'CGROUP_UNIX_RECVMSG',
  'CGROUP_INET4_GETPEERNAME',
  'CGROUP_INET6_GETPEERNAME',
  'CGROUP_UNIX_GETPEERNAME',
  'CGROUP_INET4_GETSOCKNAME',
  'CGROUP_INET6_GETSOCKNAME',
  'CGROUP_UNIX_GETSOCKNAME',
);

/** For programs of control groups. cgroup_common_func_proto() */
export const cgroupCommon = funcs([c.bpf_get_local_storage], {
  get_retval: (prog) => (hasNoRetval(prog) ? undefined : c.bpf_get_retval),
  set_retval: (prog) => (hasNoRetval(prog) ? undefined : c.bpf_set_retval),
});
