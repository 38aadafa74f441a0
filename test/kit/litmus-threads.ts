/** Litmus tests run as threads under a memory model of the engine: every final state reached. */
import { explore } from '../../sim/explore.ts';
import { OLD, type Expression, type LitmusTest, type Tag } from '../../sim/litmus/program.ts';
import type { Rmw, Statement, Value } from '../../sim/litmus/program.ts';
import type { MemoryModelName } from '../../sim/memory-model.ts';
import {
  ACQUIRE,
  FULL,
  RELAXED,
  RELEASE,
  type Order,
  type Request,
  type Sim,
} from '../../sim/request.ts';
import { Bounded } from '../../sim/strategies/bounded.ts';
import { Threads, type Shared, type ThreadBody } from '../../sim/threads.ts';
import type { Word } from '../../sim/words.ts';

type Registers = Map<string, Value>;

const ORDERS: Partial<Record<Tag, Order>> = {
  acquire: ACQUIRE,
  release: RELEASE,
  mb: FULL,
  rmb: ACQUIRE,
  wmb: RELEASE,
  'before-atomic': FULL,
  'after-atomic': FULL,
  'after-spinlock': FULL,
};

const orderOf = (tag: Tag): Order => ORDERS[tag] ?? RELAXED;

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '^': (left, right) => left ^ right,
  '&': (left, right) => left & right,
  '==': (left, right) => Number(left === right),
  '!=': (left, right) => Number(left !== right),
};

function evaluate(expression: Expression, registers: Registers): Value {
  if (expression.is === 'value') return expression.value;
  if (expression.is === 'register') return registers.get(expression.name) ?? 0;
  const left = evaluate(expression.left, registers) as number;
  const right = evaluate(expression.right, registers) as number;
  return OPERATORS[expression.op]!(left, right);
}

/** One thread: registers are set as it goes. */
class Thread {
  readonly #words: ReadonlyMap<string, Word>;
  readonly #shared: Shared;
  readonly #registers: Registers;

  constructor(words: ReadonlyMap<string, Word>, shared: Shared, registers: Registers) {
    this.#words = words;
    this.#shared = shared;
    this.#registers = registers;
  }

  *run(body: readonly Statement[]): Sim<void> {
    for (const statement of body) yield* this.#do(statement);
  }

  *#do(statement: Statement): Sim<void> {
    const registers = this.#registers;
    if (statement.is === 'assign') {
      registers.set(statement.register, evaluate(statement.value, registers));
    } else if (statement.is === 'load') {
      const value = yield* this.#at(statement.at).read(orderOf(statement.tag));
      registers.set(statement.register, value);
    } else if (statement.is === 'store') {
      const value = evaluate(statement.value, registers) as number;
      // A lock's release lets those go on that wait for it.
      const word = this.#at(statement.at);
      yield* word.write(value, orderOf(statement.tag));
    } else if (statement.is === 'rmw') {
      const value: unknown = yield* this.#rmw(statement);
      if (statement.register !== null) registers.set(statement.register, Number(value));
    } else if (statement.is === 'fence') {
      yield* this.#shared.fence(orderOf(statement.tag));
    } else if (statement.is === 'if') {
      const holds = evaluate(statement.condition, registers) !== 0;
      yield* this.run(holds ? statement.whenTrue : statement.whenFalse);
    } else {
      throw new Error(`no ${statement.is} here`);
    }
  }

  #rmw({ at, next, locks, read, write, full }: Rmw): Request<unknown> {
    const word = this.#at(at);
    if (locks) return word.take(0, 1);
    const order = full ? FULL : read === 'acquire' ? ACQUIRE : orderOf(write);
    if (next.is === 'binary' && next.op === '+' && isOld(next.left)) {
      const amount = evaluate(next.right, this.#registers) as number;
      return read === 'noreturn' ? word.add(amount) : word.fetchAdd(amount, order);
    }
    return word.xchg(evaluate(next, this.#registers) as number, order);
  }

  #at(expression: Expression): Word {
    return this.#words.get(String(evaluate(expression, this.#registers)))!;
  }
}

const isOld = (expression: Expression): boolean =>
  expression.is === 'register' && expression.name === OLD;

/** As runLitmus() prints them. */
export function statesReached(test: LitmusTest, model: MemoryModelName): string[] {
  const states = new Set<string>();
  const threads = new Threads(
    {
      name: test.name,
      build(shared) {
        const words = new Map<string, Word>();
        for (const [, name] of JSON.stringify(test.threads).matchAll(/"&(\w+)"/g)) {
          if (words.has(`&${name}`)) continue;
          words.set(`&${name}`, shared.word(name!, Number(test.initial.get(name!) ?? 0)));
        }
        const registers = test.threads.map((): Registers => new Map());
        const bodies = test.threads.map((body, i): [string, ThreadBody] => [
          `P${i}`,
          function* () {
            registers[i]!.clear();
            yield* new Thread(words, shared, registers[i]!).run(body);
          },
        ]);
        return {
          threads: Object.fromEntries(bodies),
          finally() {
            const valueOf = (name: string): Value => {
              const [thread, register] = name.split(':');
              if (register === undefined) return words.get(`&${name}`)?.value ?? 0;
              return registers[Number(thread)]!.get(register) ?? 0;
            };
            const { shown } = test;
            states.add(shown.map((name) => `${name}=${valueOf(name)};`).join(' '));
            return undefined;
          },
        };
      },
    },
    model,
  );
  const outcome = explore(threads, { strategy: new Bounded(), runsMax: 400_000 });
  if (!outcome.exhausted) throw new Error(`${test.name}: not all schedules`);
  return [...states].toSorted();
}
