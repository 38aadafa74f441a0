import { args } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/**
 * Closes a descriptor of the current task, whatever it is: the reference that the table held goes
 * on the way to user mode. Nothing may be borrowed from the table meanwhile. Spec 00 R28, 01 R12;
 * kernel/bpf/syscall.c
 */
export const bpf_sys_close = helper({
  ...row('sys_close'),
  args: [args.u32],
  run: (call, fd) => call.kernel.fs.closing.close_fd(fd),
});
