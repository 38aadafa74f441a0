import { describe, expect, test } from 'vitest';
import { PERF_COUNT_HW_CPU_CYCLES, PERF_TYPE_HARDWARE } from '../../../bpf/uapi-perf.ts';
import { ATTACH_TYPE } from '../../../bpf/uapi.ts';
import { EFAULT, ENOENT, ENOMEM, EPERM } from '../../../kernel/errno.ts';
import { PROT_READ, PROT_WRITE } from '../../../kernel/mm/structs.ts';
import { arrayBytes } from '../../../kernel/process/registered-structs.ts';
import { CLONE_VFORK, CLONE_VM, SIGCHLD } from '../../../kernel/process/uapi.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { intAt } from '../../../scenarios/user-memory.ts';
import {
  event,
  loadRegistered,
  ON_NMI,
  register,
  stackOf,
  TAG,
  told,
  unregister,
  wishFor,
} from '../../../scenarios/writes/registered.ts';
import type { Sim } from '../../../sim/request.ts';
import { FIXED, PATCH, RegisteredWorld, withRegions } from '../../kit/registered-world.ts';

const PAGE = 4_096;
const MADV_PAGEOUT = 21;
/** A counter of cycles that overflows each 3 ms. */
const CYCLES = { type: PERF_TYPE_HARDWARE, config: PERF_COUNT_HW_CPU_CYCLES, sample: 3_000_000 };
/** BPF_F_TEST_RUN_ON_CPU */
const ON_CPU_0 = { flags: 1, cpu: 0 };

const both = describe.each([
  ['the patch', PATCH],
  ['fixed', FIXED],
]);

function* joined(p: Proc, pid: number): Sim<void> {
  p.ok(yield* p.wait(p.ok(pid)));
}

/** Arrays with room for 32 regions that are not freed. */
function arraysOf32({ kernel }: RegisteredWorld): number {
  const { slab } = kernel.machine;
  return [...slab.live()].filter(({ sizeBytes }) => sizeBytes === arrayBytes(32)).length;
}

both('%s', (_name, mutations) => {
  test('05 R10: no page is ever faulted in', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap({ resident: false });
      const wish = { addr: at + 8 };
      p.ok(yield* register(p, at, 64));
      expect(yield* event(p, wish)).toBe(-EFAULT); // never touched
      yield* p.peek(at, 1);
      yield* p.poke(at, '.');
      expect(yield* event(p, wish)).toBe(0);
      p.ok(yield* p.sys('madvise', at, PAGE, MADV_PAGEOUT));
      expect(yield* event(p, wish)).toBe(-EFAULT);
      expect(intAt((yield* p.peek(at + 8, 4))!, 0)).toBe(1); // swapped in, as it was
      yield* p.poke(at, '.');
      expect(yield* event(p, wish)).toBe(0);
      p.ok(yield* p.sys('mprotect', at, PAGE, PROT_READ));
      expect(yield* event(p, wish)).toBe(-EFAULT);
      p.ok(yield* p.sys('mprotect', at, PAGE, PROT_READ | PROT_WRITE));
      yield* p.poke(at, '.');
      expect(yield* event(p, wish)).toBe(0);
    });
  });

  test('05 R11: what stands before the page that is not there is written', () => {
    withRegions(mutations, function* (p) {
      const at = p.mmap({ sizeBytes: 2 * PAGE, resident: false });
      const edge = at + PAGE;
      p.ok(yield* register(p, at, 2 * PAGE));
      yield* p.poke(at, '.');
      const wish = { addr: edge - 3, size: 8, value: 0x07_0605_0403_0201 };
      expect(yield* event(p, wish)).toBe(-EFAULT);
      expect(yield* p.peek(edge - 4, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
      expect(yield* p.peek(edge, 4)).toEqual(new Uint8Array(4));
      yield* p.poke(edge + 100, '.');
      expect(yield* event(p, wish)).toBe(0);
      expect(yield* p.peek(edge, 4)).toEqual(Uint8Array.of(4, 5, 6, 7));
    });
  });

  test('05 R18, R35: a new thread has none, whoever its memory is shared with', () => {
    withRegions(mutations, function* (p, world) {
      const at = p.mmap();
      p.ok(yield* register(p, at, 64));
      const check = function* (t: Proc): Sim<void> {
        expect(world.regionsOf(world.current)).toBeUndefined();
        expect(yield* event(t, { addr: at })).toBe(-EPERM);
        expect(yield* unregister(t, at, 64)).toBe(-ENOENT);
        t.ok(yield* register(t, at, 64, 5));
        expect(yield* event(t, { addr: at, tag: 5 })).toBe(0);
        t.note('seen', ((t.noted('seen') as number | undefined) ?? 0) + 1);
      };
      p.ok(yield* p.thread(check));
      p.ok(yield* p.nanosleep(1_000_000));
      yield* joined(p, yield* p.clone(CLONE_VFORK | CLONE_VM | SIGCHLD, check));
      expect(p.noted('seen')).toBe(2);
      expect(yield* event(p, { addr: at })).toBe(0); // its own are as they were
    });
  });

  test('05 R18, R35: a child has a copy, which it may change', () => {
    withRegions(mutations, function* (p, world) {
      const at = p.mmap();
      for (const i of [2, 0, 1]) p.ok(yield* register(p, at + 64 * i, 8, TAG + i));
      const own = world.regionsOf(world.current);
      yield* joined(
        p,
        yield* p.fork(function* (c) {
          expect(world.regionsOf(world.current)).toEqual(own);
          expect(yield* event(c, { addr: at })).toBe(-EFAULT); // still its parent's page
          yield* c.poke(at + 32, '.');
          expect(yield* event(c, { addr: at, value: 7 })).toBe(0);
          expect(intAt((yield* c.peek(at, 4))!, 0)).toBe(7);
          c.ok(yield* unregister(c, at, 8));
          c.note('child', true);
        }),
      );
      expect(p.noted('child')).toBe(true);
      expect(world.regionsOf(world.current)).toEqual(own);
      expect(intAt((yield* p.peek(at, 4))!, 0)).toBe(0);
      yield* p.poke(at + 32, '.');
      expect(yield* event(p, { addr: at })).toBe(0);
    });
  });

  test('05 R19: exec keeps them where it fails, and removes them where it does not', () => {
    const world: RegisteredWorld = new RegisteredWorld(
      mutations,
      {
        *A(p) {
          const at = stackOf(p);
          yield* p.poke(at, '.'); // its own since the fork
          p.ok(yield* register(p, at, 8));
          expect(yield* p.exec('/nowhere')).toBeLessThan(0);
          expect(yield* event(p, { addr: at })).toBe(0);
          p.note('at', at);
          yield* p.exec('/image');
        },
      },
      {
        images: {
          *'/image'(p) {
            expect(world.regionsOf(world.current)).toBeUndefined();
            const at = p.noted('at') as number;
            expect(yield* unregister(p, at, 8)).toBe(-ENOENT);
            expect(yield* register(p, at, 8)).toBe(0);
            p.note('image', true);
          },
        },
      },
    );
    world.run();
    expect(world.world.notes.get('image')).toBe(true);
  });

  test('05 R20: who exits is refused at once; the array goes with the task_struct', () => {
    const live = (): number => arraysOf32(world);
    const counts: number[] = [];
    const world: RegisteredWorld = new RegisteredWorld(
      mutations,
      {
        *A(p) {
          const pid = p.ok(
            yield* p.fork(function* (c) {
              const at = c.mmap();
              for (let i = 0; i < 32; i++) c.ok(yield* register(c, at + 16 * i, 8));
              expect(yield* event(c, { addr: at })).toBe(0);
              yield* wishFor(c, yield* c.getpid(), { addr: at });
              counts.push(live());
            }),
          );
          yield* joined(p, pid);
          expect(yield* told(p)).toEqual({ done: 0, refused: 1, absent: 0 });
        },
      },
      { attached: ['on_exit'] },
    );
    world.run();
    expect(counts[0]).toBeGreaterThan(0); // fixed, those of before as well, for a while
    expect(live()).toBe(0);
  });

  test('05 R21: exec ends the other threads, and with them what they have registered', () => {
    const live = (): number => arraysOf32(world);
    const counts: number[] = [];
    const world: RegisteredWorld = new RegisteredWorld(mutations, {
      *A(p) {
        p.ok(
          yield* p.thread(function* (t) {
            const at = t.mmap();
            for (let i = 0; i < 32; i++) t.ok(yield* register(t, at + 16 * i, 8));
            counts.push(live());
            t.ok(yield* t.nanosleep(3_600e9));
          }),
        );
        p.ok(yield* p.nanosleep(1_000_000));
        yield* p.exec('/bin/true');
      },
    });
    world.run();
    expect(counts[0]).toBeGreaterThan(0); // fixed, those of before as well, for a while
    expect(live()).toBe(0);
  });

  test('05 R23: programs on the creation of a task find the copy', () => {
    const world: RegisteredWorld = new RegisteredWorld(mutations, {
      *A(p) {
        p.ok(yield* register(p, p.mmap(), 64));
        const own = world.regionsOf(world.current);
        world.kernel.hooks.task_newtask = function* (child) {
          p.note('at creation', world.regionsOf(child));
        };
        yield* joined(p, yield* p.fork(function* () {}));
        expect(p.noted('at creation')).toEqual(own);
      },
    });
    world.run();
    expect(world.world.notes.has('at creation')).toBe(true);
  });

  test('05 R9: whoever is interrupted is not written to', () => {
    let refused = 0;
    const world: RegisteredWorld = new RegisteredWorld(
      mutations,
      {
        *A(p) {
          const at = p.mmap();
          p.ok(yield* register(p, at, 64));
          yield* wishFor(p, yield* p.getpid(), { addr: at });
          p.ok(yield* p.getpid());
          expect(yield* p.peek(at, 4)).toEqual(new Uint8Array(4));
        },
        *B(p) {
          const fd = p.noted('interrupt') as number;
          p.ok((yield* p.calls.testRun(fd, ON_CPU_0)).result);
          const results = yield* told(p);
          expect(results).toMatchObject({ done: 0, absent: 0 });
          refused += results.refused;
        },
      },
      { cpus: 2 },
    );
    world.everyRun('random', () => {}, 100);
    expect(refused).toBeGreaterThan(0);
  });

  test('05 R9: nor whoever an NMI comes upon', () => {
    const attached = [ON_NMI];
    const world: RegisteredWorld = new RegisteredWorld(
      mutations,
      {
        *A(p) {
          const at = p.mmap();
          p.ok(yield* register(p, at, 64));
          yield* wishFor(p, yield* p.getpid(), { addr: at });
          const targetFd = p.ok(yield* p.calls.perfEventOpen(CYCLES));
          const progFd = p.noted(ON_NMI) as number;
          p.ok(yield* p.calls.linkCreate({ progFd, targetFd, attachType: ATTACH_TYPE.PERF_EVENT }));
          for (let i = 0; i < 5; i++) yield* p.compute(4_000_000);
          const { refused, ...others } = yield* told(p);
          expect(refused).toBeGreaterThan(3);
          expect(others).toEqual({ done: 0, absent: 0 });
          expect(yield* p.peek(at, 4)).toEqual(new Uint8Array(4));
          expect(yield* event(p, { addr: at })).toBe(0); // it is only the place that is wrong
        },
      },
      { attached, timed: true },
    );
    world.run();
  });
});

// In the patch, what fails before the copy is hazard 05-H1.
test('05 R18, R6: without memory, fixed, -ENOMEM, and everything is as it was', () => {
  const seen = new Set<string>();
  const world: RegisteredWorld = new RegisteredWorld(
    FIXED,
    {
      *A(p) {
        const at = p.noted('at') as number;
        const before = world.regionsOf(world.current);
        const fork = yield* p.fork(function* () {});
        if (fork > 0) yield* joined(p, fork);
        const more = yield* register(p, at + 128, 8);
        expect([0, -ENOMEM]).toContain(more);
        const after = world.regionsOf(world.current)!;
        if (more < 0) expect(after).toEqual(before);
        else expect(after.regions).toHaveLength(2);
        const less = yield* unregister(p, at, 64);
        if (less < 0) expect(world.regionsOf(world.current)).toEqual(after);
        seen.add(`${fork < 0 ? fork : 0} ${more} ${less}`);
      },
    },
    {
      faults: ['alloc-fail'],
      *setup(init) {
        const at = init.mmap();
        init.ok(yield* register(init, at, 64));
        init.note('at', at);
        yield* init.start('A');
      },
    },
  );
  world.everyRun('fail-nth', () => {});
  expect(seen).toContain(`${-ENOMEM} 0 0`);
  expect(seen).toContain(`0 ${-ENOMEM} 0`);
});

describe('05 H2: an interrupt while the array grows', () => {
  /** A registers a second region on CPU 0, where B's interrupt comes. */
  const worldOf = (mutations: readonly string[]): RegisteredWorld =>
    new RegisteredWorld(
      mutations,
      {
        *A(p) {
          p.ok(yield* register(p, (p.noted('at') as number) + 64, 8));
          yield* p.reboot();
        },
        *B(p) {
          p.ok((yield* p.calls.testRun(p.noted('interrupt') as number, ON_CPU_0)).result);
          yield* p.reboot();
        },
      },
      {
        cpus: 2,
        *setup(init) {
          yield* loadRegistered(init);
          const at = init.mmap();
          init.ok(yield* register(init, at, 8));
          init.note('at', at);
          yield* wishFor(init, yield* init.start('A'), { addr: at });
        },
      },
    );

  test('in the patch, it looks at freed memory before it is refused', () => {
    const { found } = worldOf(PATCH).explore('auto');
    expect(found!.result.failures[0]!.title).toMatch(
      /^BUG: KASAN: slab-use-after-free in bpf_probe_write_user_registered/,
    );
  });

  test('fixed, it is refused first', () => {
    const outcome = worldOf(FIXED).explore('dpor', 20_000);
    expect(outcome.distinct).toEqual([]);
    expect(outcome.exhausted).toBe(true);
  });
});

test('a machine switched off inside of a switch of the idle task starts anew', () => {
  const world = new RegisteredWorld(
    FIXED,
    {
      *A(p) {
        yield* p.reboot();
      },
      *B() {},
    },
    { attached: ['on_switch'] },
  );
  world.everyRun('random', () => {}, 100);
});
