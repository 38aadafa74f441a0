import {
  array,
  chars,
  cType,
  ptr,
  s32,
  u16,
  u32,
  u64,
  u8,
  type Fields,
  type StructMemory,
  struct,
  embed,
  type StructType,
} from '../base/layout.ts';
import type { SyscallRow } from './hooks.ts';
import { linux_binprm, pt_regs, task_struct } from './structs.ts';
import {
  EXIT_DEAD,
  EXIT_ZOMBIE,
  TASK_IDLE,
  TASK_INTERRUPTIBLE,
  TASK_UNINTERRUPTIBLE,
} from './task.ts';
import {
  recordOf,
  trace_entry,
  type EventArgs,
  type EventValue,
  type EventValues,
  type TraceEvent,
} from './tracepoint.ts';

/** include/linux/sched.h: TASK_REPORT_IDLE, and what a preempted task has instead of a state. */
const TASK_REPORT =
  TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | 4 | 8 | EXIT_DEAD | EXIT_ZOMBIE | 0x40;
const TASK_REPORT_IDLE = TASK_REPORT + 1;
const TASK_REPORT_MAX = TASK_REPORT_IDLE << 1;
/** By bit. include/trace/events/sched.h */
const STATE_LETTERS = ['S', 'D', 'T', 't', 'X', 'Z', 'P', 'I'];

const pid_t = cType('pid_t', s32);
const bool = cType('bool', u8);
const unsignedInt = cType('unsigned int', u32);
const unsignedLong = cType('unsigned long', u64);
const short = cType('short', u16);
const long = cType('long', u64);
const comm = chars(16); // TASK_COMM_LEN
const task = ptr('struct task_struct');

/** Of no event: of ids, those below belong to the tracer itself. kernel/trace/trace.h */
const FIRST_EVENT_ID = 300;
const FIRST_SYSCALL_ID = 1_000;

const taskAt = (memory: StructMemory, addr: number | bigint | undefined) =>
  task_struct.at(memory, Number(addr));

/** What most events tell of a task. */
const who = (memory: StructMemory, [p]: EventArgs) => {
  const { comm, pid, prio } = taskAt(memory, p);
  return { comm, pid, prio };
};

/** DECLARE_EVENT_CLASS(sched_wakeup_template) */
const wakeup = {
  args: { p: task },
  record: recordOf('sched_wakeup_template', { comm, pid: pid_t, prio: s32, target_cpu: s32 }),
  assign: (memory: StructMemory, args: EventArgs) => ({
    ...who(memory, args),
    target_cpu: taskAt(memory, args[0]).cpu,
  }),
  print: (e: EventValues) =>
    `comm=${text(e['comm'])} pid=${text(e['pid'])} prio=${text(e['prio'])} ` +
    `target_cpu=${text(e['target_cpu']).padStart(3, '0')}`,
};

const ROWS: readonly Omit<TraceEvent, 'id'>[] = [
  {
    system: 'sched',
    name: 'sched_switch',
    args: { preempt: bool, prev: task, next: task, prev_state: unsignedInt },
    record: recordOf('sched_switch', {
      prev_comm: comm,
      prev_pid: pid_t,
      prev_prio: s32,
      prev_state: long,
      next_comm: comm,
      next_pid: pid_t,
      next_prio: s32,
    }),
    assign: (memory, [preempt, prev, next, state]) => {
      const [from, to] = [taskAt(memory, prev), taskAt(memory, next)];
      const reported = switchState(preempt !== 0, Number(state), from.exit_state);
      return {
        prev_comm: from.comm,
        prev_pid: from.pid,
        prev_prio: from.prio,
        prev_state: BigInt(reported),
        next_comm: to.comm,
        next_pid: to.pid,
        next_prio: to.prio,
      };
    },
    print: (e) =>
      `prev_comm=${text(e['prev_comm'])} prev_pid=${text(e['prev_pid'])} ` +
      `prev_prio=${text(e['prev_prio'])} prev_state=${stateText(Number(e['prev_state']))} ==> ` +
      `next_comm=${text(e['next_comm'])} next_pid=${text(e['next_pid'])} ` +
      `next_prio=${text(e['next_prio'])}`,
  },
  { system: 'sched', name: 'sched_waking', ...wakeup },
  { system: 'sched', name: 'sched_wakeup', ...wakeup },
  { system: 'sched', name: 'sched_wakeup_new', ...wakeup },
  {
    system: 'sched',
    name: 'sched_process_fork',
    args: { parent: task, child: task },
    record: recordOf('sched_process_fork', {
      __data_loc_parent_comm: u32,
      parent_pid: pid_t,
      __data_loc_child_comm: u32,
      child_pid: pid_t,
    }),
    assign: (memory, [parent, child]) => ({
      __data_loc_parent_comm: taskAt(memory, parent).comm,
      parent_pid: taskAt(memory, parent).pid,
      __data_loc_child_comm: taskAt(memory, child).comm,
      child_pid: taskAt(memory, child).pid,
    }),
    print: (e) =>
      `comm=${text(e['__data_loc_parent_comm'])} pid=${text(e['parent_pid'])} ` +
      `child_comm=${text(e['__data_loc_child_comm'])} child_pid=${text(e['child_pid'])}`,
  },
  {
    system: 'sched',
    name: 'sched_process_exec',
    args: { p: task, old_pid: pid_t, bprm: ptr('struct linux_binprm') },
    record: recordOf('sched_process_exec', {
      __data_loc_filename: u32,
      pid: pid_t,
      old_pid: pid_t,
    }),
    assign: (memory, [p, oldPid, bprm]) => ({
      __data_loc_filename: stringAt(memory, linux_binprm.at(memory, Number(bprm)).filename),
      pid: taskAt(memory, p).pid,
      old_pid: Number(oldPid),
    }),
    print: (e) =>
      `filename=${text(e['__data_loc_filename'])} pid=${text(e['pid'])} ` +
      `old_pid=${text(e['old_pid'])}`,
  },
  {
    system: 'sched',
    name: 'sched_process_exit',
    args: { p: task, group_dead: bool },
    record: recordOf('sched_process_exit', { comm, pid: pid_t, prio: s32, group_dead: bool }),
    assign: (memory, args) => ({ ...who(memory, args), group_dead: Number(args[1]) }),
    print: (e) =>
      `comm=${text(e['comm'])} pid=${text(e['pid'])} prio=${text(e['prio'])} ` +
      `group_dead=${e['group_dead'] === 0 ? 'false' : 'true'}`,
  },
  {
    system: 'sched',
    name: 'sched_process_free',
    args: { p: task },
    record: recordOf('sched_process_template', {
      __data_loc_comm: u32,
      pid: pid_t,
      prio: s32,
    }),
    assign: (memory, args) => {
      const { comm, pid, prio } = who(memory, args);
      return { __data_loc_comm: comm, pid, prio };
    },
    print: (e) =>
      `comm=${text(e['__data_loc_comm'])} pid=${text(e['pid'])} prio=${text(e['prio'])}`,
  },
  {
    system: 'task',
    name: 'task_newtask',
    args: { task, clone_flags: u64 },
    record: recordOf('task_newtask', {
      pid: pid_t,
      comm,
      clone_flags: u64,
      oom_score_adj: short,
    }),
    assign: (memory, [p, flags]) => ({
      pid: taskAt(memory, p).pid,
      comm: taskAt(memory, p).comm,
      clone_flags: BigInt(flags!),
      oom_score_adj: 0,
    }),
    print: (e) =>
      `pid=${text(e['pid'])} comm=${text(e['comm'])} clone_flags=${hex(e['clone_flags'])} ` +
      `oom_score_adj=${text(e['oom_score_adj'])}`,
  },
  {
    system: 'task',
    name: 'task_rename',
    args: { task, comm: ptr('const char') },
    record: recordOf('task_rename', {
      pid: pid_t,
      oldcomm: comm,
      newcomm: comm,
      oom_score_adj: short,
    }),
    assign: (memory, [p, name]) => ({
      pid: taskAt(memory, p).pid,
      oldcomm: taskAt(memory, p).comm,
      newcomm: stringAt(memory, Number(name)).slice(0, 15),
      oom_score_adj: 0,
    }),
    print: (e) =>
      `pid=${text(e['pid'])} oldcomm=${text(e['oldcomm'])} newcomm=${text(e['newcomm'])} ` +
      `oom_score_adj=${text(e['oom_score_adj'])}`,
  },
  {
    system: 'raw_syscalls',
    name: 'sys_enter',
    args: { regs: ptr('struct pt_regs'), id: long },
    record: recordOf('sys_enter', { id: long, args: array(unsignedLong, 6) }),
    assign: (memory, [regs, id]) => ({ id: BigInt(id!), args: argsOf(memory, Number(regs)) }),
    print: (e) => `NR ${text(e['id'])} (${list(e['args']).map(hex).join(', ')})`,
  },
  {
    system: 'raw_syscalls',
    name: 'sys_exit',
    args: { regs: ptr('struct pt_regs'), ret: long },
    record: recordOf('sys_exit', { id: long, ret: long }),
    assign: (memory, [regs, ret]) => ({
      id: pt_regs.at(memory, Number(regs)).orig_ax,
      ret: BigInt(ret!),
    }),
    print: (e) => `NR ${text(e['id'])} = ${signed(e['ret'])}`,
  },
];

/** Events in the order of the table: but for those of single system calls. */
export const TRACE_EVENTS: readonly TraceEvent[] = ROWS.map((row, i) => ({
  ...row,
  id: FIRST_EVENT_ID + i,
}));

function named(name: string): TraceEvent {
  return TRACE_EVENTS.find((event) => event.name === name)!;
}

export const sched_switch = named('sched_switch');
export const sched_waking = named('sched_waking');
export const sched_wakeup = named('sched_wakeup');
export const sched_wakeup_new = named('sched_wakeup_new');
export const sched_process_fork = named('sched_process_fork');
export const sched_process_exec = named('sched_process_exec');
export const sched_process_exit = named('sched_process_exit');
export const sched_process_free = named('sched_process_free');
export const task_newtask = named('task_newtask');
export const task_rename = named('task_rename');
export const sys_enter = named('sys_enter');
export const sys_exit = named('sys_exit');

/** kernel/trace/trace.h; of the program's context, kernel/trace/trace_syscalls.c: syscall_tp_t */
const entryOfCall = { ent: embed(trace_entry as unknown as StructType<Fields>), nr: s32 };
export const syscall_trace_enter: StructType<Fields> = struct('syscall_trace_enter', {
  ...entryOfCall,
  args: array(unsignedLong, 6),
});
export const syscall_trace_exit: StructType<Fields> = struct('syscall_trace_exit', {
  ...entryOfCall,
  ret: long,
});

/** `syscalls:sys_enter_close`, `syscalls:sys_exit_close`, … kernel/trace/trace_syscalls.c */
export function syscallEvents(rows: readonly SyscallRow[]): TraceEvent[] {
  return rows.flatMap(({ nr, name, args: names }) => [
    {
      ...sys_enter,
      system: 'syscalls',
      name: `sys_enter_${name}`,
      id: FIRST_SYSCALL_ID + 2 * nr,
      record: syscall_trace_enter,
      assign: (memory: StructMemory, [regs, id]: EventArgs) => ({
        nr: Number(id),
        args: argsOf(memory, Number(regs)).map((arg, i) => (i < names.length ? arg : 0n)),
      }),
      print: (e: EventValues) =>
        names.map((arg, i) => `${arg}: 0x${hex(list(e['args'])[i])}`).join(', '),
      within: { event: sys_enter, nr },
    },
    {
      ...sys_exit,
      system: 'syscalls',
      name: `sys_exit_${name}`,
      id: FIRST_SYSCALL_ID + 2 * nr + 1,
      record: syscall_trace_exit,
      assign: (memory: StructMemory, [regs, ret]: EventArgs) => ({
        nr: Number(pt_regs.at(memory, Number(regs)).orig_ax),
        ret: BigInt(ret!),
      }),
      print: (e: EventValues) => `0x${hex(e['ret'])}`,
      within: { event: sys_exit, nr },
    },
  ]);
}

/** di, si, dx, r10, r8, r9. syscall_get_arguments() */
function argsOf(memory: StructMemory, regs: number): bigint[] {
  const { di, si, dx, r10, r8, r9 } = pt_regs.at(memory, regs);
  return [di, si, dx, r10, r8, r9];
}

/** __trace_sched_switch_state() */
function switchState(preempt: boolean, state: number, exitState: number): number {
  if (preempt) return TASK_REPORT_MAX;
  let reported = (state | exitState) & TASK_REPORT;
  if ((state & TASK_IDLE) === TASK_IDLE) reported = TASK_REPORT_IDLE;
  return reported === 0 ? 0 : 1 << (31 - Math.clz32(reported));
}

function stateText(state: number): string {
  const letters = STATE_LETTERS.filter((_, bit) => state & (1 << bit)).join('|');
  return (letters === '' ? 'R' : letters) + (state & TASK_REPORT_MAX ? '+' : '');
}

function stringAt(memory: StructMemory, addr: number): string {
  let length = 0;
  while (memory.u8(addr + length) !== 0) length++;
  return memory.chars(addr, length);
}

const text = (value: EventValue | undefined): string => String(value);
const hex = (value: EventValue | undefined): string =>
  BigInt.asUintN(64, BigInt(value as bigint)).toString(16);
const signed = (value: EventValue | undefined): string =>
  String(BigInt.asIntN(64, BigInt(value as bigint)));
const list = (value: EventValue | undefined): readonly bigint[] => value as readonly bigint[];

/** What the arguments and records above are made of, for the kernel's BTF. */
export const TRACE_STRUCTS: readonly StructType<Fields>[] = [
  trace_entry,
  pt_regs,
  linux_binprm,
  syscall_trace_enter,
  syscall_trace_exit,
] as readonly StructType<Fields>[];
