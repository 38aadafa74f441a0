import { describe, expect, test } from 'vitest';
import { Kernel } from '../../kernel/kernel.ts';
import { linux_binprm, pt_regs, task_struct } from '../../kernel/structs.ts';
import { syscallEvents, TRACE_EVENTS } from '../../kernel/trace-events.ts';
import { recordText, TraceRecord } from '../../kernel/trace-record.ts';
import type { EventArgs, TraceEvent } from '../../kernel/tracepoint.ts';

const kernel = new Kernel({ cpuCount: 1, profile: 'v7.2', mutations: new Set(), mode: 'explore' });
const { memory, slab } = kernel.machine;

/** By record: where Linux 7.2 on x86-64 has each field, behind the 8 bytes of the entry. */
const LAYOUTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  trace_event_raw_sched_switch: {
    prev_comm: 8,
    prev_pid: 24,
    prev_prio: 28,
    prev_state: 32,
    next_comm: 40,
    next_pid: 56,
    next_prio: 60,
    __data: 64,
  },
  trace_event_raw_sched_wakeup_template: { comm: 8, pid: 24, prio: 28, target_cpu: 32, __data: 36 },
  trace_event_raw_sched_process_fork: {
    __data_loc_parent_comm: 8,
    parent_pid: 12,
    __data_loc_child_comm: 16,
    child_pid: 20,
    __data: 24,
  },
  trace_event_raw_sched_process_exec: { __data_loc_filename: 8, pid: 12, old_pid: 16, __data: 20 },
  trace_event_raw_sched_process_exit: { comm: 8, pid: 24, prio: 28, group_dead: 32, __data: 33 },
  trace_event_raw_sched_process_template: { __data_loc_comm: 8, pid: 12, prio: 16, __data: 20 },
  trace_event_raw_task_newtask: {
    pid: 8,
    comm: 12,
    clone_flags: 32,
    oom_score_adj: 40,
    __data: 42,
  },
  trace_event_raw_task_rename: { pid: 8, oldcomm: 12, newcomm: 28, oom_score_adj: 44, __data: 46 },
  trace_event_raw_sys_enter: { id: 8, args: 16, __data: 64 },
  trace_event_raw_sys_exit: { id: 8, ret: 16, __data: 24 },
  syscall_trace_enter: { nr: 8, args: 16 },
  syscall_trace_exit: { nr: 8, ret: 16 },
};

const all = [...TRACE_EVENTS, ...syscallEvents(kernel.syscalls.rows)];

test('every record is laid out as Linux lays it out', () => {
  for (const { record } of all) {
    const { ent, ...fields } = record.off;
    expect(fields, record.name).toEqual(LAYOUTS[record.name]);
    expect(ent).toBe(0);
  }
  expect(new Set(all.map(({ record }) => record.name)).size).toBe(Object.keys(LAYOUTS).length);
});

test('every event has an id of its own', () => {
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
});

function task(comm: string, pid: number, more: Partial<ReturnType<typeof task_struct.at>> = {}) {
  const addr = slab.kzalloc(task_struct.sizeBytes);
  Object.assign(task_struct.at(memory, addr), { comm, pid, prio: 120, ...more });
  return addr;
}

function text(value: string): number {
  const addr = slab.kzalloc(value.length + 1);
  memory.setChars(addr, value.length + 1, value);
  return addr;
}

function bprm(filename: string): number {
  const addr = slab.kzalloc(linux_binprm.sizeBytes);
  linux_binprm.at(memory, addr).filename = text(filename);
  return addr;
}

function registers(values: Readonly<Record<string, bigint>>): number {
  const addr = slab.kzalloc(pt_regs.sizeBytes);
  Object.assign(pt_regs.at(memory, addr), values);
  return addr;
}

const a = task('a.out', 101, { cpu: 1 });
const dead = task('gone', 102, { exit_state: 0x20 });
const regs = registers({ di: 5n, si: 0x7f00_0000_1000n, dx: 16n, orig_ax: 0n });

/** Name, arguments, the line: TP_printk of Linux. */
const LINES: readonly [string, EventArgs, string][] = [
  [
    'sched_switch',
    [1, a, dead, 1],
    'prev_comm=a.out prev_pid=101 prev_prio=120 prev_state=R+ ==> ' +
      'next_comm=gone next_pid=102 next_prio=120',
  ],
  [
    'sched_switch',
    [0, dead, a, 0x80],
    'prev_comm=gone prev_pid=102 prev_prio=120 prev_state=Z ==> ' +
      'next_comm=a.out next_pid=101 next_prio=120',
  ],
  ['sched_waking', [a], 'comm=a.out pid=101 prio=120 target_cpu=001'],
  ['sched_process_fork', [a, dead], 'comm=a.out pid=101 child_comm=gone child_pid=102'],
  ['sched_process_exec', [a, 99, bprm('/bin/ls')], 'filename=/bin/ls pid=101 old_pid=99'],
  ['sched_process_exit', [a, 0], 'comm=a.out pid=101 prio=120 group_dead=false'],
  ['sched_process_free', [dead], 'comm=gone pid=102 prio=120'],
  ['task_newtask', [a, 0x3d0f00], 'pid=101 comm=a.out clone_flags=3d0f00 oom_score_adj=0'],
  [
    'task_rename',
    [a, text('a name that is too long')],
    'pid=101 oldcomm=a.out newcomm=a name that is  oom_score_adj=0',
  ],
  ['sys_enter', [regs, 0], 'NR 0 (5, 7f0000001000, 10, 0, 0, 0)'],
  ['sys_exit', [regs, -9], 'NR 0 = -9'],
  ['sys_enter_read', [regs, 0], 'fd: 0x5, buf: 0x7f0000001000, count: 0x10'],
  ['sys_exit_read', [regs, -9], '0xfffffffffffffff7'],
];

function written(event: TraceEvent, args: EventArgs): { addr: number; sizeBytes: number } {
  const record = new TraceRecord(event, memory, args);
  const addr = slab.kzalloc(record.sizeBytes);
  record.write(memory, addr, { pid: 77, flags: 1, preemptCount: 2 });
  return { addr, sizeBytes: record.sizeBytes };
}

describe('from arguments to a record to a line', () => {
  test.each(LINES)('%s', (name, args, line) => {
    const event = all.find((each) => each.name === name)!;
    const { addr } = written(event, args);
    expect([
      memory.u16(addr),
      memory.u8(addr + 2),
      memory.u8(addr + 3),
      memory.s32(addr + 4),
    ]).toEqual([event.id, 1, 2, 77]);
    expect(recordText(event, memory, addr)).toBe(line);
  });
});

test('a string stands behind the record: its offset, and its bytes with the NUL', () => {
  const exec = all.find(({ name }) => name === 'sched_process_exec')!;
  const { addr, sizeBytes } = written(exec, [a, 99, bprm('/bin/ls')]);
  expect(memory.u32(addr + 8)).toBe(20 | (8 << 16));
  expect(memory.chars(addr + 20, 8)).toBe('/bin/ls');
  expect(sizeBytes).toBe(28);
});
