import {
  cType,
  ptr,
  s32,
  struct,
  u64,
  type Fields,
  type StructType,
  unsimulated,
} from '../base/layout.ts';
import { file as fileStruct } from './fs/structs.ts';
import type { SyscallRow } from './hooks.ts';
import { DIRECT_MAP_HIGH } from './memory.ts';
import type { CloneArgs } from './process/clone.ts';
import { bprmAddress, type Binprm } from './process/exec.ts';
import type { Task } from './task.ts';

/** include/uapi/linux/openat2.h */
export const open_how = struct('open_how', {
  flags: cType('__u64', u64),
  mode: cType('__u64', u64),
  resolve: cType('__u64', u64),
});

/** include/linux/sched/task.h. User pointers are addresses. */
export const kernel_clone_args = struct('kernel_clone_args', {
  flags: u64,
  pidfd: cType('int *', u64),
  child_tid: cType('int *', u64),
  parent_tid: cType('int *', u64),
  name: ptr('const char'),
  exit_signal: s32,
  unsimulated: unsimulated(88),
});

/** What the mapping of arguments may look at, and where it puts what has no memory of its own. */
export interface ArgumentWorld {
  readonly current: Task;
  /** The address of such a struct, which lives until the function has returned. */
  put(type: StructType<Fields>, values: Readonly<Record<string, number | bigint>>): number;
}

/** Numbers, memory offsets for pointers, or tasks; null for NULL. */
type Value = number | bigint | Task | boolean | null;

/**
 * A function of kernel text that programs may hang on: its C prototype, and how the arguments of
 * the simulated one become those of C where they are not simply the same in the same order.
 */
export interface KernelFunction {
  readonly name: string;
  readonly returns: string;
  readonly params: Readonly<Record<string, string>>;
  readonly values?: (args: never, world: ArgumentWorld) => readonly Value[];
  /** Parameters that are user pointers. */
  readonly user?: readonly string[];
  /** It never returns, so nothing can hang on its return. kernel/bpf/verifier.c: noreturn_deny */
  readonly noreturn?: true;
}

const file = { file: 'struct file *' };
const filp = { filp: 'struct file *', id: 'void *' };
const fd = { fd: 'unsigned int' };
const lock = { lock: 'struct mutex *' };
/** (class, address, site) */
const mutexValues = ([, addr]: readonly [unknown, number]): Value[] => [addr];
const buffer = (c: string) => ({ file: 'struct file *', buf: c, count: 'size_t', pos: 'loff_t *' });
const rwValues = ([at, buf, count]: readonly number[]): Value[] => [
  at!,
  buf!,
  count!,
  at! + fileStruct.off.f_pos,
];

function cloneArgs(args: CloneArgs, world: ArgumentWorld): number {
  return world.put(kernel_clone_args as unknown as StructType<Fields>, {
    flags: BigInt(args.flags >>> 0),
    pidfd: BigInt(args.pidfd),
    child_tid: BigInt(args.childTid),
    parent_tid: BigInt(args.parentTid),
    exit_signal: args.exitSignal,
  });
}

const ROWS: readonly KernelFunction[] = [
  // fs/open.c, fs/file.c, fs/file_table.c
  { name: 'close_fd', returns: 'int', params: fd },
  { name: 'file_close_fd', returns: 'struct file *', params: fd },
  { name: 'filp_flush', returns: 'int', params: filp },
  { name: 'filp_close', returns: 'int', params: filp },
  { name: 'fput', returns: 'void', params: file },
  { name: 'fput_close', returns: 'void', params: file },
  { name: 'fput_close_sync', returns: 'void', params: file },
  { name: '__fput', returns: 'void', params: file },
  { name: 'fget', returns: 'struct file *', params: fd },
  { name: 'fget_raw', returns: 'struct file *', params: fd },
  {
    name: 'fget_task',
    returns: 'struct file *',
    params: { task: 'struct task_struct *', fd: 'unsigned int' },
  },
  {
    name: 'alloc_fd',
    returns: 'int',
    params: { start: 'unsigned int', end: 'unsigned int', flags: 'unsigned int' },
  },
  { name: 'get_unused_fd_flags', returns: 'int', params: { flags: 'unsigned int' } },
  { name: 'put_unused_fd', returns: 'void', params: fd },
  { name: 'fd_install', returns: 'void', params: { fd: 'unsigned int', file: 'struct file *' } },
  {
    name: 'expand_files',
    returns: 'int',
    params: { files: 'struct files_struct *', nr: 'unsigned int' },
  },
  {
    name: 'dup_fd',
    returns: 'struct files_struct *',
    params: { oldf: 'struct files_struct *', punch_hole: 'struct fd_range *' },
    values: ([from]: readonly number[]) => [from!, null],
  },
  { name: 'unshare_files', returns: 'int', params: {} },
  {
    name: 'do_close_on_exec',
    returns: 'void',
    params: { files: 'struct files_struct *' },
    values: (_: unknown, { current }) => [current.s.files],
  },
  { name: 'exit_files', returns: 'void', params: { tsk: 'struct task_struct *' } },
  { name: 'put_files_struct', returns: 'void', params: { files: 'struct files_struct *' } },
  {
    name: 'copy_files',
    returns: 'int',
    params: { clone_flags: 'u64', tsk: 'struct task_struct *', no_files: 'int' },
    values: ([child, flags]: readonly [Task, number]) => [flags >>> 0, child, 0],
  },
  {
    name: 'do_dup2',
    returns: 'int',
    params: {
      files: 'struct files_struct *',
      file: 'struct file *',
      fd: 'unsigned int',
      flags: 'unsigned int',
    },
  },
  {
    name: 'ksys_dup3',
    returns: 'int',
    params: { oldfd: 'unsigned int', newfd: 'unsigned int', flags: 'int' },
  },
  {
    name: 'f_dupfd',
    returns: 'int',
    params: { from: 'unsigned int', file: 'struct file *', flags: 'unsigned int' },
  },
  {
    name: 'do_sys_openat2',
    returns: 'int',
    params: { dfd: 'int', filename: 'const char *', how: 'struct open_how *' },
    user: ['filename'],
    values: ([dfd, name, flags, mode]: readonly number[], world) => [
      dfd!,
      name!,
      world.put(open_how as unknown as StructType<Fields>, {
        flags: BigInt(flags! >>> 0),
        mode: BigInt(mode! & 0o7777),
        resolve: 0n,
      }),
    ],
  },
  // fs/read_write.c, fs/ioctl.c, fs/pipe.c, fs/eventfd.c
  {
    name: 'vfs_read',
    returns: 'ssize_t',
    params: buffer('char *'),
    user: ['buf'],
    values: rwValues,
  },
  {
    name: 'vfs_write',
    returns: 'ssize_t',
    params: buffer('const char *'),
    user: ['buf'],
    values: rwValues,
  },
  {
    name: 'vfs_llseek',
    returns: 'loff_t',
    params: { file: 'struct file *', offset: 'loff_t', whence: 'int' },
  },
  {
    name: 'vfs_ioctl',
    returns: 'long',
    params: { filp: 'struct file *', cmd: 'unsigned int', arg: 'unsigned long' },
  },
  {
    name: 'ksys_read',
    returns: 'ssize_t',
    params: { fd: 'unsigned int', buf: 'char *', count: 'size_t' },
    user: ['buf'],
  },
  {
    name: 'ksys_write',
    returns: 'ssize_t',
    params: { fd: 'unsigned int', buf: 'const char *', count: 'size_t' },
    user: ['buf'],
  },
  {
    name: 'do_pipe2',
    returns: 'int',
    params: { fildes: 'int *', flags: 'int' },
    user: ['fildes'],
  },
  { name: 'do_eventfd', returns: 'int', params: { count: 'unsigned int', flags: 'int' } },
  // net/socket.c, net/unix/af_unix.c, net/core/skbuff.c
  { name: '__sys_shutdown', returns: 'int', params: { fd: 'int', how: 'int' } },
  {
    name: 'unix_release_sock',
    returns: 'void',
    params: { sk: 'struct sock *', embrion: 'int' },
    values: ([sk]: readonly number[]) => [sk!, 0],
  },
  { name: 'consume_skb', returns: 'void', params: { skb: 'struct sk_buff *' } },
  // kernel/fork.c, kernel/exit.c, fs/exec.c
  {
    name: 'kernel_clone',
    returns: 'pid_t',
    params: { args: 'struct kernel_clone_args *' },
    values: ([args]: readonly [CloneArgs], world) => [cloneArgs(args, world)],
  },
  {
    name: 'copy_process',
    returns: 'struct task_struct *',
    params: {
      pid: 'struct pid *',
      trace: 'int',
      node: 'int',
      args: 'struct kernel_clone_args *',
    },
    values: ([args]: readonly [CloneArgs], world) => [null, 0, -1, cloneArgs(args, world)],
  },
  { name: 'wake_up_new_task', returns: 'void', params: { p: 'struct task_struct *' } },
  {
    name: 'bprm_execve',
    returns: 'int',
    params: { bprm: 'struct linux_binprm *' },
    values: ([bprm]: readonly [Binprm]) => [bprmAddress(bprm)],
  },
  {
    name: 'begin_new_exec',
    returns: 'int',
    params: { bprm: 'struct linux_binprm *' },
    values: ([, bprm]: readonly [Task, Binprm]) => [bprmAddress(bprm)],
  },
  {
    name: 'exec_mmap',
    returns: 'int',
    params: { mm: 'struct mm_struct *' },
    values: ([, mm]: readonly [Task, number]) => [mm],
  },
  { name: 'mmput', returns: 'void', params: { mm: 'struct mm_struct *' } },
  { name: 'exit_mm', returns: 'void', params: {}, values: () => [] },
  { name: 'do_exit', returns: 'void', params: { code: 'long' }, noreturn: true },
  { name: 'do_group_exit', returns: 'void', params: { exit_code: 'int' }, noreturn: true },
  { name: 'do_task_dead', returns: 'void', params: {}, values: () => [], noreturn: true },
  {
    name: 'kernel_wait4',
    returns: 'long',
    params: { upid: 'pid_t', stat_addr: 'int *', options: 'int', ru: 'struct rusage *' },
    user: ['stat_addr', 'ru'],
  },
  { name: 'task_work_run', returns: 'void', params: {} },
  // kernel/locking/mutex.c, kernel/rcu/tree.c
  { name: 'mutex_lock', returns: 'void', params: lock, values: mutexValues },
  { name: 'mutex_lock_interruptible', returns: 'int', params: lock, values: mutexValues },
  { name: 'mutex_trylock', returns: 'int', params: lock, values: mutexValues },
  { name: 'mutex_unlock', returns: 'void', params: lock, values: mutexValues },
  { name: 'synchronize_rcu', returns: 'void', params: {} },
  { name: 'rcu_barrier', returns: 'void', params: {} },
];

/** `__x64_sys_close`, …: each gets the registers of its call. */
function syscallFunction({ name }: Pick<SyscallRow, 'name'>): KernelFunction {
  return {
    name: `__x64_sys_${name}`,
    returns: 'long',
    params: { regs: 'const struct pt_regs *' },
    ...(name === 'exit' || name === 'exit_group' ? { noreturn: true } : {}),
  };
}

/** Every function that something may hang on, in a stable order. */
export function traceableFunctions(syscalls: readonly SyscallRow[]): KernelFunction[] {
  return [...ROWS, ...syscalls.map(syscallFunction)];
}

/** Bytes of the C types above that are not pointers. */
const SIZES: Readonly<Record<string, 4 | 8>> = { int: 4, 'unsigned int': 4, pid_t: 4 };

/** What a register holds of a value of that C type: 4 bytes are extended with zeros. */
function register(c: string, value: Value | undefined, isUser = false): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'object') return kernelPointer(value.addr);
  if (typeof value === 'bigint') return BigInt.asUintN(64, value);
  if (c.endsWith('*') && !isUser && value > 0) return kernelPointer(value);
  return BigInt.asUintN((SIZES[c] ?? 8) * 8, BigInt(value));
}

function kernelPointer(addr: number): bigint {
  return addr === 0 ? 0n : (BigInt(DIRECT_MAP_HIGH) << 32n) | BigInt(addr);
}

/** The argument registers of a call. */
export function argumentsOf(
  { params, user = [], values }: KernelFunction,
  args: readonly unknown[],
  world: ArgumentWorld,
): bigint[] {
  const given = (values ? values(args as never, world) : args) as readonly Value[];
  return Object.entries(params).map(([name, c], i) => register(c, given[i], user.includes(name)));
}

/** The return register; 0 of a function that returns nothing. */
export function resultOf({ returns }: KernelFunction, result: unknown): bigint {
  return returns === 'void' ? 0n : register(returns, result as Value);
}

/** What a caller of the simulated function gets where a program has decided its result. */
export function resultValue({ returns }: KernelFunction, result: bigint): number {
  return Number(BigInt.asIntN((SIZES[returns] ?? 8) * 8, result));
}

/** What the parameters above point to beside the structs of the kernel's own parts. */
export const FUNCTION_STRUCTS: readonly StructType<Fields>[] = [
  open_how,
  kernel_clone_args,
] as unknown as readonly StructType<Fields>[];
