import { expect, test } from 'vitest';
import { EFAULT, EINVAL, EPERM, ERESTARTSYS, ESRCH } from '../../kernel/errno.ts';
import { SIGCHLD, SIGKILL, SIGNAL_GROUP_EXIT, sigmask } from '../../kernel/process/uapi.ts';
import { Security } from '../../kernel/security.ts';
import { Signals } from '../../kernel/signal.ts';
import { cred, sighand_struct, signal_struct, wait_queue_head } from '../../kernel/structs.ts';
import { TASK_KILLABLE, type Task } from '../../kernel/task.ts';
import {
  SIGABRT,
  SIGCONT,
  SIGPIPE,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIG_BLOCK,
  SIG_UNBLOCK,
} from '../../kernel/uapi-signal.ts';
import { Waits } from '../../kernel/wait.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

const HERE = site('signal_test', 'here');
const CAP_KILL = 1n << 5n;

/** Processes with signals; user memory is a map from address to bytes. */
class SignalKernel extends BareKernel {
  readonly signals: Signals;
  readonly user = new Map<number, Uint8Array>();
  readonly log: string[] = [];
  readonly waits = new Waits(this.machine, this.sched, (addr) =>
    this.tasks.find((task) => task.addr === addr)!,
  );
  readonly queue = this.machine.slab.kzalloc(wait_queue_head.sizeBytes);

  constructor() {
    super({ cpuCount: 1 });
    const { tasks, user } = this;
    this.signals = new Signals(this.machine, this.sched, {
      security: new Security(this.machine),
      tasks: {
        byPid: (pid) => tasks.find((task) => task.pid === pid),
        threadsOf: (task) => tasks.filter(({ s }) => s.tgid === task.s.tgid),
        all: () => tasks,
      },
      user: {
        *copy_to_user(addr, bytes) {
          user.set(addr, bytes);
          return 0;
        },
        *copy_from_user(addr, sizeBytes) {
          const bytes = user.get(addr);
          return bytes && bytes.length >= sizeBytes ? bytes : null;
        },
      },
    });
    this.waits.signalPending = (task) => this.signals.signal_pending(task);
  }

  process(comm: string, body: () => Sim<unknown>, uid = 1_000): Task {
    const { slab, memory } = this.machine;
    const task = this.spawn(comm, body);
    task.s.tgid = task.pid;
    task.s.signal = slab.kzalloc(signal_struct.sizeBytes);
    task.s.sighand = slab.kzalloc(sighand_struct.sizeBytes);
    task.s.cred = slab.kzalloc(cred.sizeBytes);
    this.signalOf(task).pgrp = uid;
    Object.assign(cred.at(memory, task.s.cred), { uid, euid: uid });
    return task;
  }

  thread(leader: Task, comm: string, body: () => Sim<unknown>): Task {
    const { s } = leader;
    const task = this.spawn(comm, body);
    Object.assign(task.s, { tgid: s.tgid, signal: s.signal, sighand: s.sighand, cred: s.cred });
    return task;
  }

  signalOf(task: Task) {
    return signal_struct.at(this.machine.memory, task.s.signal);
  }

  /** Sleeps until a signal ends that, then takes it. */
  *sleeper(name: string): Sim<void> {
    const result = yield* this.waits.wait_event_interruptible(this.queue, () => false);
    this.log.push(`${name} woken ${result}, takes ${yield* this.signals.get_signal()}`);
  }
}

test('a fatal signal ends an interruptible sleep and every thread of the process', () => {
  const kernel = new SignalKernel();
  const leader = kernel.process('A', () => kernel.sleeper('A'));
  kernel.thread(leader, 'T', () => kernel.sleeper('T'));
  kernel.process('B', () => kernel.sleeper('B'));
  kernel.process('K', function* () {
    expect(kernel.signals.send_sig(SIGTERM, leader)).toBe(0);
    expect(kernel.signals.fatal_signal_pending(leader)).toBe(true);
    yield* step(HERE);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual([
    `A woken ${-ERESTARTSYS}, takes ${SIGTERM}`,
    `T woken ${-ERESTARTSYS}, takes ${SIGTERM}`,
  ]);
  expect(kernel.signalOf(leader)).toMatchObject({
    flags: SIGNAL_GROUP_EXIT,
    group_exit_code: SIGTERM,
  });
  expect(kernel.signals.signal_pending(leader)).toBe(true); // the group's own stays where it was
});

test('a killable sleep is ended by what kills, and by nothing else', () => {
  const kernel = new SignalKernel();
  const sleeper = kernel.process('A', function* () {
    kernel.signals.do_sigaction(SIGUSR1, 'handler');
    kernel.sched.current.s.__state = TASK_KILLABLE;
    yield* kernel.sched.schedule();
    kernel.log.push(String(yield* kernel.signals.get_signal()));
  });
  kernel.process('K', function* () {
    kernel.signals.send_sig(SIGUSR1, sleeper);
    yield* step(HERE);
    expect(sleeper.s.__state).toBe(TASK_KILLABLE);
    kernel.signals.send_sig(SIGKILL, sleeper);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual([String(SIGKILL)]);
});

test('ignored signals are dropped; SIGKILL and SIGSTOP cannot be ignored', () => {
  const kernel = new SignalKernel();
  const { signals } = kernel;
  kernel.process('A', function* () {
    const task = kernel.sched.current;
    expect(signals.do_sigaction(SIGKILL, 'ignore')).toBe(-EINVAL);
    expect(signals.do_sigaction(SIGSTOP, 'handler')).toBe(-EINVAL);
    expect(signals.do_sigaction(65, 'ignore')).toBe(-EINVAL);
    expect(signals.do_sigaction(SIGPIPE, 'ignore')).toBe(0);
    signals.send_sig(SIGPIPE, task);
    signals.send_sig(SIGCHLD, task);
    signals.send_sig(SIGCONT, task);
    expect(signals.signal_pending(task)).toBe(false);
    signals.send_sig(SIGSTOP, task); // not modelled: no effect
    expect(yield* signals.get_signal()).toBe(0);
    signals.send_sig(SIGKILL, task);
    expect(yield* signals.get_signal()).toBe(SIGKILL);
  });
  expect(kernel.run()).toEqual([]);
});

test('a handler is told, and the task lives on; becoming ignored drops what is pending', () => {
  const kernel = new SignalKernel();
  const { signals } = kernel;
  signals.onHandler = (task, sig) => kernel.log.push(`${task.comm} handles ${sig}`);
  kernel.process('A', function* () {
    const task = kernel.sched.current;
    signals.do_sigaction(SIGTERM, 'handler');
    signals.do_sigaction(SIGUSR1, 'handler');
    signals.send_sig(SIGTERM, task);
    signals.send_sig(SIGUSR1, task);
    expect(yield* signals.get_signal()).toBe(0);
    signals.send_sig(SIGUSR1, task);
    signals.do_sigaction(SIGUSR1, 'ignore');
    expect(signals.signal_pending(task)).toBe(false);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual([`A handles ${SIGUSR1}`, `A handles ${SIGTERM}`]);
});

test('force_sig cannot be blocked or ignored', () => {
  const kernel = new SignalKernel();
  kernel.process('A', function* () {
    const task = kernel.sched.current;
    kernel.signals.do_sigaction(SIGABRT, 'ignore');
    task.s.blocked = sigmask(SIGABRT);
    kernel.signals.force_sig(SIGABRT);
    expect(yield* kernel.signals.get_signal()).toBe(SIGABRT);
  });
  expect(kernel.run()).toEqual([]);
});

test('kill: -ESRCH, -EINVAL, -EPERM, signal 0, process groups', () => {
  const kernel = new SignalKernel();
  const { signals } = kernel;
  const root = kernel.process(
    'R',
    function* () {
      yield* step(HERE);
    },
    0,
  );
  const peer = kernel.process('P', function* () {
    yield* step(HERE);
  });
  kernel.process('A', function* () {
    const self = kernel.sched.current;
    expect(yield* signals.sys_kill(999, 0)).toBe(-ESRCH);
    expect(yield* signals.sys_kill(999, 65)).toBe(-ESRCH);
    expect(yield* signals.sys_kill(peer.pid, 65)).toBe(-EINVAL);
    expect(yield* signals.sys_kill(peer.pid, -1)).toBe(-EINVAL);
    expect(yield* signals.sys_kill(root.pid, 0)).toBe(-EPERM);
    expect(yield* signals.sys_kill(peer.pid, 0)).toBe(0);
    expect(yield* signals.sys_kill(-5, 0)).toBe(-ESRCH);
    expect(yield* signals.sys_kill(0, 0)).toBe(0);
    expect(yield* signals.sys_tgkill(0, self.pid, 0)).toBe(-EINVAL);
    expect(yield* signals.sys_tgkill(peer.pid, self.pid, 0)).toBe(-ESRCH);
    expect(yield* signals.sys_tgkill(self.pid, self.pid, 0)).toBe(0);
    expect(yield* signals.sys_tkill(root.pid, SIGTERM)).toBe(-EPERM);
    expect(signals.signal_pending(root)).toBe(false);
    cred.at(kernel.machine.memory, self.s.cred).cap_effective = CAP_KILL;
    expect(yield* signals.sys_kill(-1, SIGTERM)).toBe(0);
    expect([root, peer, self].map((task) => signals.fatal_signal_pending(task))).toEqual([
      true,
      true,
      false,
    ]);
  });
  expect(kernel.run()).toEqual([]);
});

test('rt_sigaction and rt_sigprocmask copy from and to user memory', () => {
  const kernel = new SignalKernel();
  const { signals, user } = kernel;
  const word = (value: bigint, size = 32) => {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return bytes;
  };
  const read = (addr: number) => new DataView(user.get(addr)!.buffer).getBigUint64(0, true);
  user.set(1, word(1n));
  user.set(2, word(sigmask(SIGUSR1) | sigmask(SIGKILL), 8));
  kernel.process('A', function* () {
    const task = kernel.sched.current;
    expect(yield* signals.sys_rt_sigaction(SIGPIPE, 1, 0, 4)).toBe(-EINVAL);
    expect(yield* signals.sys_rt_sigaction(SIGPIPE, 9, 0, 8)).toBe(-EFAULT);
    expect(yield* signals.sys_rt_sigaction(SIGKILL, 1, 0, 8)).toBe(-EINVAL);
    expect(yield* signals.sys_rt_sigaction(SIGPIPE, 1, 3, 8)).toBe(0);
    expect(read(3)).toBe(0n);
    expect(yield* signals.sys_rt_sigaction(SIGPIPE, 0, 3, 8)).toBe(0);
    expect(read(3)).toBe(1n);
    expect(yield* signals.sys_rt_sigprocmask(SIG_BLOCK, 2, 0, 8)).toBe(0);
    signals.send_sig(SIGUSR1, task);
    expect(signals.signal_pending(task)).toBe(false);
    expect(yield* signals.sys_rt_sigprocmask(9, 2, 0, 8)).toBe(-EINVAL);
    expect(yield* signals.sys_rt_sigprocmask(SIG_UNBLOCK, 2, 3, 8)).toBe(0);
    expect(read(3)).toBe(sigmask(SIGUSR1));
    expect(yield* signals.get_signal()).toBe(SIGUSR1);
  });
  expect(kernel.run()).toEqual([]);
});
