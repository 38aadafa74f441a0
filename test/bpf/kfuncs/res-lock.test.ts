import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { done } from '../../../bpf/maps/base.ts';
import { EDEADLK, ETIMEDOUT } from '../../../kernel/errno.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import { scenario, type Body } from '../../../scenarios/dsl.ts';
import { findScenario } from '../../../scenarios/registry.ts';
import { World } from '../../../scenarios/world.ts';
import { Dpor } from '../../../sim/strategies/dpor.ts';
import { site, siteOf } from '../../../sim/site.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { Stay } from '../../../sim/strategies/stay.ts';

const PATH = new URL('../../../scenarios/protection/abba.bpf.o', import.meta.url);
const HOLD = site('test', 'hold');
const MS = 1_000_000;
const abba = findScenario('res-lock-abba');

function load(sandbox: BpfSandbox, ...names: readonly string[]): TestObject {
  const object = sandbox.openBytes(new Uint8Array(readFileSync(PATH)), 'abba.bpf.o');
  for (const name of names) object.object.program(name).isWanted = true;
  return object.load();
}

/** What Linux 7.2 gives, and writes to the error stream; addresses left out. */
const LINUX: readonly (readonly [name: string, retval: number, text: string])[] = [
  ['move_forth', 0, ''],
  ['move_back', 0, ''],
  [
    'move_nowhere',
    -EDEADLK,
    `ERROR: AA or ABBA deadlock detected for bpf_res_spin_lock
Attempted lock   = X
Total held locks = 1
Held lock[ 0] = X`,
  ],
  [
    'move_nowhere_irqsave',
    -EDEADLK,
    `ERROR: AA or ABBA deadlock detected for bpf_res_spin_lock_irqsave
Attempted lock   = X
Total held locks = 1
Held lock[ 0] = X`,
  ],
];

describe.each(['interp', 'jit'] as const)('03 R31: as Linux 7.2, %s', (engine) => {
  test.each(LINUX)('%s', (name, retval, text) => {
    const sandbox = new BpfSandbox({ cpus: 1, bpf: { engine } });
    const object = load(sandbox, name);
    const run = object.programs[name]!.run();
    expect([run.result, run.retval | 0]).toEqual([0, retval]);
    const said = object.programs[name]!.stream('stderr');
    expect(new Set(said.match(/0xffff888\w+/g)).size).toBe(text === '' ? 0 : 1);
    expect(said.replaceAll(/0xffff888\w+/g, 'X').split('\nCPU: 0')[0]).toBe(text);
    if (text !== '') expect(said).toMatch(/\nCPU: 0 UID: 0 PID: \d+ Comm: \w+\nCall trace:\n/);
    const { cpus, rqspinlocks } = sandbox.kernel;
    for (const { id, preemptCount, irqsOff } of cpus.all) {
      expect([preemptCount, irqsOff, rqspinlocks.held.of(id).count]).toEqual([0, 0, 0]);
    }
    const amounts = [0, 1].map((key) => {
      const value = object.map('accounts').lookup(key)!;
      expect([...value.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]); // the lock is free
      return new DataView(value.buffer, value.byteOffset).getBigInt64(8, true);
    });
    const moved = { move_forth: [-1n, 1n], move_back: [1n, -1n] }[name] ?? [0n, 0n];
    expect(amounts).toEqual(moved);
  });
});

test('03 R31: who waits for a lock that is held too long is told after 250 ms', () => {
  const sandbox = new BpfSandbox();
  const object = load(sandbox, 'move_forth');
  const { kernel, bpf } = sandbox;
  const { engine } = kernel.machine;
  const accounts = [...bpf.maps.registry.values()].find(({ name }) => name === 'accounts')!;
  const { fd } = object.object.program('move_forth');
  const [result, tookNs] = sandbox.run(function* (p) {
    const key = kernel.machine.slab.kzalloc(8);
    const value = yield* done(accounts.map_lookup_elem(key));
    yield* p.fork(function* () {
      expect(yield* kernel.rqspinlocks.raw_res_spin_lock(value, HOLD)).toBe(0);
      yield* kernel.timers.__udelay(600 * MS);
      yield* kernel.rqspinlocks.raw_res_spin_unlock(value, HOLD);
    });
    yield* p.compute(MS);
    const beganNs = engine.cpu.nowNs;
    const { retval } = yield* p.calls.testRun(fd, {});
    const ns = engine.cpu.nowNs - beganNs;
    expect((yield* p.calls.testRun(fd, {})).retval | 0).toBe(-ETIMEDOUT); // it is held still
    yield* p.wait(-1);
    expect((yield* p.calls.testRun(fd, {})).retval).toBe(0);
    return [retval | 0, ns];
  });
  expect([result, Math.floor(tookNs! / MS)]).toEqual([-ETIMEDOUT, 250]);
  const lines = object.programs['move_forth']!.stream('stderr').split('\n').slice(0, 4);
  expect(lines.map((line) => line.replace(/0xffff888\w+/, 'X'))).toEqual([
    'ERROR: Timeout detected for bpf_res_spin_lock',
    'Attempted lock   = X',
    'Total held locks = 0',
    expect.stringMatching(/^CPU: \d UID: 0 PID: \d+ Comm: /),
  ]);
});

test('03 R31, H10: who ignores the result is refused at load, as by Linux 7.2', () => {
  expect(() => load(new BpfSandbox(), 'ignores_result')).toThrow(
    'bpf_res_spin_unlock without taking a lock',
  );
});

test('03 H10: whatever the schedule, nobody waits for ever', () => {
  const world = new World(abba, { variant: 'good' });
  const strategy = new Dpor();
  const outcomes = new Set<string>();
  for (let run = 0; strategy.begin(run); run++) {
    const { failures, abandoned } = world.run(strategy);
    strategy.end();
    expect(failures).toEqual([]);
    const of = (name: string): unknown => world.notes.get(`${name} returned`);
    if (!abandoned) outcomes.add(`${of('move_forth')} ${of('move_back')}`);
  }
  expect(strategy.exhausted).toBe(true);
  expect([...outcomes].toSorted()).toEqual(['-35 -35', '-35 0', '0 -35', '0 0']);
});

test('03 R31: what is written under a lock is seen by whoever has it next', () => {
  const forth: Body = function* (p) {
    const run = yield* p.calls.testRun(p.noted('move_forth') as number, {});
    expect([0, -EDEADLK]).toContain(run.retval | 0);
    p.note('moved', ((p.noted('moved') as number | undefined) ?? 0) + (run.retval === 0 ? 1 : 0));
  };
  const raced = scenario({
    name: 'abba-raced',
    about: '',
    races: true,
    ...(abba.setup && { setup: abba.setup }),
    processes: { A: forth, B: forth, C: forth, D: forth },
    finally: { 'all have moved': ({ notes }) => notes.get('moved') === 4 },
  });
  const world = new World(raced, {});
  const strategy = new Random(5);
  const waited = new Set<string>();
  world.kernel.machine.engine.monitors.push({
    step: (_cpu, _fiber, request) => void waited.add(siteOf(request.site).name),
  });
  for (let run = 0; run < 150; run++) {
    strategy.begin(run);
    expect(world.run(strategy).failures).toEqual([]);
  }
  const slow = [...waited].filter((at) => at.startsWith('resilient_queued_spin_lock_slowpath:'));
  // By both ways to wait: as the next, and in the queue behind.
  for (const place of ['wait_owner', 'wait_node', 'wait_head', 'hand_over']) {
    expect(slow).toContain(`resilient_queued_spin_lock_slowpath:${place}`);
  }
});

/** The hazard in simulated time, CPU 1 a little behind. */
function inTime(mutations: readonly string[]): World {
  const { setup, processes } = abba;
  const timed = scenario({
    name: 'abba-in-time',
    about: '',
    timed: true,
    ...(setup && { setup }),
    processes: {
      A: processes['A']!,
      *B(p) {
        yield* p.compute(20);
        yield* processes['B']!(p);
      },
    },
    variants: { only: { about: '', mutations } },
  });
  return new World(timed, {});
}

test('03 H10: within 1 ms of virtual time one has -EDEADLK, and the other goes on', () => {
  const world = inTime([]);
  const { engine } = world.kernel.machine;
  const result = world.run(new Stay());
  expect(result.failures).toEqual([]);
  const returned = ['move_forth', 'move_back'].map((name) => world.notes.get(`${name} returned`));
  expect(engine.nowNs()).toBeLessThan(1.2 * MS);
  expect(returned.toSorted()).toEqual([-EDEADLK, 0]);
});

test('03 H10: with locks that only wait, lockups follow', () => {
  const { failures } = inTime(['rqspinlock.no-deadlock-check']).run(new Stay());
  expect(failures.map(({ kind }) => kind)).toContain('soft-lockup');
});
