import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EACCES, EAGAIN, EBUSY, EINVAL, EIO, EPERM, errnoText } from '../../../kernel/errno.ts';
import { CLONE_THREAD, CLONE_VM } from '../../../kernel/process/uapi.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../../bpf/uapi.ts';
import type { BpfObject } from '../../../bpf/user/object.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import type { Message } from '../../../scenarios/message.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { compiledBytes } from '../../kit/compiled.ts';

/** `r0 = 0; exit` */
const NOTHING = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
const CLOCK = { type: 1, config: 0, sample: 1_000 } as const;
const DEV = '/dev/null';
const O_PATH = 0o10000000;
const [GET_DUMPABLE, GET_KEEP_CAPS, SET_KEEP_CAPS, SET_NAME] = [3, 7, 8, 15];
const [FIOCLEX, FIONREAD_LIKE, F_DUPFD, F_GETFD] = [0x5451, 0x5421, 0, 1];

/** `1` where it has worked. */
const worked = (result: number): number => (result >= 0 ? 1 : result);

/** The calls that the rows of lsm-hooks.txt name. Descriptors 0 to 2 are of a file. */
const CALLS: Readonly<Record<string, (p: Proc) => Sim<number>>> = {
  *open(p) {
    return worked(yield* p.open(DEV));
  },
  *'open-path'(p) {
    return worked(yield* p.open(DEV, O_PATH));
  },
  'open-missing': (p) => p.open('/missing'),
  fork: (p) => p.fork(function* () {}),
  'bad-thread': (p) => p.sys('clone', CLONE_VM | CLONE_THREAD, 0, 0, 0, 0),
  'get-dumpable': (p) => p.prctl(GET_DUMPABLE),
  'unknown-option': (p) => p.prctl(9_999),
  'keep-caps': (p) => p.prctl(SET_KEEP_CAPS, 1),
  *'keep-caps-twice'(p) {
    yield* p.prctl(SET_KEEP_CAPS, 1); // refused, but done
    return yield* p.prctl(GET_KEEP_CAPS);
  },
  'keep-caps-2': (p) => p.prctl(SET_KEEP_CAPS, 2),
  'get-keep-caps': (p) => p.prctl(GET_KEEP_CAPS),
  *'kill-self-0'(p) {
    return yield* p.kill(yield* p.getpid(), 0);
  },
  *'kill-self-99'(p) {
    return yield* p.kill(yield* p.getpid(), 99);
  },
  'kill-nobody': (p) => p.kill(9_999, 0),
  *'tgkill-self'(p) {
    const pid = yield* p.getpid();
    return yield* p.sys('tgkill', pid, pid, 0);
  },
  'kill-group': (p) => p.kill(0, 0),
  'kill-all': (p) => p.kill(-1, 0),
  ioctl: (p) => p.ioctl(0, FIONREAD_LIKE),
  'ioctl-99': (p) => p.ioctl(99, FIONREAD_LIKE),
  'ioctl-cloexec': (p) => p.ioctl(0, FIOCLEX),
  getfd: (p) => p.fcntl(0, F_GETFD),
  dupfd: (p) => p.fcntl(0, F_DUPFD, 5),
  'fcntl-unknown': (p) => p.fcntl(0, 12_345),
  'getfd-99': (p) => p.fcntl(99, F_GETFD),
  'write-nothing': (p) => p.write(0, ''),
  'write-bad': (p) => p.sys('write', 0, 2 ** 60, 5),
  'read-nothing': (p) => p.sys('read', 0, p.mmap(), 0),
  exec: (p) => p.exec('/bin/true'),
  'exec-missing': (p) => p.exec('/missing'),
  *'pidfd-getfd'(p) {
    return yield* p.pidfd_getfd(p.ok(yield* p.pidfd_open(yield* p.getpid())), 0);
  },
  /** How many descriptors came with the message. */
  *received(p) {
    const [to, from] = p.ok(yield* p.socketpair());
    p.ok(yield* p.sendFds(to, [0]));
    return p.ok<Message>(yield* p.recvFds(from, 4)).fds.length;
  },
  mmap: (p) => p.sys('mmap', 0, 4_096, 3, 0x22, -1, 0),
  'mmap-nothing': (p) => p.sys('mmap', 0, 0, 3, 0x22, -1, 0),
  'mmap-fd-99': (p) => p.sys('mmap', 0, 4_096, 1, 2, 99, 0),
  'map-create': (p) => p.calls.mapCreate({ type: 2, keySize: 4, valueSize: 8, maxEntries: 4 }),
  *'prog-load'(p) {
    const load = { type: PROG_TYPE.PERF_EVENT, insns: NOTHING, license: 'GPL', name: 'nothing' };
    return (yield* p.calls.progLoad(load)).fd;
  },
  'perf-open': (p) => p.calls.perfEventOpen(CLOCK),
  'perf-open-flags': (p) => p.calls.perfEventOpen({ ...CLOCK, flags: 16 }),
  'perf-open-period': (p) => p.calls.perfEventOpen({ ...CLOCK, sample: 1n << 63n }),
  'bpf-0': (p) => p.sys('bpf', 0, 0, 0),
  'bpf-9999': (p) => p.sys('bpf', 9_999, 0, 0),
  'bpf-5000-bytes': (p) => p.sys('bpf', 0, p.mmap({ sizeBytes: 8_192 }), 5_000),
  'bpf-no-memory': (p) => p.sys('bpf', 0, 1, 64),
};

function rows(): string[][] {
  const text = readFileSync(new URL('../../data/lsm-hooks.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.split(' '));
}

/** The object, with these programs loaded for the process that opens it. */
function* loaded(p: Proc, answer: number, ...names: readonly string[]): Sim<BpfObject> {
  const object = p.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
  object.set('process', yield* p.getpid());
  object.set('answer', answer);
  for (const name of names) object.program(name).isWanted = true;
  yield* object.load();
  return object;
}

/** What a fresh process gives back, whose descriptors 0 to 2 are of a file. */
function inProcess<T>(body: (p: Proc) => Sim<T>, sandbox = new BpfSandbox()): T {
  return sandbox.run(function* (shell) {
    shell.ok(
      yield* shell.fork(function* (p) {
        for (let fd = 0; fd <= 2; fd++) yield* p.open(DEV, 2);
        p.note('result', yield* body(p));
      }),
    );
    yield* shell.wait();
    return shell.noted('result') as T;
  });
}

const textOf = (result: number): string => (result < 0 ? errnoText(result).slice(1) : `${result}`);

describe('05 R4, 03 R24: what a hook says is what user space gets', () => {
  test.each(rows())('%s, %s: %s gives %s', (hook, answer, call, given) => {
    const result = inProcess(function* (p) {
      const object = yield* loaded(p, Number(answer), `on_${hook}`);
      yield* object.program(`on_${hook}`).attach();
      return yield* CALLS[call!]!(p);
    });
    expect(textOf(result)).toBe(given);
  });

  test('who comes last is asked first; security_file_open() itself before any hook', () => {
    const results = inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, -EACCES, 'on_file_open', 'second', 'modify');
      const given: number[] = [];
      for (const name of ['on_file_open', 'second', 'modify']) {
        yield* object.program(name).attach();
        given.push(yield* p.open(DEV));
      }
      for (const name of ['modify', 'second', 'on_file_open']) {
        yield* object.program(name).detach();
        given.push(worked(yield* p.open(DEV)));
      }
      return given;
    });
    expect(results).toEqual([-EACCES, -EAGAIN, -EIO, -EAGAIN, -EACCES, 1]);
  });

  test('attaching is refused as by Linux 7.2', () => {
    const results = inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 0, 'on_file_open');
      const progFd = object.program('on_file_open').fd;
      const { calls } = p;
      const attachType = ATTACH_TYPE.LSM_MAC;
      const results = [
        yield* calls.rawTracepointOpen('x', progFd),
        yield* calls.linkCreate({ progFd, attachType: 0 }),
        yield* calls.linkCreate({ progFd, attachType, targetFd: 3 }),
      ];
      const link = p.ok(yield* calls.linkCreate({ progFd, attachType, flags: 1 }));
      results.push(yield* calls.linkCreate({ progFd, attachType }));
      results.push(yield* calls.rawTracepointOpen('', progFd));
      yield* p.close(link);
      const again = yield* calls.rawTracepointOpen('', progFd);
      return [...results, worked(again)];
    });
    expect(results).toEqual([-EINVAL, -EINVAL, -EINVAL, -EBUSY, -EBUSY, 1]);
  });
});

describe('what programs on hooks see', () => {
  function* number(object: BpfObject, i: number): Sim<number> {
    const bytes = yield* object.mapOf('seen').variable('seen');
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(8 * i, true));
  }

  test('the file, and the attributes of bpf(2)', () => {
    const results = inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 0, 'look');
      const look = object.program('look');
      yield* look.attach();
      yield* p.open(DEV, 0o2000000 | 0o4000);
      yield* look.detach();
      const flags = yield* number(object, 1);
      const other = yield* loaded(p, 0, 'look_bpf');
      yield* other.program('look_bpf').attach();
      const create = { keySize: 4, valueSize: 8, maxEntries: 4 };
      const hash = yield* p.calls.mapCreate({ type: 1, ...create });
      yield* other.program('look_bpf').detach();
      const [cmd, type] = [yield* number(other, 0), yield* number(other, 1)];
      return [flags & 0o4000, hash, cmd, type];
    });
    expect(results).toEqual([0o4000, -EACCES, 0, 1]);
  });

  test('arguments and result of security_task_prctl()', () => {
    const results = inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, -EPERM, 'on_task_prctl', 'left');
      yield* object.program('on_task_prctl').attach();
      yield* object.program('left').attach();
      const result = yield* p.prctl(1_000, 2, 3, 4, 5);
      yield* object.program('left').detach();
      yield* object.program('on_task_prctl').detach();
      const words: number[] = [];
      for (let i = 0; i < 4; i++) words.push(yield* number(object, i));
      return [result, ...words.slice(0, 3), words[3]! | 0];
    });
    expect(results).toEqual([-EPERM, 1_000, 2, 5, -EPERM]);
  });

  test('one that sleeps waits for the page that it copies from', () => {
    const results = inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 0, 'sleeper');
      yield* object.program('sleeper').attach();
      const page = p.mmap();
      return [
        yield* p.prctl(SET_NAME, 'fine'),
        yield* p.prctl(SET_NAME, 'xylophone'),
        yield* p.prctl(SET_NAME, page),
        yield* p.prctl(SET_NAME, 8),
      ];
    });
    expect(results).toEqual([0, -EPERM, 0, -14]);
  });

  test('hooks without a result are told: of credentials, and of tasks that go', () => {
    const names = ['on_bprm_committing_creds', 'on_bprm_committed_creds', 'on_task_free'] as const;
    const counts = inProcess(function* (p): Sim<number[]> {
      const [read, write] = p.ok(yield* p.pipe());
      const child = yield* p.fork(function* (c) {
        yield* c.read(read, 1);
        return yield* c.exec('/bin/true');
      });
      const object = yield* loaded(p, -EPERM, ...names);
      for (const name of names) yield* object.program(name).attach();
      yield* p.write(write, '.');
      const waited = p.ok(yield* p.wait(child));
      yield* p.nanosleep(1_000_000_000);
      const runs: number[] = [];
      for (const name of names) runs.push((yield* object.program(name).stats()).runCount);
      return [waited.status, ...runs];
    });
    expect(counts).toEqual([0, 1, 1, 1]);
  });
});

test('a hook on which nothing hangs is no step, whatever hangs elsewhere', () => {
  const files = ['open', 'write-nothing', 'ioctl-cloexec', 'getfd'] as const;
  const calls = [...files, 'kill-self-0', 'get-dumpable', 'bpf-9999', 'fork'] as const;
  const steps = (isOn: boolean): number[] => {
    const sandbox = new BpfSandbox({ cpus: 1 });
    const { trace } = sandbox.kernel.machine.engine;
    return inProcess(function* (p): Sim<number[]> {
      const object = yield* loaded(p, 0, 'on_bprm_check_security');
      yield* object.program('on_bprm_check_security').attach();
      if (!isOn) {
        yield* object.program('on_bprm_check_security').detach();
        yield* p.open(DEV, 2); // as many descriptors as with the link
      }
      yield* p.nanosleep(1_000_000_000); // until what that has begun is over
      const counts: number[] = [];
      for (const call of calls) {
        const before = trace.stepCount;
        yield* CALLS[call]!(p);
        counts.push(trace.stepCount - before);
      }
      return counts;
    }, sandbox);
  };
  expect(steps(true)).toEqual(steps(false));
  expect(Math.min(...steps(true))).toBeGreaterThan(0);
});
