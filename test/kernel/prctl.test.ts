import { describe, expect, test } from 'vitest';
import { EACCES, EFAULT, EINVAL, ENOENT, EPERM, ESRCH } from '../../kernel/errno.ts';
import { RLIMIT_NOFILE } from '../../kernel/process/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import { ProcessKernel } from '../kit/process-kernel.ts';

function run(body: (k: ProcessKernel) => Sim<void>): void {
  const k = new ProcessKernel();
  let done = false;
  const failures = k.boot(function* () {
    yield* body(k);
    done = true;
  });
  expect(failures).toEqual([]);
  expect(done).toBe(true);
}

/** The arguments after the option, and what must come back. */
type Row = readonly [option: number, args: readonly number[], result: number];

describe('prctl', () => {
  test('the checks of every option, as on Linux', () => {
    const rows: readonly Row[] = [
      [1, [65], -EINVAL],
      [1, [-1], -EINVAL],
      [1, [64, 9, 9, 9], 0],
      [1, [0], 0],
      [2, [8], -EFAULT],
      [3, [9, 9, 9, 9], 1],
      [4, [2], -EINVAL],
      [4, [-1], -EINVAL],
      [4, [0, 9], 0],
      [3, [], 0],
      [4, [1], 0],
      [7, [9], 0],
      [8, [2], -EINVAL],
      [8, [1, 9], 0],
      [7, [], 1],
      [8, [0], 0],
      [15, [8], -EFAULT],
      [16, [8], -EFAULT],
      [21, [9], 0],
      [22, [0], -EINVAL],
      [22, [7], -EINVAL],
      [22, [2, 0], -EFAULT],
      [29, [5, 9], 0],
      [30, [9], 5],
      [29, [-1], 0],
      [30, [], -1],
      [29, [2 ** 64], 0],
      [30, [], 50_000],
      [1, [2 ** 63], -EINVAL],
      [29, [0], 0],
      [30, [], 50_000],
      [36, [-1], 0],
      [37, [8], -EFAULT],
      [38, [0, 0, 0, 0], -EINVAL],
      [38, [2, 0, 0, 0], -EINVAL],
      [38, [1, 1, 0, 0], -EINVAL],
      [38, [1, 0, 0, 1], -EINVAL],
      [39, [1, 0, 0, 0], -EINVAL],
      [39, [0, 0, 0, 0], 0],
      [38, [1, 0, 0, 0], 0],
      [39, [0, 0, 0, 0], 1],
      [38, [0, 0, 0, 0], -EINVAL],
      [0, [], -EINVAL],
      [-1, [], -EINVAL],
      [9999, [1, 2, 3, 4], -EINVAL],
    ];
    run(function* (k) {
      for (const [option, args, result] of rows) {
        expect(yield* k.sys('prctl', option, ...args), `prctl(${[option, ...args]})`).toBe(result);
      }
    });
  });

  test('the name is cut to 15 bytes, may be empty, and is padded', () => {
    run(function* (k) {
      for (const name of ['short', '', 'a-name-of-17-chars']) {
        expect(yield* k.sys('prctl', 15, yield* k.text(name))).toBe(0);
        expect(yield* k.sys('prctl', 16, k.at(0))).toBe(0);
        const bytes = k.user.copy_from_user_nofault(k.at(0), 16)!;
        expect(new TextDecoder().decode(bytes)).toBe(name.slice(0, 15).padEnd(16, '\0'));
        expect(k.sched.current.comm).toBe(name.slice(0, 15));
      }
    });
  });

  test('a seccomp filter needs no_new_privs or a capability', () => {
    run(function* (k) {
      yield* k.sys('setuid', 1000);
      expect(yield* k.sys('prctl', 22, 2, 0)).toBe(-EACCES);
      yield* k.sys('prctl', 38, 1, 0, 0, 0);
      expect(yield* k.sys('prctl', 22, 2, 0)).toBe(-EFAULT);
    });
  });

  test('a change of identity forgets the parent-death signal and the right to dump', () => {
    run(function* (k) {
      yield* k.sys('prctl', 1, 12);
      yield* k.sys('setuid', 0);
      expect(k.sched.current.s.pdeath_signal).toBe(12);
      yield* k.sys('setuid', 1000);
      expect(k.sched.current.s.pdeath_signal).toBe(0);
      expect(yield* k.sys('prctl', 3)).toBe(0);
    });
  });
});

describe('credentials', () => {
  test('setuid: root becomes anybody for good, others only themselves', () => {
    run(function* (k) {
      expect(yield* k.sys('setuid', -1)).toBe(-EINVAL);
      expect(yield* k.sys('setuid', 1000)).toBe(0);
      expect([yield* k.sys('getuid'), yield* k.sys('geteuid')]).toEqual([1000, 1000]);
      expect(yield* k.sys('setuid', 0)).toBe(-EPERM);
      expect(yield* k.sys('setuid', 1000)).toBe(0);
      expect(yield* k.sys('setgid', 5)).toBe(-EPERM);
      expect(yield* k.sys('getgid')).toBe(0);
    });
  });

  test('capset gives up what is never had again', () => {
    run(function* (k) {
      const put = function* (...words: number[]) {
        yield* k.user.userWrite(k.at(0), new Uint8Array(new Uint32Array(words).buffer));
      };
      const version = 0x2008_0522;
      yield* put(version, 0, 1 << 7, 1 << 7, 0, 0, 0, 0);
      expect(yield* k.sys('capset', k.at(0), k.at(8))).toBe(0);
      yield* put(version, 0, -1, -1, 0, 0, 0, 0);
      expect(yield* k.sys('capset', k.at(0), k.at(8))).toBe(-EPERM);
      expect(yield* k.sys('capset', 8, k.at(8))).toBe(-EFAULT);
      yield* put(7, 0);
      expect(yield* k.sys('capget', k.at(0), 0)).toBe(-EINVAL);
      expect(k.int(k.at(0))).toBe(version);
      yield* put(version, 77);
      expect(yield* k.sys('capget', k.at(0), k.at(8))).toBe(-ESRCH);
    });
  });
});

describe('delete_module', () => {
  test('the capability first, then the name', () => {
    run(function* (k) {
      k.modules.load('toy');
      expect(yield* k.sys('delete_module', 8, 0)).toBe(-EFAULT);
      expect(yield* k.sys('delete_module', yield* k.text('other'), 0)).toBe(-ENOENT);
      yield* k.wait(
        yield* k.fork(function* () {
          yield* k.sys('setuid', 1000);
          expect(yield* k.sys('delete_module', 8, 0)).toBe(-EPERM);
        }),
      );
      expect(yield* k.sys('delete_module', yield* k.text('toy'), 0)).toBe(0);
    });
  });
});

describe('resource limits', () => {
  const limits = function* (k: ProcessKernel, cur: bigint, max: bigint): Sim<number> {
    yield* k.user.userWrite(k.at(0), new Uint8Array(new BigUint64Array([cur, max]).buffer));
    return k.at(0);
  };

  test('setrlimit: soft above hard, then raising hard, and the order of it', () => {
    run(function* (k) {
      const set = function* (cur: bigint, max: bigint) {
        return yield* k.sys('setrlimit', RLIMIT_NOFILE, yield* limits(k, cur, max));
      };
      expect(yield* set(5n, 4n)).toBe(-EINVAL);
      expect(yield* set(5n, 2n ** 64n - 1n)).toBe(-EPERM); // above nr_open, root or not
      expect(yield* set(64n, 512n)).toBe(0);
      expect(yield* set(64n, 1024n)).toBe(0); // CAP_SYS_RESOURCE
      yield* k.sys('setuid', 1000);
      expect(yield* set(2000n, 1025n)).toBe(-EINVAL);
      expect(yield* set(0n, 1025n)).toBe(-EPERM);
      expect(yield* set(0n, 1024n)).toBe(0);
      expect(yield* k.sys('setrlimit', 16, 8)).toBe(-EFAULT);
      expect(yield* k.sys('setrlimit', 16, k.at(0))).toBe(-EINVAL);
      expect(yield* k.sys('getrlimit', 16, 8)).toBe(-EINVAL);
      expect(yield* k.sys('getrlimit', RLIMIT_NOFILE, k.at(100 * 8))).toBe(0);
      expect(k.int(k.at(800))).toBe(0);
      expect(k.int(k.at(808))).toBe(1024);
    });
  });

  test('prlimit64: of others with the same ids or the capability', () => {
    run(function* (k) {
      expect(yield* k.sys('prlimit64', 77, RLIMIT_NOFILE, 0, 0)).toBe(-ESRCH);
      const pid = yield* k.fork(function* () {
        for (;;) yield* k.nap();
      });
      const addr = yield* limits(k, 3n, 4n);
      expect(yield* k.sys('prlimit64', pid, RLIMIT_NOFILE, addr, k.at(16))).toBe(0);
      expect(k.int(k.at(16))).toBe(1024);
      yield* k.sys('setuid', 1000);
      expect(yield* k.sys('prlimit64', pid, RLIMIT_NOFILE, 0, k.at(16))).toBe(-EPERM);
      expect(yield* k.sys('prlimit64', 0, RLIMIT_NOFILE, 0, k.at(16))).toBe(0);
      k.signals.send_sig(9, k.task(pid));
    });
  });
});
