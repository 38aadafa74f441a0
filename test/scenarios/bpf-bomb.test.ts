/** Spec 03: what the kernel says of a program that is never over, by where it runs. */
import { describe, expect, test } from 'vitest';
import { BPF_STREAM_STDERR, streamsOf } from '../../bpf/prog/streams.ts';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import bpfBomb from '../../scenarios/protection/bpf-bomb.ts';
import h1 from '../../scenarios/protection/h1-bomb.ts';
import h11 from '../../scenarios/protection/h11-nested-may-goto.ts';
import { World } from '../../scenarios/world.ts';
import { Stay } from '../../sim/strategies/stay.ts';

const SECOND = 1_000_000_000;

function run(variant: string) {
  const world = new World(bpfBomb, { variant });
  const { failures, virtualNs } = world.run(new Stay());
  return { world, failures, virtualNs, titles: failures.map(({ title }) => title) };
}

describe('03 R3: without a policy', () => {
  test.each(['plain', 'reference'])('%s: both CPUs are lost', (variant) => {
    const { world, failures, titles } = run(variant);
    expect(titles).toEqual([
      'watchdog: Watchdog detected hard LOCKUP on cpu 0',
      'watchdog: Watchdog detected hard LOCKUP on cpu 1',
    ]);
    expect(failures.map(({ fatal }) => fatal)).toEqual([false, true]);
    expect(failures[0]!.text).toMatch(new RegExp(`bpf_prog_[0-9a-f]{16}_${variant}`));
    expect(failures[1]!.sites).toEqual(['ttwu_queue:rq_lock']);
    expect(world.notes.get('seconds worked')).toBe(1);
  });

  test('lock: who wants the lock of the map is lost as well', () => {
    const { failures, titles } = run('lock');
    expect(titles).toEqual([
      'watchdog: Watchdog detected hard LOCKUP on cpu 0',
      'watchdog: Watchdog detected hard LOCKUP on cpu 1',
    ]);
    expect(failures[1]!.sites).toEqual(['copy_map_value_locked:lock']);
  });

  test('preempt-off: interrupts come, and one of them warns after 20 s', () => {
    const { world, titles } = run('preempt-off');
    expect(titles).toEqual(['watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [loader:101]']);
    expect(world.notes.get('seconds worked')).toBe(30);
    expect(world.notes.get('over')).toBeUndefined();
  });

  test('rcu: a stall is warned of after 21 s, and the other CPU goes on', () => {
    const { world, titles, virtualNs } = run('rcu');
    expect(titles).toEqual(['rcu: INFO: rcu_preempt self-detected stall on CPU']);
    expect(world.notes.get('seconds worked')).toBe(30);
    expect(world.notes.get('over')).toBeUndefined();
    expect(virtualNs).toBeLessThan(31 * SECOND);
  });

  test('nmi: nothing comes through on that CPU, and another notices', () => {
    const { world, titles, failures } = run('nmi');
    expect(titles).toEqual(['rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:']);
    expect(failures[0]!.text).toMatch(/\(detected by 1, t=\d+ jiffies/);
    expect(failures[0]!.text).toMatch(/bpf_prog_[0-9a-f]{16}_nmi.*\n bpf_overflow_handler/);
    expect(world.notes.get('seconds worked')).toBe(30);
  });

  test('sleepable: only who waits for it is reported, and its neighbours get their share', () => {
    const { world, titles, failures } = run('sleepable');
    expect(titles).toHaveLength(1);
    expect(titles[0]).toMatch(/^INFO: task detacher:\d+ blocked for more than 120 seconds\.$/);
    expect(failures[0]!.text).toContain('synchronize_rcu_tasks_trace');
    const turns = [...world.notes].filter(([key]) => key.startsWith('turns of'));
    expect(turns).toHaveLength(15);
    for (const [, count] of turns) expect(count).toBeGreaterThan(500);
    expect(world.notes.get('detached')).toBeUndefined();
  });
});

test('03 R1: it prints on and on, of which the last lines are kept', () => {
  const { world } = run('plain');
  const { count } = world.kernel.machine.tracePipe;
  expect(count).toBeGreaterThan(1_000_000);
  const lines = world.tracePipe;
  expect(lines).toHaveLength(65_536);
  const inner = (count - 1) % 100_000;
  const outer = Math.floor((count - 1) / 100_000);
  expect(lines.at(-1)).toContain(`loader-101     [000] d..21`);
  expect(lines.at(-1)).toContain(`bpf_trace_printk: bomb ${outer} ${inner}`);
});

test('a scenario about time is searched by its one run, which its token makes again', () => {
  const outcome = exploreScenario(h1, { variant: 'bad' });
  expect(outcome).toMatchObject({ verdict: 'failure', exhausted: true, runs: 1 });
  expect(outcome.kinds).toEqual(['hard-lockup']);
  expect(outcome.result!.schedule.at).toEqual([]);
  const again = replayToken(outcome.token!);
  expect(again.result!.traceHash).toBe(outcome.result!.traceHash);
  expect(exploreScenario(h1, { variant: 'good' })).toMatchObject({
    verdict: 'clean',
    exhausted: true,
    runs: 1,
  });
});

test('03 H11: each loop is cut after its time, and their nest goes on', () => {
  const world = new World(h11, { variant: 'bad' });
  const { failures } = world.run(new Stay());
  expect(failures.map(({ kind }) => kind)).toEqual(['rcu-stall']);
  expect(world.notes.get('over')).toBeUndefined();
  const program = [...world.bpf.programs.registry.values()].find(({ name }) => name === 'nested')!;
  const text = streamsOf(world.kernel).textOf(program, BPF_STREAM_STDERR);
  // The clock is looked at once in 65,535 rounds of 10 us: twice for each loop.
  const cut = text.match(/ERROR: Timeout detected for may_goto instruction/g)!.length;
  expect(cut).toBeGreaterThan(15);
  expect(cut).toBeLessThan(30);
});
