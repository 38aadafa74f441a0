import { FAIR_STEPS } from '../../sim/livelock.ts';
import { describe, expect, test } from 'vitest';
import { Engine } from '../../sim/engine.ts';
import { type Cpu, type Host } from '../../sim/host.ts';
import { Timer } from '../../sim/clock.ts';
import { Oops, type Failure } from '../../sim/failure.ts';
import { Fiber, stackOf } from '../../sim/fiber.ts';
import {
  access,
  block,
  kernelFunction,
  READ,
  RMW,
  spin,
  step,
  WRITE,
  type Sim,
} from '../../sim/request.ts';
import { kernelSymbol, site, siteOf } from '../../sim/site.ts';
import { Random } from '../../sim/strategies/random.ts';
import { RoundRobin } from '../../sim/strategies/round-robin.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { EVENT, PREEMPT } from '../../sim/actors.ts';

const P = site('test', 'p');
const Q = site('test', 'q');
const main = kernelSymbol('main');

/** A host with a queue of sleepers a CPU, who are woken by hand. */
class TestHost implements Host {
  readonly log: string[] = [];
  readonly queue: Fiber[] = [];
  onIdle: () => boolean = () => false;
  onOverrun: () => Failure | undefined = () => undefined;
  blocked(cpu: Cpu, fiber: Fiber): void {
    this.log.push(`${fiber.path} blocks`);
    cpu.fiber = this.queue.shift() ?? null;
  }
  finished(cpu: Cpu, fiber: Fiber): void {
    this.log.push(`${fiber.path} ends`);
    cpu.fiber = this.queue.shift() ?? null;
  }
  preempt(cpu: Cpu): void {
    this.queue.push(cpu.fiber!);
    cpu.fiber = this.queue.shift()!;
  }
  returnedInto(frame: { symbol: { name: string; module: string } }): void {
    this.log.push(`into ${frame.symbol.name} [${frame.symbol.module}]`);
  }
  idle(): boolean {
    return this.onIdle();
  }
  objectName(): string {
    return '';
  }
  overrun(): Failure | undefined {
    return this.onOverrun();
  }
}

function engineWith(
  cpuCount: number,
  ...bodies: (() => Sim<unknown>)[]
): {
  engine: Engine;
  host: TestHost;
  fibers: Fiber[];
} {
  const engine = new Engine(cpuCount);
  const host = new TestHost();
  engine.host = host;
  engine.reset();
  const fibers = bodies.map((body, i) => new Fiber('ABCD'[i]!, 101 + i, null, body(), main));
  for (const [i, fiber] of fibers.entries()) {
    if (i < cpuCount) engine.cpus[i]!.fiber = fiber;
    else host.queue.push(fiber);
  }
  return { engine, host, fibers };
}

/** Answers with the actors wanted, as long as they last and are offered; then stays. */
function wanting(...actors: number[]): Strategy & { seen: number[][] } {
  const seen: number[][] = [];
  return {
    name: 'wanting',
    exhausted: false,
    seen,
    begin: () => true,
    choose: ({ options, count, stay }) => {
      const offered = [...options.subarray(0, count)];
      seen.push(offered);
      const at = offered.indexOf(actors[0] ?? -1);
      if (at < 0) return stay;
      actors.shift();
      return at;
    },
    end: () => {},
  };
}

describe('requests', () => {
  test('a step acts when its fiber goes on, not when it is asked for', () => {
    const log: string[] = [];
    const { engine } = engineWith(1, function* () {
      const value = yield* access(P, 64, 4, RMW, () => {
        log.push('effect');
        return 42;
      });
      log.push(`got ${value}`);
      yield* step(Q);
      log.push('end');
    });
    engine.monitors.push({
      step: (_cpu, _fiber, request) => void log.push(`step ${siteOf(request.site).name}`),
    });
    engine.run(new Stay());
    expect(log).toEqual([
      'step fiber:start',
      'step test:p',
      'effect',
      'got 42',
      'step test:q',
      'end',
    ]);
    expect(engine.trace.stepCount).toBe(3);
  });

  test("calls make frames and return values; the host hears when a module's text runs", () => {
    const depths: number[] = [];
    const inner = kernelFunction('inner', function* (x: number): Sim<number> {
      yield* step(P);
      depths.push(stackOf(engine.fiber!).length);
      return x + 1;
    });
    const outer = kernelFunction(
      'outer',
      function* (x: number): Sim<number> {
        return (yield* inner(x)) + (yield* inner(x));
      },
      'autofs4',
    );
    let result = 0;
    const { engine, host, fibers } = engineWith(1, function* () {
      result = yield* outer(1);
    });
    engine.run(new Stay());
    expect(result).toBe(4);
    expect(depths).toEqual([3, 3]);
    const into = 'into outer [autofs4]'; // called once, returned into twice
    expect(host.log).toEqual([into, into, into, 'A ends']);
    expect(fibers[0]!.done).toBe(true);
  });

  test('an exception of the simulated kernel ends the run; one of ours passes through', () => {
    const failure = {
      kind: 'invariant',
      title: 't',
      text: 't',
      sites: [],
      objects: [],
      step: 0,
      fatal: true,
    } as const;
    const bad = engineWith(1, function* () {
      yield* step(P);
      throw new Oops(failure);
    });
    bad.engine.run(new Stay());
    expect(bad.engine.failures).toEqual([failure]);
    const ours = engineWith(1, function* () {
      yield* step(P);
      throw new Error('ours');
    });
    expect(() => ours.engine.run(new Stay())).toThrow('ours');
  });
});

describe('who steps', () => {
  function* steps(count: number): Sim<void> {
    for (let i = 0; i < count; i++) yield* step(P);
  }

  test('a point with one option is no choice', () => {
    const { engine } = engineWith(2, () => steps(5));
    engine.run(new Stay());
    expect(engine.choiceCount).toBe(0);
    expect(engine.trace.stepCount).toBe(6);
  });

  test('the schedule holds the deviations, and replaying them gives the same trace', () => {
    const { engine } = engineWith(
      2,
      () => steps(10),
      () => steps(10),
    );
    const strategy = new Random(3);
    strategy.begin(0);
    engine.run(strategy);
    const digest = engine.trace.digest();
    const { at, skip } = engine.schedule();
    expect(at.length).toBe(skip.length);
    const again = engineWith(
      2,
      () => steps(10),
      () => steps(10),
    );
    let index = 0;
    again.engine.run({
      name: 'again',
      exhausted: false,
      begin: () => true,
      end: () => {},
      choose: (choice) => {
        if (choice.index !== at[index]) return choice.stay;
        return (choice.stay + skip[index++]!) % choice.count;
      },
    });
    expect(again.engine.trace.digest()).toBe(digest);
    expect(again.engine.schedule()).toEqual({ at, skip });
  });

  test('a preempted CPU is not preempted again before it has stepped', () => {
    const { engine, host } = engineWith(
      1,
      () => steps(2),
      () => steps(2),
    );
    engine.cpus[0]!.preemptible = true;
    const strategy = wanting(PREEMPT, PREEMPT);
    engine.run(strategy);
    expect(strategy.seen[0]).toEqual([0, PREEMPT]);
    expect(host.log[0]).toMatch(/ends/);
    expect(engine.choiceCount).toBeGreaterThan(0);
  });

  test('a fiber that spins waits for unspin() of its address', () => {
    let free = false;
    const { engine, host } = engineWith(
      2,
      function* () {
        while (!free) yield* spin(P, 64);
      },
      function* () {
        yield* step(Q);
        engine.unspin(72);
        yield* step(Q);
        free = true;
        engine.unspin(64);
      },
    );
    engine.run(new Stay());
    expect(host.log).toEqual(['B ends', 'A ends']);
    expect(engine.cpus[0]!.nowNs).toBeGreaterThanOrEqual(10);
  });

  test('what leaves no choice, or asks no strategy, goes as without interference', () => {
    const { engine } = engineWith(1);
    expect(engine.decide('alloc-fail', 2)).toBe(0);
    const drawn: number[] = [];
    const { engine: other } = engineWith(1, function* () {
      yield* step(P);
      drawn.push(other.decide('x', 1), other.decide('y', 3));
    });
    other.run({
      name: 'last',
      exhausted: false,
      begin: () => true,
      end: () => {},
      choose: (choice) => choice.count - 1,
    });
    expect(drawn).toEqual([0, 2]);
    expect(other.schedule()).toEqual({ at: [0], skip: [2] });
  });

  test('a strategy that picks what is not there is our bug', () => {
    const { engine } = engineWith(
      2,
      () => steps(2),
      () => steps(2),
    );
    expect(() => engine.run({ ...wanting(), choose: () => 7 })).toThrow('picked 7 of 2');
  });
});

describe('events', () => {
  test('a source that is ready can fire at any step', () => {
    const { engine } = engineWith(1, function* () {
      for (let i = 0; i < 3; i++) yield* step(P);
    });
    let fired = 0;
    const source = {
      name: 's',
      ready: true,
      fire: () => {
        fired++;
        source.ready = false;
      },
    };
    engine.sources.push(source);
    const strategy = wanting(EVENT);
    engine.run(strategy);
    expect(fired).toBe(1);
    expect(strategy.seen).toEqual([[0, EVENT]]);
  });

  test('a timer can fire early only in the foreground; the run waits for it and no other', () => {
    for (const background of [false, true]) {
      const { engine } = engineWith(1, function* () {
        yield* step(P);
      });
      let firedAt = -1;
      const timer = new Timer('t', () => void (firedAt = engine.nowNs()), background);
      engine.clock.arm(timer, 5_000);
      const strategy = wanting();
      engine.run(strategy);
      expect(firedAt).toBe(background ? -1 : 5_000);
      expect(strategy.seen.length > 0).toBe(!background);
    }
  });

  test('where nothing can run the host is asked, until it has nothing either', () => {
    let turns = 3;
    const { engine, host } = engineWith(1, function* () {
      for (;;) yield* block(P);
    });
    const [fiber] = [engine.cpus[0]!.fiber!];
    host.onIdle = () => {
      if (turns-- === 0) return false;
      engine.cpus[0]!.fiber = fiber;
      return true;
    };
    engine.run(new Stay());
    expect(host.log).toEqual(Array(4).fill('A blocks'));
  });
});

describe('limits', () => {
  function* forever(): Sim<void> {
    for (;;) yield* access(P, 8, 4, READ);
  }

  test('a run ends after stepsMax steps, with what the host makes of it', () => {
    const { engine, host } = engineWith(1, forever);
    engine.stepsMax = 100;
    const failure = {
      kind: 'soft-lockup',
      title: 't',
      text: 't',
      sites: [],
      objects: [],
      step: 1,
      fatal: true,
    } as const;
    host.onOverrun = () => failure;
    engine.run(new Stay());
    expect(engine.trace.stepCount).toBe(100 + FAIR_STEPS);
    expect(engine.failures).toEqual([failure]);
  });

  test('stop() ends it after the step', () => {
    const { engine } = engineWith(1, forever);
    engine.monitors.push({
      step: () => {
        if (engine.trace.stepCount === 7) engine.stop();
      },
    });
    engine.run(new Stay());
    expect(engine.trace.stepCount).toBe(7);
  });

  test('reset() leaves nothing of the run', () => {
    const { engine } = engineWith(2, forever, forever);
    engine.stepsMax = 50;
    const digests = [0, 1].map(() => {
      engine.reset();
      for (const [i, cpu] of engine.cpus.entries()) {
        cpu.fiber = new Fiber('AB'[i]!, 101 + i, null, forever(), main);
      }
      const strategy = new Random(1);
      strategy.begin(0);
      engine.run(strategy);
      return `${engine.trace.digest()} ${engine.choiceCount} ${engine.nowNs()}`;
    });
    expect(digests[1]).toBe(digests[0]);
  });
});

describe('timed mode', () => {
  test('the CPU with the least time steps, and time stands still for nobody', () => {
    const order: string[] = [];
    const write = (name: string, cost: number): (() => Sim<void>) =>
      function* () {
        for (let i = 0; i < 3; i++) {
          yield* access(P, 8, 4, WRITE, () => void order.push(name));
          engine.cpu.nowNs += cost;
        }
      };
    const { engine } = engineWith(2, write('slow', 100), write('fast', 10));
    engine.mode = 'timed';
    engine.run(new RoundRobin());
    expect(order).toEqual(['slow', 'fast', 'fast', 'fast', 'slow', 'slow']);
    expect(engine.choiceCount).toBe(0);
  });

  test('timers fire in order, when every CPU has come so far', () => {
    const log: string[] = [];
    const { engine } = engineWith(1, function* () {
      for (let i = 0; i < 10; i++) yield* step(P);
      log.push('done');
    });
    engine.mode = 'timed';
    for (const dueNs of [30, 10, 1_000]) {
      engine.clock.arm(new Timer(`t${dueNs}`, () => void log.push(`${dueNs}`)), dueNs);
    }
    engine.run(new Stay());
    expect(log).toEqual(['10', '30', 'done', '1000']);
    expect(engine.nowNs()).toBe(1_000);
  });
});
