import { describe, expect, test } from 'vitest';
import { kernelAddress } from '../../../bpf/vm/frame.ts';
import { EBADF, EBUSY, EINVAL } from '../../../kernel/errno.ts';
import type { KernelFunction } from '../../../kernel/functions.ts';
import type { Sim } from '../../../sim/request.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { HookWorld } from '../../kit/hook-world.ts';

const MINUS_EBADF = BigInt.asUintN(32, BigInt(-EBADF));
const fn = (w: HookWorld, name: string): KernelFunction => w.hooks.function(name)!;
/** An old C library's close_fd() by way of the kernel: it is what drivers call. */
const closeFd = (w: HookWorld, fd: number) => w.kernel.fs.closing.close_fd(fd);

describe('programs around a function', () => {
  test('fentry, fmod_ret, the function, fexit: with its arguments, at the end its result', () => {
    const w = new HookWorld();
    const order: [string, 'fentry' | 'fmod_ret' | 'fexit', number][] = [
      ['leave', 'fexit', 2],
      ['enter', 'fentry', 1],
      ['modify', 'fmod_ret', 2],
      ['enter2', 'fentry', 1],
    ];
    const { trampolines } = w.hooks;
    for (const [name, kind, count] of order) {
      expect(
        trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), w.program(name, count), kind, 26),
      ).toBe(0);
    }
    let result = 0;
    const failures = w.run(function* () {
      result = yield* closeFd(w, 77);
    });
    expect(failures).toEqual([]);
    expect(result).toBe(-EBADF);
    expect(w.seen.map(({ program, words }) => [program, ...words])).toEqual([
      ['enter2', 77n], // the last one to come is the first one to run
      ['enter', 77n],
      ['modify', 77n, 0n],
      ['leave', 77n, MINUS_EBADF],
    ]);
    const { stack, rcuDepth, preemptCount } = w.seen[0]!;
    expect(stack.slice(0, 2)).toEqual([
      'bpf_prog_0badc0de01020304_enter2',
      'bpf_trampoline_6442450970',
    ]);
    expect([rcuDepth, preemptCount]).toEqual([1, 0]);
  });

  test('what fmod_ret gives, if not 0, is the result; the function does not run then', () => {
    const w = new HookWorld();
    const programs = [
      ['first', 'fmod_ret', 0],
      ['second', 'fmod_ret', -EINVAL],
      ['third', 'fmod_ret', 0],
      ['leave', 'fexit', 0],
    ] as const;
    for (const [name, kind, r0] of programs) {
      w.hooks.trampolines.bpf_trampoline_link_prog(
        fn(w, 'close_fd'),
        w.program(name, 2, { r0 }),
        kind,
      );
    }
    let result = 0;
    w.run(function* () {
      result = yield* closeFd(w, 77);
    });
    expect(result).toBe(-EINVAL);
    expect(w.seen.map(({ program }) => program)).toEqual(['third', 'second', 'leave']);
    expect(w.seen[2]!.words[1]! & 0xffff_ffffn).toBe(BigInt.asUintN(32, BigInt(-EINVAL)));
  });

  test('with fentry alone the trampoline is not on the stack of the function', () => {
    const w = new HookWorld();
    const outer = w.program('outer', 0);
    const inner = w.program('inner', 0);
    w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), outer, 'fentry');
    w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, 'file_close_fd'), inner, 'fexit');
    w.run(() => closeFd(w, 77));
    const { stack } = w.seen[1]!;
    expect(stack.filter((name) => name.startsWith('bpf_trampoline'))).toHaveLength(1);
    expect(stack).toContain('close_fd');
  });

  test('arguments that the simulator passes otherwise come as C has them', () => {
    const w = new HookWorld();
    const seen = (name: string) => w.seen.find(({ program }) => program === name)!.words;
    const hang = (name: string, count: number): void => {
      const prog = w.program(name, count);
      expect(w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, name), prog, 'fentry')).toBe(0);
    };
    hang('do_sys_openat2', 3);
    hang('vfs_read', 4);
    hang('wake_up_new_task', 1);
    hang('do_exit', 1);
    hang('__x64_sys_close', 1);
    const { memory } = w.kernel.machine;
    let file = 0;
    const failures = w.run(function* () {
      const name = yield* w.path('/dev/zero');
      const fd = yield* w.sys('openat', -100, name, 0o2000000, 0);
      file = yield* w.kernel.fs.lookup.fget(fd);
      yield* w.sys('read', fd, name + 64, 16);
      yield* w.sys('close', fd);
      yield* w.kernel.fs.files.fput(file);
      yield* w.fork('child', function* () {
        return 3;
      });
      yield* w.sys('wait4', -1, 0, 0, 0);
    });
    expect(failures).toEqual([]);
    const [dfd, , how] = seen('do_sys_openat2');
    expect(dfd).toBe(BigInt.asUintN(32, -100n));
    expect(how! > kernelAddress(1)).toBe(true);
    const [at, , count, pos] = seen('vfs_read');
    expect([at, count]).toEqual([kernelAddress(file), 16n]);
    expect(pos! > at! && pos! < at! + 256n).toBe(true);
    expect(seen('wake_up_new_task')[0]! >> 32n).toBe(0xffff8880n);
    expect(seen('do_exit')).toEqual([0x300n]);
    const regs = Number(seen('__x64_sys_close')[0]! & 0xffff_ffffn);
    expect(memory.allows(regs, 8)).toBe(true);
  });

  test('what cannot be attached is refused as Linux does', () => {
    const w = new HookWorld();
    const { trampolines } = w.hooks;
    const prog = w.program('p', 0);
    expect(trampolines.bpf_trampoline_link_prog(fn(w, 'do_exit'), prog, 'fexit')).toBe(-EINVAL);
    expect(trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), prog, 'fentry')).toBe(0);
    expect(trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), prog, 'fexit')).toBe(-EBUSY);
    expect(w.hooks.function('no_such_function')).toBeUndefined();
  });
});

describe('coming and going', () => {
  test('who is inside when a program is taken off leaves without the programs at the exit', () => {
    const w = new HookWorld();
    const { trampolines } = w.hooks;
    const { slab } = w.kernel.machine;
    const leave = w.program('leave', 0);
    const other = w.program('other', 0);
    const detach = w.program('detach', 0, {
      *act() {
        trampolines.bpf_trampoline_unlink_prog(fn(w, 'close_fd'), leave);
      },
    });
    trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), leave, 'fexit');
    trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), other, 'fexit');
    trampolines.bpf_trampoline_link_prog(fn(w, 'file_close_fd'), detach, 'fentry');
    const failures = w.run(function* () {
      yield* closeFd(w, 77);
      trampolines.bpf_trampoline_unlink_prog(fn(w, 'file_close_fd'), detach);
      yield* closeFd(w, 78);
      trampolines.bpf_trampoline_unlink_prog(fn(w, 'close_fd'), other);
    });
    expect(failures).toEqual([]);
    expect(w.seen.map(({ program }) => program)).toEqual(['detach', 'other']);
    const images = [...slab.live()].filter(({ allocated }) => allocated.site.includes('tramp'));
    expect(images).toEqual([]);
    expect(w.kernel.machine.engine.trampolines.isAny).toBe(false);
  });

  test('a program that calls what it hangs on does not run again, and counts that', () => {
    const w = new HookWorld();
    const prog = w.program('again', 1, { act: () => ignore(closeFd(w, 78)) });
    w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), prog, 'fentry');
    w.run(() => closeFd(w, 77));
    expect(w.seen.map(({ words }) => words)).toEqual([[77n]]);
    expect([w.runs(prog), w.misses(prog)]).toEqual([1n, 1n]);
  });

  test('a task that comes to a CPU while the program of another stands there misses it', () => {
    let missed = false;
    for (let run = 0; run < 200 && !missed; run++) {
      const w = new HookWorld({ cpuCount: 1 });
      const prog = w.program('prog', 1);
      w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), prog, 'fentry');
      const strategy = new Random(3);
      strategy.begin(run);
      const failures = w.run(function* () {
        yield* w.fork('child', () => closeFd(w, 78));
        yield* closeFd(w, 77);
      }, strategy);
      expect(failures).toEqual([]);
      expect(w.runs(prog) + w.misses(prog)).toBe(2n);
      missed = w.misses(prog) === 1n;
    }
    expect(missed).toBe(true);
  });

  test('a sleepable program runs outside of every section that forbids sleep', () => {
    const w = new HookWorld();
    const prog = w.program('sleeper', 0, {
      sleepable: true,
      act: () => w.kernel.timers.msleep(1_000),
    });
    w.hooks.trampolines.bpf_trampoline_link_prog(fn(w, 'close_fd'), prog, 'fentry');
    expect(w.run(() => closeFd(w, 77))).toEqual([]);
    expect(w.seen[0]).toMatchObject({ rcuDepth: 0, preemptCount: 0 });
  });
});

function* ignore(body: Sim<unknown>): Sim<void> {
  yield* body;
}
