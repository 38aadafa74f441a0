import {
  MEM_ALIGNED,
  MEM_UNINIT,
  MEM_WRITE,
  PTR_TRUSTED,
  RET_INTEGER,
  RET_PTR_TO_BTF_ID,
} from '../verifier/types.ts';
import {
  ANY,
  CTX,
  FUNC,
  MAP,
  RDONLY_MEM,
  RDONLY_MEM_OR_NULL,
  SIZE,
  SIZE_OR_ZERO,
  STACK_OR_NULL,
  UNINIT_MEM,
  WRITE_MEM,
  WRITE_MEM_OR_NULL,
  fixedMem,
  structPtr,
} from './arg-protos.ts';
import { dPathAllowed, inSleepableLsmHook } from './allowed.ts';
import { proto } from './make-proto.ts';

/* Prototypes of helpers of tracing, LSM, iterator and syscall programs. */

export const bpf_probe_read_compat = proto(
  'probe_read',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_trace_printk = proto('trace_printk', RET_INTEGER, [RDONLY_MEM, SIZE], {
  gplOnly: true,
});
export const bpf_perf_event_read = proto('perf_event_read', RET_INTEGER, [MAP, ANY], {
  gplOnly: true,
});
export const bpf_event_output_data = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_perf_event_output = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_perf_event_output_raw_tp = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_perf_event_output_tp = proto(
  'perf_event_output',
  RET_INTEGER,
  [CTX, MAP, ANY, RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_get_stackid = proto('get_stackid', RET_INTEGER, [CTX, MAP, ANY], {
  gplOnly: true,
});
export const bpf_get_stackid_pe = proto('get_stackid', RET_INTEGER, [CTX, MAP, ANY]);
export const bpf_get_stackid_raw_tp = proto('get_stackid', RET_INTEGER, [CTX, MAP, ANY], {
  gplOnly: true,
});
export const bpf_get_stackid_tp = proto('get_stackid', RET_INTEGER, [CTX, MAP, ANY], {
  gplOnly: true,
});
export const bpf_get_current_task = proto('get_current_task', RET_INTEGER, [], { gplOnly: true });
export const bpf_probe_write_user = proto(
  'probe_write_user',
  RET_INTEGER,
  [ANY, RDONLY_MEM, SIZE],
  { gplOnly: true },
);
export const bpf_probe_read_compat_str = proto(
  'probe_read_str',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_perf_event_read_value = proto(
  'perf_event_read_value',
  RET_INTEGER,
  [MAP, ANY, UNINIT_MEM, SIZE],
  { gplOnly: true },
);
export const bpf_perf_prog_read_value = proto(
  'perf_prog_read_value',
  RET_INTEGER,
  [CTX, UNINIT_MEM, SIZE],
  { gplOnly: true },
);
export const bpf_override_return = proto('override_return', RET_INTEGER, [CTX, ANY], {
  gplOnly: true,
});
export const bpf_get_stack = proto('get_stack', RET_INTEGER, [CTX, UNINIT_MEM, SIZE_OR_ZERO, ANY], {
  gplOnly: true,
});
export const bpf_get_stack_pe = proto(
  'get_stack',
  RET_INTEGER,
  [CTX, UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_get_stack_raw_tp = proto(
  'get_stack',
  RET_INTEGER,
  [CTX, UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_get_stack_tp = proto(
  'get_stack',
  RET_INTEGER,
  [CTX, UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_get_stack_sleepable = proto(
  'get_stack',
  RET_INTEGER,
  [CTX, UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true, mightSleep: true },
);
export const bpf_send_signal = proto('send_signal', RET_INTEGER, [ANY]);
export const bpf_probe_read_user = proto(
  'probe_read_user',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_probe_read_kernel = proto(
  'probe_read_kernel',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_probe_read_user_str = proto(
  'probe_read_user_str',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_probe_read_kernel_str = proto(
  'probe_read_kernel_str',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_send_signal_thread = proto('send_signal_thread', RET_INTEGER, [ANY]);
export const bpf_read_branch_records = proto(
  'read_branch_records',
  RET_INTEGER,
  [CTX, WRITE_MEM_OR_NULL, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_seq_printf = proto(
  'seq_printf',
  RET_INTEGER,
  [structPtr('seq_file'), RDONLY_MEM, SIZE, RDONLY_MEM_OR_NULL, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_seq_write = proto(
  'seq_write',
  RET_INTEGER,
  [structPtr('seq_file'), RDONLY_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_get_task_stack = proto('get_task_stack', RET_INTEGER, [
  structPtr('task_struct'),
  UNINIT_MEM,
  SIZE_OR_ZERO,
  ANY,
]);
export const bpf_get_task_stack_sleepable = proto(
  'get_task_stack',
  RET_INTEGER,
  [structPtr('task_struct'), UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { mightSleep: true },
);
export const bpf_d_path = proto(
  'd_path',
  RET_INTEGER,
  [structPtr('path'), WRITE_MEM, SIZE_OR_ZERO],
  { allowed: dPathAllowed },
);
export const bpf_snprintf_btf = proto('snprintf_btf', RET_INTEGER, [
  WRITE_MEM,
  SIZE,
  RDONLY_MEM,
  SIZE,
  ANY,
]);
export const bpf_seq_printf_btf = proto(
  'seq_printf_btf',
  RET_INTEGER,
  [structPtr('seq_file'), RDONLY_MEM, SIZE_OR_ZERO, ANY],
  { gplOnly: true },
);
export const bpf_get_current_task_btf = proto(
  'get_current_task_btf',
  RET_PTR_TO_BTF_ID | PTR_TRUSTED,
  [],
  { gplOnly: true, retStruct: 'task_struct' },
);
export const bpf_bprm_opts_set = proto('bprm_opts_set', RET_INTEGER, [
  structPtr('linux_binprm'),
  ANY,
]);
export const bpf_ima_inode_hash = proto(
  'ima_inode_hash',
  RET_INTEGER,
  [structPtr('inode'), UNINIT_MEM, SIZE],
  { mightSleep: true, allowed: inSleepableLsmHook },
);
export const bpf_sys_bpf = proto('sys_bpf', RET_INTEGER, [ANY, RDONLY_MEM, SIZE], {
  mightSleep: true,
});
export const bpf_btf_find_by_name_kind = proto(
  'btf_find_by_name_kind',
  RET_INTEGER,
  [RDONLY_MEM, SIZE, ANY, ANY],
  { mightSleep: true },
);
export const bpf_sys_close = proto('sys_close', RET_INTEGER, [ANY], { mightSleep: true });
export const bpf_get_func_ip_kprobe = proto('get_func_ip', RET_INTEGER, [CTX], { gplOnly: true });
export const bpf_get_func_ip_kprobe_multi = proto('get_func_ip', RET_INTEGER, [CTX]);
export const bpf_get_func_ip_tracing = proto('get_func_ip', RET_INTEGER, [CTX], { gplOnly: true });
export const bpf_get_func_ip_uprobe_multi = proto('get_func_ip', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie_kmulti = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie_pe = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie_trace = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie_tracing = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_get_attach_cookie_umulti = proto('get_attach_cookie', RET_INTEGER, [CTX]);
export const bpf_task_pt_regs = proto(
  'task_pt_regs',
  RET_PTR_TO_BTF_ID,
  [structPtr('task_struct')],
  { gplOnly: true, retStruct: 'pt_regs' },
);
export const bpf_get_branch_snapshot = proto(
  'get_branch_snapshot',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_trace_vprintk = proto(
  'trace_vprintk',
  RET_INTEGER,
  [RDONLY_MEM, SIZE, RDONLY_MEM_OR_NULL, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_kallsyms_lookup_name = proto('kallsyms_lookup_name', RET_INTEGER, [
  RDONLY_MEM,
  SIZE_OR_ZERO,
  ANY,
  fixedMem(8, MEM_UNINIT | MEM_WRITE | MEM_ALIGNED),
]);
export const bpf_find_vma = proto('find_vma', RET_INTEGER, [
  structPtr('task_struct'),
  ANY,
  FUNC,
  STACK_OR_NULL,
  ANY,
]);
export const bpf_get_func_arg = proto('get_func_arg', RET_INTEGER, [
  CTX,
  ANY,
  fixedMem(8, MEM_UNINIT | MEM_WRITE | MEM_ALIGNED),
]);
export const bpf_get_func_ret = proto('get_func_ret', RET_INTEGER, [
  CTX,
  fixedMem(8, MEM_UNINIT | MEM_WRITE | MEM_ALIGNED),
]);
export const bpf_get_func_arg_cnt = proto('get_func_arg_cnt', RET_INTEGER, [CTX]);
export const bpf_ima_file_hash = proto(
  'ima_file_hash',
  RET_INTEGER,
  [structPtr('file'), UNINIT_MEM, SIZE],
  { mightSleep: true, allowed: inSleepableLsmHook },
);
