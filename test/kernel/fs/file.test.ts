import { describe, expect, test } from 'vitest';
import { ENFILE, ENOMEM } from '../../../kernel/errno.ts';
import { file as fileStruct } from '../../../kernel/fs/structs.ts';
import { CLOSE_RANGE_UNSHARE, O_CLOEXEC } from '../../../kernel/fs/uapi.ts';
import { PROFILES, type Profile } from '../../../kernel/profile.ts';
import { FD_MAX, openAs } from '../../../scenarios/common.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld, inBoth, solo } from '../../kit/fd-world.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const TEARDOWN = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8', 'T9', 'T10'];
const CAP_SYS_ADMIN = 21;

describe.each(PROFILES)('%s', (profile) => {
  test('00 R31: the order of a teardown, with the release in it and then the module', () => {
    const refcounts: number[] = [];
    const w = solo(profile, function* (p, world) {
      const { modules } = world.kernel;
      p.ok(yield* p.open('/dev/slow'));
      refcounts.push(modules.refcount('slowdev'));
      p.ok(yield* p.close(0));
      refcounts.push(modules.refcount('slowdev'));
    });
    const sites = w.sites(/:T\d+$|^slow_release/).map((site) => site.split(':')[1]);
    expect(sites).toEqual([...TEARDOWN.slice(0, 5), 'release', ...TEARDOWN.slice(5)]);
    expect(refcounts).toEqual([1, 0]);
  });

  test('00 R31: until the module is put, it cannot go; after that, nothing asks for it', () => {
    const results = new Map<string, number>();
    const w: FdWorld = new FdWorld(
      {
        *setup(init) {
          yield* openAs(init, '/dev/slow', 5);
          yield* init.start('A');
          init.ok(yield* init.close(5));
        },
        processes: {
          *A(p) {
            p.ok(yield* p.close(5));
          },
          *B(p) {
            p.note('unload', yield* p.delete_module('slowdev'));
          },
        },
      },
      { profile },
    );
    w.everyRun('exhaustive:1', () => {
      const unload = w.world.notes.get('unload') as number;
      const put = w.world.trace.lines.findIndex(({ site }) => site === '__fput:T7');
      const stop = w.world.trace.lines.findIndex(({ site }) => site === 'delete_module:stop');
      results.set(stop < put ? 'before' : 'after', unload);
    });
    expect(results.get('before')).toBeLessThan(0);
    expect(results.get('after')).toBe(0);
  });

  test('00 R30, R42: what exit closes in ascending order is torn down in descending order', () => {
    const w = solo(profile, function* (p) {
      for (let i = 0; i < 4; i++) p.ok(yield* p.eventfd());
    });
    const ordinals = (site: string): string[] => w.objects(site).map((object) => object.slice(-2));
    const closed = [...new Set(ordinals('fput:C6'))];
    expect(closed).toEqual(['#1', '#2', '#3', '#4']);
    expect(ordinals('__fput:T10')).toEqual(closed.toReversed());
  });

  test('00 R9, R54: how often the last put, and another, touch the count', () => {
    const w = solo(profile, function* (p) {
      p.ok(yield* p.eventfd());
      p.ok(yield* p.dup(0));
      p.ok(yield* p.close(0));
      p.ok(yield* p.close(1));
    });
    // v7.2: an exchange that fails, the decrement; then an exchange that succeeds.
    expect(w.sites(/^fput:C6$/)).toHaveLength(profile === 'v6.1' ? 2 : 3);
  });

  test('00 R54: the count in memory, and when the memory is another file', () => {
    let again: boolean | undefined;
    const w: FdWorld = solo(profile, function* (p, world) {
      const { memory } = world.kernel.machine;
      p.ok(yield* p.eventfd());
      const file = world.file(0);
      const stored = memory.unwatched(() => fileStruct.at(memory, file).f_count);
      expect(stored).toBe(profile === 'v6.1' ? 1n : 0n);
      p.ok(yield* p.close(0));
      p.ok(yield* p.eventfd());
      again = world.file(0) === file;
    });
    expect(w.points('T').length).toBeGreaterThan(0);
    expect(again).toBe(profile === 'v7.2');
  });
});

/** Ways to close the last descriptor of a file, from inside of a process. */
const WAYS: [string, boolean, (p: Proc, w: FdWorld) => Sim<unknown>][] = [
  ['close()', true, (p) => p.close(0)],
  ['close_fd()', false, closeInKernel],
  ['dup2()', false, (p) => p.dup2(1, 0)],
  ['close_range()', false, (p) => p.close_range(0, 0)],
  ['exec', false, (p) => p.exec('/bin/true')],
  ['exit', false, (p) => p.exit()],
];

/** As a driver does it in an ioctl of another file; then the way to user mode. */
function* closeInKernel(p: Proc, w: FdWorld): Sim<void> {
  yield* w.kernel.fs.closing.close_fd(0);
  yield* p.getpid();
}

describe('00 R27, R28, R54: where the last put tears the file down', () => {
  test.each(inBoth(WAYS))('%s: %s', (profile: Profile, _way, synchronous, act) => {
    const w = solo(profile, function* (p, world) {
      p.ok(yield* p.open('/dev/slow', O_CLOEXEC));
      p.ok(yield* p.eventfd());
      yield* act(p, world);
    });
    const at = synchronous && profile === 'v7.2' ? ['C5', 'C6'] : ['C5', 'C6', 'C8', 'C9'];
    const slow = w.points('CT').slice(w.points('CT').indexOf('C5'));
    const points = slow.filter((point, i) => slow.indexOf(point) === i);
    expect(points.slice(0, at.length + 10)).toEqual([...at, ...TEARDOWN]);
    const run = w.sites(/^(slow_flush:flush|slow_release:release|do_syscall_64:enter)$/);
    expect(run.indexOf('slow_flush:flush')).toBeLessThan(run.indexOf('slow_release:release'));
  });
});

describe('00 R30: files of whoever has no way to user mode', () => {
  test('are torn down by a worker, newest first', () => {
    const w: FdWorld = new FdWorld({
      processes: {
        *A(p) {
          const { files, pidfds } = w.kernel.fs;
          const made: number[] = [];
          for (let i = 0; i < 3; i++) {
            made.push(yield* files.alloc_file({ ops: pidfds.ops, flags: 0, privateData: pid(w) }));
          }
          const { current } = w.kernel.sched;
          current.works = null; // past the last run of its work
          for (const file of made) yield* files.fput(file);
          current.works = undefined;
          expect(files.delayedCount).toBe(3);
          yield* p.getpid();
        },
      },
    });
    w.run();
    expect(w.points('C')).toEqual(['C6', 'C6', 'C8', 'C6', 'C6', 'C8', 'C6', 'C6', 'C8']);
    expect(w.objects('__fput:T10').map((object) => object.slice(-2))).toEqual(['#3', '#2', '#1']);
    expect(w.kernel.fs.files.delayedCount).toBe(0);
  });

  /** An object that pidfd_release() can free. */
  function pid(w: FdWorld): number {
    const { slab, memory } = w.kernel.machine;
    const addr = slab.kzalloc(64);
    memory.setU32(addr, 1);
    return addr;
  }
});

describe('00 R19: the limit of the system', () => {
  test('is -ENFILE, once with a line in the log; not for the administrator', () => {
    const k = new FsKernel();
    k.do(function* () {
      const { files, pidfds } = k.fs;
      const wanted = { ops: pidfds.ops, flags: 0 };
      k.capabilities.delete(CAP_SYS_ADMIN);
      let made = 0;
      while ((yield* files.alloc_file(wanted)) > 0) made++;
      expect(made).toBe(8_192);
      expect(yield* files.alloc_file(wanted)).toBe(-ENFILE);
      expect(k.machine.klog.lines.map(({ text }) => text)).toEqual([
        'VFS: file-max limit 8192 reached',
      ]);
      // A descriptor that was reserved for nothing is given back.
      for (let i = 0; i < 3; i++) expect(yield* k.call('eventfd2', 0, 0)).toBe(-ENFILE);
      k.capabilities.add(CAP_SYS_ADMIN);
      expect(yield* k.call('eventfd2', 0, 0)).toBe(0);
    });
  });

  test('and -ENOMEM counts nothing', () => {
    const results = new Set<number>();
    const w = new FdWorld({
      faults: ['alloc-fail'],
      processes: {
        *A(p) {
          results.add(yield* p.open('/dev/null'));
          results.add(yield* p.open('/dev/null'));
          p.ok(yield* p.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
        },
      },
    });
    w.everyRun('exhaustive', () => {
      expect([...w.kernel.machine.slab.live('filp')]).toHaveLength(0);
    });
    expect([...results].toSorted((a, b) => a - b)).toEqual([-ENOMEM, 0, 1]);
  });
});
