import { InputError } from '../../base/errors.ts';
import { Relation } from './relation.ts';
import {
  OLD,
  type Expression,
  type LitmusTest,
  type Rmw,
  type Statement,
  type Tag,
  type Value,
} from './program.ts';

/** A read, a write or a fence that an execution has. */
export interface Event {
  readonly thread: number;
  readonly kind: 'R' | 'W' | 'F';
  /** Of a fence: ''. */
  readonly variable: string;
  readonly value: Value;
  readonly tag: Tag;
  /** Events whose value went into the address, into the value, into whether it happens at all. */
  readonly addr: readonly number[];
  readonly data: readonly number[];
  readonly ctrl: readonly number[];
  /** The read of a read-modify-write; of its write: the read's index, else -1. */
  readonly rmwOf: number;
  readonly full: boolean;
  readonly locks: boolean;
}

/** What one thread did, given what it read. Indices are of its own events. */
interface Path {
  readonly events: readonly Event[];
  readonly registers: ReadonlyMap<string, Value>;
}

/** One way in which a test might go, before a model has said whether it can. */
export interface Candidate {
  readonly events: readonly Event[];
  readonly po: Relation;
  readonly rf: Relation;
  readonly co: Relation;
  /** Values by name, as conditions name them. */
  readonly final: ReadonlyMap<string, Value>;
}

const INIT_THREAD = -1;
const PATHS_MAX = 20_000;
const CANDIDATES_MAX = 2_000_000;
const EVENTS_MAX = 64;
const VALUES_ROUNDS = 4;
const STEPS_MAX = 200;

interface Known {
  readonly value: Value;
  /** Reads that it comes from. */
  readonly from: readonly number[];
}

/** Every candidate execution: what each read might read from, every order of writes. */
export function* candidatesOf(test: LitmusTest): Generator<Candidate> {
  const paths = pathsOf(test);
  let count = 0;
  for (const chosen of product(paths)) {
    for (const candidate of executionsOf(test, chosen)) {
      if (++count > CANDIDATES_MAX) throw new InputError(`${test.name}: too many executions`);
      yield candidate;
    }
  }
}

/** By thread: what it may do, given all values that might be in each variable. */
function pathsOf(test: LitmusTest): Path[][] {
  const values = new Map<string, Set<Value>>();
  const learn = (name: string, value: Value): boolean => {
    let known = values.get(name);
    if (!known) values.set(name, (known = new Set()));
    const { size } = known;
    known.add(value);
    return known.size > size;
  };
  for (let round = 0; ; round++) {
    const paths = test.threads.map((body, thread) => threadPaths(test, body, thread, values));
    let isNew = false;
    for (const { events } of paths.flat()) {
      for (const { kind, variable, value } of events) {
        if (kind === 'W') isNew = learn(variable, value) || isNew;
      }
    }
    // What a thread adds to without end can be read only so often.
    if (!isNew || round === VALUES_ROUNDS) return paths;
  }
}

function threadPaths(
  test: LitmusTest,
  body: readonly Statement[],
  thread: number,
  values: ReadonlyMap<string, ReadonlySet<Value>>,
): Path[] {
  const paths: Path[] = [];
  const registers = new Map<string, Known>();
  for (const [name, value] of test.initial) {
    const [of, register] = name.split(':');
    if (register !== undefined && Number(of) === thread)
      registers.set(register, { value, from: [] });
  }
  const start: Running = { registers, events: [], ctrl: [], steps: 0 };
  const runner = new Runner(test, thread, values, (path) => {
    if (paths.push(path) > PATHS_MAX) throw new InputError(`${test.name}: too many paths`);
  });
  runner.run(body, 0, start, null);
  return paths;
}

interface Running {
  readonly registers: ReadonlyMap<string, Known>;
  readonly events: readonly Event[];
  readonly ctrl: readonly number[];
  readonly steps: number;
}

/** What comes after a nested body: the rest of the one around it. */
interface After {
  readonly body: readonly Statement[];
  readonly at: number;
  readonly after: After | null;
}

/** Runs one thread along every path, a read having every value that might be there. */
class Runner {
  readonly #test: LitmusTest;
  readonly #thread: number;
  readonly #values: ReadonlyMap<string, ReadonlySet<Value>>;
  readonly #found: (path: Path) => void;

  constructor(
    test: LitmusTest,
    thread: number,
    values: ReadonlyMap<string, ReadonlySet<Value>>,
    found: (path: Path) => void,
  ) {
    this.#test = test;
    this.#thread = thread;
    this.#values = values;
    this.#found = found;
  }

  run(body: readonly Statement[], at: number, state: Running, after: After | null): void {
    const statement = body[at];
    if (statement === undefined) {
      if (after) return this.run(after.body, after.at, state, after.after);
      const registers = [...state.registers].map(([name, { value }]): [string, Value] => [
        name,
        value,
      ]);
      return this.#found({ events: state.events, registers: new Map(registers) });
    }
    if (state.steps > STEPS_MAX) return; // a loop that goes on for ever is none of herd's either
    const next = { ...state, steps: state.steps + 1 };
    const goOn = (to: Running) => this.run(body, at + 1, to, after);
    switch (statement.is) {
      case 'assign':
        return goOn(withRegister(next, statement.register, this.#eval(statement.value, state)));
      case 'load':
        return this.#load(statement, next, goOn);
      case 'store':
        return this.#store(statement, next, goOn);
      case 'rmw':
        return this.#rmw(statement, next, goOn);
      case 'fence':
        return goOn(this.#withEvent(next, 'F', '', 0, statement.tag, {}));
      case 'label':
        return goOn(next);
      case 'jump':
        return this.#jump(statement, body, next, after, goOn);
      case 'if': {
        const { value, from } = this.#eval(statement.condition, state);
        const chosen = isTrue(value) ? statement.whenTrue : statement.whenFalse;
        const inside = { ...next, ctrl: union(next.ctrl, from) };
        return this.run(chosen, 0, inside, { body, at: at + 1, after });
      }
    }
  }

  #jump(
    { condition, to }: Statement & { is: 'jump' },
    body: readonly Statement[],
    state: Running,
    after: After | null,
    goOn: (to: Running) => void,
  ): void {
    const known = condition ? this.#eval(condition, state) : { value: 1, from: [] };
    const next = { ...state, ctrl: union(state.ctrl, known.from) };
    if (!isTrue(known.value)) return goOn(next);
    const at = body.findIndex((other) => other.is === 'label' && other.name === to);
    if (at < 0) throw new InputError(`${this.#test.name}: no label ${to}`);
    this.run(body, at, next, after);
  }

  #load(load: Statement & { is: 'load' }, state: Running, goOn: (to: Running) => void): void {
    const { variable, addr } = this.#place(load.at, state);
    for (const value of this.#valuesOf(variable)) {
      const read = state.events.length;
      const to = this.#withEvent(state, 'R', variable, value, load.tag, { addr });
      goOn(withRegister(to, load.register, { value, from: [read] }));
    }
  }

  #store(store: Statement & { is: 'store' }, state: Running, goOn: (to: Running) => void): void {
    const { variable, addr } = this.#place(store.at, state);
    const { value, from } = this.#eval(store.value, state);
    goOn(this.#withEvent(state, 'W', variable, value, store.tag, { addr, data: from }));
  }

  #rmw(rmw: Rmw, state: Running, goOn: (to: Running) => void): void {
    const { variable, addr } = this.#place(rmw.at, state);
    const expected = rmw.expected && this.#eval(rmw.expected, state);
    for (const old of this.#valuesOf(variable)) {
      if (rmw.locks === true && old !== 0) continue;
      const isWritten = expected === null || expected.value === old;
      // Where it fails it is a mere read. In C, fully ordered means fences on both sides.
      const full = rmw.full && isWritten;
      const isFenced = full && this.#test.language === 'C';
      const fenced = isFenced ? this.#withEvent(state, 'F', '', 0, 'mb', {}) : state;
      const read = fenced.events.length;
      const tag = isWritten ? rmw.read : 'once';
      const locks = rmw.locks === true;
      let to = this.#withEvent(fenced, 'R', variable, old, tag, { addr, full, locks });
      const known: Known = { value: old, from: [read] };
      if (isWritten) {
        const { value, from } = this.#eval(rmw.next, withRegister(to, OLD, known));
        const data = union(from, expected?.from ?? []);
        to = this.#withEvent(to, 'W', variable, value, rmw.write, {
          addr,
          data,
          full,
          locks,
          rmwOf: read,
        });
        if (isFenced) to = this.#withEvent(to, 'F', '', 0, 'mb', {});
      }
      goOn(rmw.register === null ? to : withRegister(to, rmw.register, known));
    }
  }

  #withEvent(
    state: Running,
    kind: Event['kind'],
    variable: string,
    value: Value,
    tag: Tag,
    extra: Partial<Event>,
  ): Running {
    const { ctrl, events } = state;
    const plain = { addr: [], data: [], rmwOf: -1, full: false, locks: false };
    const event = { thread: this.#thread, kind, variable, value, tag, ctrl, ...plain, ...extra };
    return { ...state, events: [...events, event] };
  }

  #place(at: Expression, state: Running): { variable: string; addr: readonly number[] } {
    const { value, from } = this.#eval(at, state);
    if (typeof value === 'string') return { variable: value.slice(1), addr: from };
    throw new InputError(`${this.#test.name}: P${this.#thread} uses ${value} as an address`);
  }

  #valuesOf(variable: string): readonly Value[] {
    const initial = this.#test.initial.get(variable) ?? 0;
    return [...new Set([initial, ...(this.#values.get(variable) ?? [])])];
  }

  #eval(expression: Expression, state: Running): Known {
    if (expression.is === 'value') return { value: expression.value, from: [] };
    if (expression.is === 'register') {
      return state.registers.get(expression.name) ?? { value: 0, from: [] };
    }
    const left = this.#eval(expression.left, state);
    const right = this.#eval(expression.right, state);
    const value = compute(expression.op, left.value, right.value);
    return { value, from: union(left.from, right.from) };
  }
}

function withRegister(state: Running, name: string, known: Known): Running {
  return { ...state, registers: new Map(state.registers).set(name, known) };
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  return b.length === 0 ? a : [...new Set([...a, ...b])];
}

function isTrue(value: Value): boolean {
  return value !== 0;
}

/** Of addresses only equality can be asked, and an offset of 0 added. */
function compute(op: string, left: Value, right: Value): Value {
  if (op === '==') return Number(left === right);
  if (op === '!=') return Number(left !== right);
  if (op === '&&') return Number(isTrue(left) && isTrue(right));
  if (op === '||') return Number(isTrue(left) || isTrue(right));
  if (typeof left === 'string' && right === 0 && (op === '+' || op === '-')) return left;
  if (typeof right === 'string' && left === 0 && op === '+') return right;
  if (typeof left === 'string' || typeof right === 'string') {
    if (op === '^' && left === right) return 0;
    if (op === '&' && (left === 0 || right === 0)) return 0;
    throw new InputError(`${left} ${op} ${right}: arithmetic on an address`);
  }
  const operate = OPERATORS[op];
  if (!operate) throw new InputError(`no operator ${op}`);
  return operate(left, right);
}

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => (a + b) | 0,
  '-': (a, b) => (a - b) | 0,
  '*': Math.imul,
  '/': (a, b) => (b === 0 ? 0 : (a / b) | 0),
  '%': (a, b) => (b === 0 ? a : a % b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<<': (a, b) => a << b,
  '>>': (a, b) => a >> b,
  '<': (a, b) => Number(a < b),
  '>': (a, b) => Number(a > b),
  '<=': (a, b) => Number(a <= b),
  '>=': (a, b) => Number(a >= b),
};

/** One of each list, in every combination. */
function* product<T>(lists: readonly (readonly T[])[]): Generator<T[]> {
  const [first, ...rest] = lists;
  if (!first) {
    yield [];
    return;
  }
  for (const tail of product(rest)) for (const head of first) yield [head, ...tail];
}

function* executionsOf(test: LitmusTest, paths: readonly Path[]): Generator<Candidate> {
  const events = allEvents(test, paths);
  const n = events.length;
  if (n > EVENTS_MAX) throw new InputError(`${test.name}: ${n} events, at most ${EVENTS_MAX}`);
  const po = Relation.of(
    n,
    (a, b) => a < b && events[a]!.thread === events[b]!.thread && events[a]!.thread >= 0,
  );
  const at = (kind: Event['kind'], variable: string) =>
    events.flatMap((event, i) => (event.kind === kind && event.variable === variable ? [i] : []));
  const reads = events.flatMap(({ kind }, i) => (kind === 'R' ? [i] : []));
  const sources = reads.map((read) => {
    const { variable, value } = events[read]!;
    return at('W', variable).filter((write) => events[write]!.value === value);
  });
  if (sources.some((from) => from.length === 0)) return;
  const variables = [...new Set(events.map(({ variable }) => variable))].filter(Boolean);
  const orders = variables.map((variable) => [...permutations(at('W', variable))]);
  for (const from of product(sources)) {
    const rf = new Relation(n);
    from.forEach((write, i) => rf.add(write, reads[i]!));
    for (const order of product(orders)) {
      const co = new Relation(n);
      for (const writes of order) {
        writes.forEach((first, i) => writes.slice(i + 1).forEach((later) => co.add(first, later)));
      }
      yield { events, po, rf, co, final: finalOf(test, paths, order, events) };
    }
  }
}

/** Writes that put the initial values there, then each thread's. */
function allEvents(test: LitmusTest, paths: readonly Path[]): Event[] {
  const used = new Set(paths.flatMap(({ events }) => events.map(({ variable }) => variable)));
  const blank = { addr: [], data: [], ctrl: [], rmwOf: -1, full: false, locks: false } as const;
  const events: Event[] = [...used].filter(Boolean).map((variable) => {
    const value = test.initial.get(variable) ?? 0;
    return { thread: INIT_THREAD, kind: 'W', variable, value, tag: 'once', ...blank };
  });
  for (const path of paths) {
    const base = events.length;
    const moved = (list: readonly number[]) => list.map((i) => i + base);
    events.push(
      ...path.events.map((event) => ({
        ...event,
        addr: moved(event.addr),
        data: moved(event.data),
        ctrl: moved(event.ctrl),
        rmwOf: event.rmwOf < 0 ? -1 : event.rmwOf + base,
      })),
    );
  }
  return events;
}

/** Orders of the writes to one variable: the initial one comes first. */
function* permutations(writes: readonly number[]): Generator<number[]> {
  const [initial, ...rest] = writes;
  function* of(left: readonly number[]): Generator<number[]> {
    if (left.length === 0) yield [];
    for (const [i, first] of left.entries()) {
      for (const tail of of(left.toSpliced(i, 1))) yield [first, ...tail];
    }
  }
  for (const order of of(rest)) yield [initial!, ...order];
}

function finalOf(
  test: LitmusTest,
  paths: readonly Path[],
  orders: readonly (readonly number[])[],
  events: readonly Event[],
): Map<string, Value> {
  const final = new Map<string, Value>([...test.initial].filter(([name]) => !name.includes(':')));
  paths.forEach(({ registers }, thread) => {
    for (const [name, value] of registers) final.set(`${thread}:${name}`, value);
  });
  for (const order of orders) {
    const last = events[order.at(-1)!]!;
    final.set(last.variable, last.value);
  }
  return final;
}
