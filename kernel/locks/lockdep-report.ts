import type { StackEntry } from '../../sim/fiber.ts';
import { siteOf } from '../../sim/site.ts';
import type { ExecContext, HeldLock } from '../context.ts';
import type { KernelCpu } from '../cpu.ts';
import type { Machine, Report } from '../machine.ts';
import { pointerText, stackLines } from '../oops.ts';
import { lockClassOf, type LockClass } from './lock-class.ts';

/** The texts of kernel/locking/lockdep.c. */

/** In which contexts a class has been taken: bits. enum lock_usage_bit */
export const USED_IN_HARDIRQ = 1;
export const USED_WITH_HARDIRQ = 2;
export const USED_IN_SOFTIRQ = 4;
export const USED_WITH_SOFTIRQ = 8;

const USAGE_NAMES = new Map([
  [USED_IN_HARDIRQ, 'IN-HARDIRQ-W'],
  [USED_WITH_HARDIRQ, 'HARDIRQ-ON-W'],
  [USED_IN_SOFTIRQ, 'IN-SOFTIRQ-W'],
  [USED_WITH_SOFTIRQ, 'SOFTIRQ-ON-W'],
]);

/** `to` has been taken while `from` was held. struct lock_list */
export interface Link {
  readonly from: LockClass;
  readonly to: LockClass;
  readonly site: number;
  readonly stack: readonly StackEntry[];
}

export interface LockSeen {
  readonly cls: LockClass;
  readonly addr: number;
  readonly site: number;
}

/** Who reports, and what is known of the classes. */
export interface Reporter {
  readonly machine: Machine;
  readonly context: ExecContext;
  readonly cpu: KernelCpu;
  readonly usageOf: (cls: LockClass) => number;
}

const OTHER = ['', 'other info that might help us debug this:'];
const SCENARIO = [' Possible unsafe locking scenario:', ''];
const DEADLOCK = ['', ' *** DEADLOCK ***', ''];

/** print_circular_bug() */
export function circularReport(
  reporter: Reporter,
  now: LockSeen,
  held: LockSeen,
  back: readonly Link[],
): Report {
  const { machine } = reporter;
  const chain = [...back].toReversed();
  const middle =
    back.length > 1
      ? [
          'Chain exists of:',
          `  ${[now.cls, ...back.map(({ to }) => to)].map(({ name }) => name).join(' --> ')}`,
          '',
        ]
      : [];
  return {
    kind: 'lock-inversion',
    title: 'WARNING: possible circular locking dependency detected',
    lines: [
      '-'.repeat(54),
      `${who(reporter)} is trying to acquire lock:`,
      lockLine(reporter, now),
      '',
      'but task is already holding lock:',
      lockLine(reporter, held),
      '',
      'which lock already depends on the new lock.',
      '',
      '',
      'the existing dependency chain (in reverse order) is:',
      '',
      ...chain.flatMap((link, i) => [
        `-> #${chain.length - i} ${classText(reporter, link.to)}:`,
        ...indented(link.stack),
        '',
      ]),
      `-> #0 ${classText(reporter, now.cls)}:`,
      ...indented(machine.stack()),
      ...OTHER,
      '',
      ...middle,
      ...SCENARIO,
      '       CPU0                    CPU1',
      '       ----                    ----',
      `  lock(${held.cls.name});`,
      `                               lock(${now.cls.name});`,
      `                               lock(${held.cls.name});`,
      `  lock(${now.cls.name});`,
      ...DEADLOCK,
      ...heldLines(reporter),
      ...backtrace(machine),
    ],
    sites: places([now.site, ...back.map(({ site }) => site)]),
    objects: [now, held].map(object),
    fatal: false,
  };
}

/** print_deadlock_bug() */
export function recursiveReport(reporter: Reporter, now: LockSeen, held: LockSeen): Report {
  const certain = now.addr === held.addr;
  return {
    kind: certain ? 'deadlock' : 'lock-inversion',
    title: 'WARNING: possible recursive locking detected',
    lines: [
      '-'.repeat(44),
      `${who(reporter)} is trying to acquire lock:`,
      lockLine(reporter, now),
      '',
      'but task is already holding lock:',
      lockLine(reporter, held),
      ...OTHER,
      ...SCENARIO,
      '       CPU0',
      '       ----',
      `  lock(${held.cls.name});`,
      `  lock(${now.cls.name});`,
      ...DEADLOCK,
      ...(certain ? [] : [' May be due to missing lock nesting notation', '']),
      ...heldLines(reporter),
      ...backtrace(reporter.machine),
    ],
    sites: places([now.site, held.site]),
    objects: (certain ? [now] : [now, held]).map(object),
    fatal: certain,
  };
}

/** print_usage_bug() */
export function inconsistentReport(
  reporter: Reporter,
  now: LockSeen,
  was: number,
  is: number,
  wasAt: readonly StackEntry[],
): Report {
  const { machine } = reporter;
  return {
    kind: 'lock-inversion',
    title: 'WARNING: inconsistent lock state',
    lines: [
      '-'.repeat(32),
      `inconsistent {${USAGE_NAMES.get(was)!}} -> {${USAGE_NAMES.get(is)!}} usage.`,
      `${who(reporter)} ${irqState(reporter)} takes:`,
      lockLine(reporter, now),
      `{${USAGE_NAMES.get(was)!}} state was registered at:`,
      ...indented(wasAt),
      ...OTHER,
      ...SCENARIO,
      '       CPU0',
      '       ----',
      `  lock(${now.cls.name});`,
      '  <Interrupt>',
      `    lock(${now.cls.name});`,
      ...DEADLOCK,
      ...heldLines(reporter),
      ...backtrace(machine),
    ],
    sites: [siteOf(now.site).name, innermost(wasAt)].toSorted(),
    objects: [object(now)],
    fatal: false,
  };
}

/** print_bad_irq_dependency() */
export function safetyReport(
  reporter: Reporter,
  safe: LockClass,
  unsafe: LockClass,
  inside: number,
  stacks: Record<'safe' | 'unsafe', readonly StackEntry[]>,
): Report {
  const irq = inside === USED_IN_HARDIRQ ? 'HARDIRQ' : 'SOFTIRQ';
  return {
    kind: 'lock-inversion',
    title: `WARNING: ${irq}-safe -> ${irq}-unsafe lock order detected`,
    lines: [
      '-'.repeat(53),
      `${who(reporter)} ${irqState(reporter)} creates this dependency:`,
      ` ${classText(reporter, safe)} -> ${classText(reporter, unsafe)}`,
      '',
      `the ${irq}-irq-safe lock ${classText(reporter, safe)} was taken in it at:`,
      ...indented(stacks.safe),
      '',
      `the ${irq}-irq-unsafe lock ${classText(reporter, unsafe)} was taken outside at:`,
      ...indented(stacks.unsafe),
      ...OTHER,
      '',
      ' Possible interrupt unsafe locking scenario:',
      '',
      '       CPU0                    CPU1',
      '       ----                    ----',
      `  lock(${unsafe.name});`,
      '                               local_irq_disable();',
      `                               lock(${safe.name});`,
      `                               lock(${unsafe.name});`,
      '  <Interrupt>',
      `    lock(${safe.name});`,
      ...DEADLOCK,
      ...heldLines(reporter),
      ...backtrace(reporter.machine),
    ],
    sites: [innermost(stacks.safe), innermost(stacks.unsafe)].toSorted(),
    fatal: false,
  };
}

/** lockdep_sys_exit(), print_held_locks_bug() */
export function userReturnReport(reporter: Reporter, leaving: 'user' | 'exit'): Report {
  const { context, machine } = reporter;
  const { held, rcuDepth, rcuTraceDepth } = context;
  const sections = [
    ...(rcuDepth > 0 ? ['rcu_read_lock'] : []),
    ...(rcuTraceDepth > 0 ? ['rcu_read_lock_trace'] : []),
  ];
  return {
    kind: 'unbalanced-section',
    title:
      leaving === 'user'
        ? 'WARNING: lock held when returning to user space!'
        : `WARNING: ${who(reporter)} still has locks held!`,
    lines: [
      '-'.repeat(48),
      ...(leaving === 'user'
        ? [`${who(reporter)} is leaving the kernel with locks still held!`]
        : []),
      ...heldLines(reporter),
      ...sections.map((name) => ` (${name}){....}-{1:3}`),
      ...backtrace(machine),
    ],
    sites: held.length > 0 ? places(held.map(({ site }) => site)) : sections,
    objects: held.map(({ className, addr }) => ({ type: className, addr })),
    fatal: false,
  };
}

/** `2 locks held by A/101:` and one line each. lockdep_print_held_locks() */
function heldLines(reporter: Reporter): string[] {
  const { held } = reporter.context;
  const count = held.length;
  if (count === 0) return [`no locks held by ${who(reporter)}.`];
  return [
    `${count} lock${count > 1 ? 's' : ''} held by ${who(reporter)}:`,
    ...held.map((lock, i) => ` #${i}: ${lockLine(reporter, seen(lock))}`),
  ];
}

function seen({ classId, addr, site }: HeldLock): LockSeen {
  return { cls: lockClassOf(classId), addr, site };
}

/** `ffff888000412a40 (&files->file_lock){+.+.}-{2:2}, at: close_fd+0x8/0x100` */
function lockLine(reporter: Reporter, { cls, addr, site }: LockSeen): string {
  const { fn, offsetBytes } = siteOf(site);
  return (
    `${pointerText(addr)} ${classText(reporter, cls)}, at: ` +
    `${fn}+0x${offsetBytes.toString(16)}/0x100`
  );
}

/** `(&files->file_lock){+.+.}-{2:2}`; there are no readers, so their columns stay empty. */
function classText({ usageOf }: Reporter, cls: LockClass): string {
  const usage = usageOf(cls);
  const hard = usageChar(usage, USED_IN_HARDIRQ, USED_WITH_HARDIRQ);
  const soft = usageChar(usage, USED_IN_SOFTIRQ, USED_WITH_SOFTIRQ);
  return `(${cls.name}){${hard}.${soft}.}-{${cls.spinning ? '2:2' : '3:3'}}`;
}

function usageChar(usage: number, inside: number, enabled: number): string {
  const used = (usage & inside) !== 0;
  if ((usage & enabled) !== 0) return used ? '?' : '+';
  return used ? '-' : '.';
}

/** Hardirq context, softirq context, hardirqs enabled, softirqs enabled. */
function irqState({ context: { kind }, cpu }: Reporter): string {
  const hard = kind === 'hardirq' || kind === 'nmi' ? 1 : 0;
  const soft = kind === 'softirq' ? 1 : 0;
  const hardOn = cpu.irqsOff === 0 && hard === 0 ? 1 : 0;
  const softOn = cpu.bhOff === 0 && soft === 0 ? 1 : 0;
  return `[HC${hard}[${hard}]:SC${soft}[${soft}]:HE${hardOn}:SE${softOn}]`;
}

function indented(stack: readonly StackEntry[]): string[] {
  return stackLines(stack).map((line) => `       ${line}`);
}

function backtrace(machine: Machine): string[] {
  return ['', 'stack backtrace:', ...machine.traceLines()];
}

function places(sites: readonly number[]): string[] {
  return [...new Set(sites.map((id) => siteOf(id).name))].toSorted();
}

function innermost(stack: readonly StackEntry[]): string {
  const top = stack[0];
  if (!top) return 'unknown';
  return top.site === 0 ? top.symbol.name : siteOf(top.site).name;
}

function who({ context: { comm, pid } }: Reporter): string {
  return `${comm}/${pid}`;
}

function object({ cls, addr }: LockSeen): { type: string; addr: number } {
  return { type: cls.name, addr };
}
