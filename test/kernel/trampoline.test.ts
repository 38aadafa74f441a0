import { expect, test } from 'vitest';
import { stackOf } from '../../sim/fiber.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { kernelSymbol, site } from '../../sim/site.ts';
import type { FunctionCall } from '../../sim/trampoline.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

const INSIDE = site('trampoline_test', 'inside');
const symbol = kernelSymbol('bpf_trampoline_1');

class Text {
  readonly log: string[] = [];
  readonly kernel = new BareKernel();

  *outer_fn(n: number): Sim<number> {
    return (yield* this.inner_fn(n, 'x')) + 1;
  }

  *inner_fn(n: number, _text: string): Sim<number> {
    yield* step(INSIDE);
    const names = stackOf(this.kernel.machine.fiber!).map((entry) => entry.symbol.name);
    this.log.push(names.slice(0, 3).join(' < '));
    return 10 * n;
  }

  /** What a task gets that calls outer_fn(4). */
  result(): number {
    let result = 0;
    const call = () => this.outer_fn(4);
    this.kernel.spawn('task', function* () {
      result = yield* call();
    });
    expect(this.kernel.run()).toEqual([]);
    return result;
  }

  hang(run: (args: readonly unknown[], call: FunctionCall) => Sim<unknown>): void {
    this.kernel.machine.engine.trampolines.set('inner_fn', { symbol, run });
  }
}
kernelText(Text);

test('it runs in place of the function, with its arguments; what it gives is the result', () => {
  const text = new Text();
  text.hang(function* (args, call) {
    text.log.push(`before ${args.join()}`);
    const result = yield* call();
    text.log.push(`after ${String(result)}`);
    return 7;
  });
  expect(text.result()).toBe(8);
  expect(text.log).toEqual(['before 4,x', 'inner_fn < bpf_trampoline_1 < outer_fn', 'after 40']);
});

test('a tail call leaves no frame, and returns to the caller of the function', () => {
  const text = new Text();
  text.hang(function* (_, call) {
    yield* step(INSIDE);
    yield* call(true);
    throw new Error('it is not returned to');
  });
  expect(text.result()).toBe(41);
  expect(text.log).toEqual(['inner_fn < outer_fn < ret_from_fork']);
});

test('without the call the function does not run', () => {
  const text = new Text();
  text.hang(function* () {
    return -1;
  });
  expect(text.result()).toBe(0);
  expect(text.log).toEqual([]);
});

test('other machines have nothing of it, nor has this one after a reset', () => {
  const text = new Text();
  const { trampolines } = text.kernel.machine.engine;
  trampolines.checkpoint();
  text.hang(function* () {
    return -1;
  });
  expect(new Text().result()).toBe(41);
  trampolines.reset();
  expect([trampolines.isAny, text.result()]).toEqual([false, 41]);
});
