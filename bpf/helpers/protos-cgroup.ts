import { RET_INTEGER, RET_PTR_TO_MAP_VALUE } from '../verifier/types.ts';
import {
  ANY,
  CTX,
  CTX_OR_NULL,
  MAP,
  RDONLY_MEM,
  SIZE,
  UNINIT_MEM,
  WRITE_MEM,
} from './arg-protos.ts';
import { proto } from './make-proto.ts';

/* Prototypes of helpers of control-group programs. */

export const bpf_get_local_storage = proto('get_local_storage', RET_PTR_TO_MAP_VALUE, [MAP, ANY]);
export const bpf_sysctl_get_name = proto('sysctl_get_name', RET_INTEGER, [
  CTX,
  WRITE_MEM,
  SIZE,
  ANY,
]);
export const bpf_sysctl_get_current_value = proto('sysctl_get_current_value', RET_INTEGER, [
  CTX,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sysctl_get_new_value = proto('sysctl_get_new_value', RET_INTEGER, [
  CTX,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_sysctl_set_new_value = proto('sysctl_set_new_value', RET_INTEGER, [
  CTX,
  RDONLY_MEM,
  SIZE,
]);
export const bpf_get_netns_cookie_sockopt = proto('get_netns_cookie', RET_INTEGER, [CTX_OR_NULL]);
export const bpf_get_retval = proto('get_retval', RET_INTEGER, []);
export const bpf_set_retval = proto('set_retval', RET_INTEGER, [ANY]);
