import type { ExecProgram } from '../../../bpf/prog/exec-program.ts';
import type { Failure } from '../../../sim/failure.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { describe, expect, test } from 'vitest';
import { helper } from '../../../bpf/helpers/prototype.ts';
import { args } from '../../../bpf/helpers/args.ts';
import type { BpfMap } from '../../../bpf/maps/map.ts';
import { bpf_map } from '../../../bpf/maps/map.ts';
import { bpf_prog } from '../../../bpf/prog/program.ts';
import type { Task } from '../../../kernel/task.ts';
import { COST_NS } from '../../../sim/cost.ts';
import { site } from '../../../sim/site.ts';
import { step, type Sim } from '../../../sim/request.ts';
import {
  RunnerKernel,
  type ProgramText,
  type RunnerOptions,
  address,
  alu,
  atomic,
  call,
  exit,
  jmp,
  load,
  mov,
  number64,
  store,
} from '../../kit/bpf-program.ts';

const ENGINES = ['interp', 'jit'] as const;
const PAUSE = site('pausing', 'pause');

/** Adds its arguments; the second of these may lose the CPU first. */
const sum = helper({
  id: 100,
  name: 'sum',
  args: [args.anything, args.anything],
  costNs: 7,
  run: (_, a, b) => BigInt.asUintN(64, a + b),
});
const slowSum = helper({
  id: 101,
  name: 'slow_sum',
  args: [args.anything, args.anything],
  *run(_, a, b): Sim<bigint> {
    yield* step(PAUSE);
    return BigInt.asUintN(64, a + b);
  },
});
const repeat = helper({
  id: 181,
  name: 'bpf_loop',
  args: [args.u32, args.func, args.anything],
  *run(row, count, callback, given): Sim<number> {
    for (let i = 0; i < count; i++) yield* row.callback(callback, BigInt(i), given);
    return count;
  },
});
const tailCall = helper({
  id: 12,
  name: 'bpf_tail_call',
  args: [args.ctx, args.constMapPtr, args.anything],
  run: () => 0,
});

describe.each(ENGINES)('on %s', (engine) => {
  test('r1 is the context, and r0 the result', () => {
    const world = new RunnerKernel({ engine });
    const ctx = world.kernel.machine.slab.kzalloc(16);
    world.kernel.machine.memory.setU64(ctx + 8, 0xfeed_0000_beefn);
    const prog = world.load({ name: 'reader', insns: [load(8, 0, 1, 8), exit] });
    expect(world.result(prog, ctx)).toBe(0xfeed_0000_beefn);
  });

  test.each([sum, slowSum])('$name gets its arguments, and r0 its result', (row) => {
    const world = new RunnerKernel({ engine });
    const insns = [mov(1, -5), mov(2, 3), call('helper', row.id), exit];
    expect(world.result(world.load({ name: 'adder', insns, helpers: [row] }))).toBe(2n ** 64n - 2n);
  });

  test('runs are counted, and timed by the instruction and the helper', () => {
    const world = new RunnerKernel({ engine, mode: 'timed' });
    const insns = [mov(1, 0), mov(2, 1), call('helper', 100), exit];
    const prog = world.load({ name: 'timed', insns, helpers: [sum] });
    world.result(prog);
    const { run_cnt, run_time_ns } = bpf_prog.at(world.kernel.machine.memory, prog.addr);
    expect([run_cnt, run_time_ns]).toEqual([1n, BigInt(4 * COST_NS.bpfInsn + 7)]);
  });

  test('a callback keeps the registers of its caller, and has its own stack', () => {
    const world = new RunnerKernel({ engine });
    const insns = [
      mov(6, 40),
      store(8, 10, -8, 6),
      mov(1, 5),
      mov(2, 9), // where the callback begins
      mov(3, 'r10'),
      call('helper', 181),
      load(8, 1, 10, -8),
      alu('add', 0, 'r1'), // 5 + 40 + 0 + 1 + 2 + 3 + 4
      exit,
      load(8, 6, 2, -8), // r6 is the caller's; r2 its stack
      alu('add', 6, 'r1'),
      store(8, 2, -8, 6),
      store(8, 10, -8, 6),
      mov(0, 0),
      exit,
    ];
    const prog = world.load({ name: 'loops', insns, subprogs: [0, 9], helpers: [repeat] });
    expect(world.result(prog)).toBe(55n);
  });

  test('a tail call replaces the program at its depth, 33 times a run', () => {
    const world = new RunnerKernel({ engine });
    const { machine } = world.kernel;
    const counter = machine.slab.kzalloc(8);
    const map = machine.slab.kzalloc(bpf_map.sizeBytes);
    const again = [
      ...address(6, counter),
      load(8, 0, 6, 0),
      alu('add', 0, 1),
      store(8, 6, 0, 0),
      ...address(2, map),
      mov(3, 1),
      call('helper', 12),
      load(8, 0, 6, 0),
      exit,
    ];
    const target = world.load({ name: 'again', insns: again, helpers: [tailCall] });
    const slots = [0, target.addr];
    const progArray = { maxEntries: 2, tail_call_target: (i: number) => slots[i]! };
    world.maps.set(map, progArray as unknown as BpfMap);
    const inSub = [
      call('subprog', 2),
      alu('add', 0, 1000),
      exit,
      ...address(2, map),
      mov(3, 1),
      call('helper', 12),
      exit,
    ];
    const prog = world.load({ name: 'entry', insns: inSub, subprogs: [0, 3], helpers: [tailCall] });
    expect(world.result(prog)).toBe(1033n);
  });

  test('a load beyond the packet ends the program with 0', () => {
    const world = new RunnerKernel({ engine });
    world.runner.loadPacket = (skb, offset, size) => (offset + size > 8 ? undefined : skb + offset);
    const ends = world.load({
      name: 'filter',
      insns: [
        mov(6, 'r1'),
        { kind: 'ld_abs', size: 4, imm: 4 },
        mov(7, 'r0'),
        mov(2, 5),
        { kind: 'ld_ind', size: 4, src: 2, imm: 0 },
        exit,
      ],
    });
    const reads = world.load({ name: 'filter', insns: [...ends.insns.slice(0, 2), exit] });
    const ctx = world.kernel.machine.slab.kzalloc(8);
    expect(world.result(reads, ctx)).toBe(BigInt(ctx + 4));
    expect(world.result(ends, ctx)).toBe(0n);
  });

  test.each([
    ['slab-use-after-free', 'use-after-free', 0n],
    ['BUG: kernel NULL pointer dereference, address: 0000000000000010', 'bad-access', 0x10n],
    [
      'BUG: unable to handle page fault for address: 00007f0000000000',
      'bad-access',
      0x7f00n << 32n,
    ],
    ['non-canonical address 0xdead000000000100', 'bad-access', 0xdead_0000_0000_0100n],
  ])('a fault is reported as the kernel does: %s', (title, kind, addr) => {
    const world = new RunnerKernel({ engine });
    const { slab } = world.kernel.machine;
    const freed = slab.kmalloc(64);
    const insns = [
      call('subprog', 1),
      exit,
      ...(addr === 0n ? address(1, freed) : number64(1, addr)),
      load(8, 0, 1, 0),
      exit,
    ];
    const prog = world.load({
      name: 'stray',
      insns,
      subprogs: [0, 2],
      subprogNames: ['', 'inner'],
    });
    const { runner, kernel } = world;
    const [failure] = world.run(function* () {
      kernel.kasan.free(freed);
      yield* runner.bpf_prog_run(prog, 0);
    });
    expect(failure).toMatchObject({ kind, sites: ['prog stray:insn 4'] });
    expect(failure!.title).toContain(title);
    expect(failure!.text).toMatch(/bpf_prog_0badc0de01020304_inner\+.*\n.*_stray\+/);
  });

  test('a program that is freed while it runs is a use after free', () => {
    const world = new RunnerKernel({ engine });
    const frees = helper({
      id: 103,
      name: 'frees',
      args: [],
      *run({ kernel, prog }): Sim<number> {
        kernel.kasan.free(prog.addr);
        yield* step(PAUSE);
        return 0;
      },
    });
    const insns = [call('helper', 103), exit];
    const prog = world.load({ name: 'freed', insns, helpers: [frees] });
    const [failure] = world.run(() => world.runner.bpf_prog_run(prog, 0));
    expect(failure!.title).toMatch(/^BUG: KASAN: slab-use-after-free in bpf_prog_\w+_freed$/);
    expect(failure!.sites).toEqual(['prog freed:insn 1']);
  });

  test('a report from a helper names the program and the call', () => {
    const world = new RunnerKernel({ engine });
    const { slab } = world.kernel.machine;
    const peek = helper({
      id: 104,
      name: 'peek',
      args: [args.mem],
      run: ({ memory }, addr) => memory.u64(addr),
    });
    const freed = slab.kmalloc(64);
    slab.free(freed);
    const insns = [...address(1, freed), call('helper', 104), exit];
    const prog = world.load({ name: 'asks', insns, helpers: [peek] });
    const [failure] = world.run(() => world.runner.bpf_prog_run(prog, 0));
    expect(failure!.title).toMatch(/slab-use-after-free in bpf_prog_\w+_asks$/);
    expect(failure!.sites).toEqual(['prog asks:insn 2']);
  });

  test('a report from a callback shows every function on the way', () => {
    const world = new RunnerKernel({ engine });
    const insns = [
      call('subprog', 1),
      exit,
      mov(1, 1),
      mov(2, 7),
      mov(3, 0),
      call('helper', 181),
      exit,
      load(8, 0, 2, 8),
      exit,
    ];
    const prog = world.load({
      name: 'outer',
      insns,
      subprogs: [0, 2, 7],
      subprogNames: ['', 'middle', 'inner'],
      helpers: [repeat],
    });
    const [failure] = world.run(() => world.runner.bpf_prog_run(prog, 0));
    expect(failure!.sites).toEqual(['prog outer:insn 7']);
    const trace = failure!.text.matchAll(/bpf_prog_0badc0de01020304_(\w+)\+/g);
    expect([...trace].map(([, name]) => name)).toEqual(['inner', 'middle', 'outer']);
  });
});

/** Two threads, each of which runs the program once. */
class TwoThreads extends RunnerKernel {
  readonly counter = this.kernel.machine.slab.kzalloc(8);
  readonly #threads: readonly Task[];
  #prog: ExecProgram | undefined;

  constructor(options: RunnerOptions = {}) {
    super(options);
    this.run(function* () {});
    const { tasks } = this.kernel;
    this.#threads = ['A', 'B'].map((name) =>
      tasks.create_kthread(name, () => this.runner.bpf_prog_run(this.#prog!, this.counter)),
    );
  }

  override load(text: ProgramText): ExecProgram {
    this.#prog = super.load(text);
    this.kernel.machine.memory.setU64(this.counter, 0n);
    this.kernel.checkpoint();
    return this.#prog;
  }

  /** One run of the schedule `number`: what the counter is then, and what was found. */
  both(number: number): { count: bigint; failures: readonly Failure[] } {
    const { sched, machine } = this.kernel;
    this.kernel.rollback();
    for (const thread of this.#threads) sched.wakeNew(thread);
    const strategy = new Random(1);
    strategy.begin(number);
    machine.engine.run(strategy);
    return { count: machine.memory.u64(this.counter), failures: machine.engine.failures };
  }

  /** Over many schedules. */
  outcomes(text: ProgramText): { counts: bigint[]; titles: string[] } {
    this.load(text);
    const counts = new Set<bigint>();
    const titles = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const { count, failures } = this.both(i);
      counts.add(count);
      for (const { title } of failures) titles.add(title);
    }
    return { counts: [...counts].toSorted(), titles: [...titles] };
  }
}

const PLAIN_ADD: ProgramText = {
  name: 'plain',
  insns: [load(8, 2, 1, 0), alu('add', 2, 1), store(8, 1, 0, 2), mov(0, 0), exit],
};
const ATOMIC_ADD: ProgramText = {
  name: 'atomic',
  insns: [mov(2, 1), atomic('add', 1, 0, 2), mov(0, 0), exit],
};

describe('two CPUs interleave within a program', () => {
  test.each(ENGINES)('%s: a plain increment is lost, an atomic one is not', (engine) => {
    const world = new TwoThreads({ engine });
    expect(world.outcomes(PLAIN_ADD).counts).toEqual([1n, 2n]);
    expect(world.outcomes(ATOMIC_ADD).counts).toEqual([2n]);
  });

  test.each(ENGINES)('%s: the race monitor hears of plain accesses, and of atomics', (engine) => {
    const world = new TwoThreads({ engine, races: true });
    expect(world.outcomes(PLAIN_ADD).titles).toContainEqual(
      expect.stringMatching(/^BUG: KCSAN: data-race in bpf_prog_\w+_plain/),
    );
    expect(world.outcomes(ATOMIC_ADD).titles).toEqual([]);
  });

  test('the trace is the same on every engine', () => {
    const [one, add, put] = PLAIN_ADD.insns;
    const insns = [mov(3, 60), one!, add!, put!, alu('add', 3, -1), jmp('jne', 3, 0, -5), exit];
    const traces = (['auto', ...ENGINES] as const).map((engine) => {
      const world = new TwoThreads({ engine });
      world.load({ name: 'adds', insns }); // auto compiles it in the seventh run
      return Array.from({ length: 20 }, (_, i) => {
        world.both(i);
        return world.kernel.machine.engine.trace.digest();
      });
    });
    expect(traces[1]).toEqual(traces[0]);
    expect(traces[2]).toEqual(traces[0]);
    expect(new Set(traces[0]).size).toBeGreaterThan(5);
  });

  test('as many programs run at once as there are tasks to run them', () => {
    const world = new RunnerKernel();
    const insns = [
      store(8, 10, -8, 1),
      mov(2, 0),
      call('helper', 101),
      load(8, 1, 10, -8),
      alu('sub', 0, 'r1'),
      exit,
    ];
    const prog = world.load({ name: 'sleeper', insns, helpers: [slowSum] });
    const { runner, kernel } = world;
    const results: bigint[] = [];
    const failures = world.run(function* () {
      for (let i = 1; i <= 20; i++) {
        const body = function* (): Sim<void> {
          results.push(yield* runner.bpf_prog_run(prog, i * 8));
        };
        kernel.sched.wakeNew(kernel.tasks.create_kthread(`T${i}`, body));
      }
    }, new Random(3));
    expect(failures).toEqual([]);
    expect(results).toEqual(Array<bigint>(20).fill(0n));
  });

  test('in timed mode a long program lets others run, and takes its time', () => {
    const world = new RunnerKernel({ mode: 'timed', cpuCount: 1 });
    const insns = [mov(0, 20_000), alu('add', 0, -1), jmp('jne', 0, 0, -2), exit];
    const prog = world.load({ name: 'long', insns });
    const { engine } = world.kernel.machine;
    world.result(prog);
    expect(engine.trace.stepCount).toBeGreaterThan(9);
    expect(bpf_prog.at(world.kernel.machine.memory, prog.addr).run_time_ns).toBe(
      BigInt(40_002 * COST_NS.bpfInsn + 9 * COST_NS.point),
    );
  });
});
