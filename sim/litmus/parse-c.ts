import { nameOf, parseEnding, valueOf } from './condition.ts';
import { OLD, type Expression, type LitmusTest, type Statement, type Tag } from './program.ts';
import { Scanner, tokensOf } from './scanner.ts';

const TOKEN = /[A-Za-z_]\w*|\d\w*|\/\\|\\\/|&&|\|\||==|!=|<=|>=|<<|>>|[-+*/%&|^~!<>=(){}[\];:,.?]/g;

type Parsed = Omit<LitmusTest, 'stated' | 'language'>;

const number = (value: number): Expression => ({ is: 'value', value });
const old: Expression = { is: 'register', name: OLD };
const binary = (op: string, left: Expression, right: Expression): Expression => ({
  is: 'binary',
  op,
  left,
  right,
});

/** Fences, and what else is a statement by itself. tools/memory-model/linux-kernel.def */
const FENCES: Readonly<Record<string, Tag>> = {
  smp_mb: 'mb',
  smp_rmb: 'rmb',
  smp_wmb: 'wmb',
  smp_mb__before_atomic: 'before-atomic',
  smp_mb__after_atomic: 'after-atomic',
  smp_mb__after_spinlock: 'after-spinlock',
  rcu_read_lock: 'rcu-lock',
  rcu_read_unlock: 'rcu-unlock',
  synchronize_rcu: 'sync-rcu',
  synchronize_rcu_expedited: 'sync-rcu',
};

/** How a suffix orders a read-modify-write: of the read, of the write, and whether fully. */
const ORDERS: Readonly<Record<string, { read: Tag; write: Tag; full: boolean }>> = {
  '': { read: 'once', write: 'once', full: true },
  _relaxed: { read: 'once', write: 'once', full: false },
  _acquire: { read: 'acquire', write: 'once', full: false },
  _release: { read: 'once', write: 'release', full: false },
};

/** A C litmus test, in the part of C that the kernel's own tests are written in. */
export function parseC(source: string, file: string): Parsed {
  const scanner = new Scanner(tokensOf(source, file, TOKEN), file);
  scanner.expect('C');
  let name = scanner.next();
  while (scanner.peek() !== '{' && scanner.peek() !== '') name += scanner.next();
  const initial = parseInitial(scanner);
  const threads: (readonly Statement[])[] = [];
  while (new RegExp(`^P${threads.length}$`).test(scanner.peek())) {
    scanner.next();
    threads.push(new ThreadParser(scanner, parseParameters(scanner)).body());
  }
  if (threads.length === 0) throw scanner.error(`'${scanner.peek()}', expected P0(…) { … }`);
  return { name, initial, threads, ...parseEnding(scanner) };
}

function parseInitial(scanner: Scanner): LitmusTest['initial'] {
  const initial = new Map<string, number | string>();
  scanner.expect('{');
  while (!scanner.take('}')) {
    if (scanner.take(';')) continue;
    while (/^(int|long|unsigned|atomic_t|spinlock_t|volatile)$/.test(scanner.peek())) {
      scanner.next();
    }
    const name = nameOf(scanner);
    if (scanner.take('=')) initial.set(name, valueOf(scanner));
    if (scanner.peek() !== '}') scanner.expect(';');
  }
  return initial;
}

/** The variables that a thread is passed. */
function parseParameters(scanner: Scanner): Set<string> {
  const names = new Set<string>();
  scanner.expect('(');
  while (!scanner.take(')')) {
    let last = '';
    while (scanner.peek() !== ',' && scanner.peek() !== ')') last = scanner.next();
    names.add(last);
    scanner.take(',');
  }
  return names;
}

class ThreadParser {
  readonly #scanner: Scanner;
  readonly #variables: ReadonlySet<string>;
  #statements: Statement[] = [];
  #temporaries = 0;

  constructor(scanner: Scanner, variables: ReadonlySet<string>) {
    this.#scanner = scanner;
    this.#variables = variables;
  }

  body(): readonly Statement[] {
    const outer = this.#statements;
    this.#statements = [];
    if (this.#scanner.take('{')) while (!this.#scanner.take('}')) this.#statement();
    else this.#statement();
    const made = this.#statements;
    this.#statements = outer;
    return made;
  }

  #statement(): void {
    const scanner = this.#scanner;
    if (scanner.take(';')) return;
    if (scanner.take('if')) return this.#if();
    while (/^(int|long|unsigned|struct|volatile|const)$/.test(scanner.peek())) scanner.next();
    if (scanner.peek() === '*') return this.#plainStore();
    const word = scanner.word('a statement');
    if (scanner.peek() === '=') {
      scanner.next();
      const value = this.#expression();
      this.#statements.push({ is: 'assign', register: word, value });
    } else if (scanner.peek() === '(') {
      this.#call(word, false);
    } else if (scanner.peek() !== ';') {
      throw scanner.error(`'${scanner.peek()}' after '${word}'`);
    }
    scanner.expect(';');
  }

  #if(): void {
    this.#scanner.expect('(');
    const condition = this.#expression();
    this.#scanner.expect(')');
    const whenTrue = this.body();
    const whenFalse = this.#scanner.take('else') ? this.body() : [];
    this.#statements.push({ is: 'if', condition, whenTrue, whenFalse });
  }

  /** `int *r1 = …`, or `*x = …`. */
  #plainStore(): void {
    const scanner = this.#scanner;
    scanner.expect('*');
    const word = scanner.word('a variable');
    if (!scanner.take('=')) {
      scanner.expect(';');
      return;
    }
    const value = this.#expression();
    if (this.#variables.has(word) || this.#isRegister(word)) {
      this.#statements.push({ is: 'store', at: this.#address(word), value, tag: 'plain' });
    } else {
      this.#statements.push({ is: 'assign', register: word, value });
    }
    scanner.expect(';');
  }

  /** Whether the name has been given a value before: then `*name = …` goes through it. */
  #isRegister(name: string): boolean {
    const gives = (statements: readonly Statement[]): boolean =>
      statements.some(
        (each) =>
          ('register' in each && each.register === name) ||
          (each.is === 'if' && (gives(each.whenTrue) || gives(each.whenFalse))),
      );
    return gives(this.#statements);
  }

  #address(word: string): Expression {
    if (this.#variables.has(word)) return { is: 'value', value: `&${word}` };
    return { is: 'register', name: word };
  }

  // Expressions, by precedence. Loads in them become statements of their own.

  #expression(): Expression {
    return this.#binary(0);
  }

  static readonly #LEVELS: readonly (readonly string[])[] = [
    ['||'],
    ['&&'],
    ['|'],
    ['^'],
    ['&'],
    ['==', '!='],
    ['<', '>', '<=', '>='],
    ['<<', '>>'],
    ['+', '-'],
    ['*', '/', '%'],
  ];

  #binary(level: number): Expression {
    const operators = ThreadParser.#LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    while (operators.includes(this.#scanner.peek())) {
      const op = this.#scanner.next();
      left = binary(op, left, this.#binary(level + 1));
    }
    return left;
  }

  #unary(): Expression {
    const scanner = this.#scanner;
    if (scanner.take('(')) {
      while (/^(int|long|void|struct)$/.test(scanner.peek())) scanner.next(); // a cast
      if (scanner.peek() === '*' && scanner.peek(1) === ')') {
        scanner.next();
        scanner.expect(')');
        return this.#unary();
      }
      const inner = this.#expression();
      scanner.expect(')');
      return inner;
    }
    if (scanner.take('-')) return binary('-', number(0), this.#unary());
    if (scanner.take('!')) return binary('==', this.#unary(), number(0));
    if (scanner.take('~')) return binary('^', this.#unary(), number(-1));
    if (scanner.take('&')) return { is: 'value', value: `&${scanner.word('a variable')}` };
    if (scanner.take('*')) return this.#load(this.#unary(), 'plain');
    const text = scanner.next();
    if (/^\d/.test(text)) return number(Number.parseInt(text));
    if (!/^[A-Za-z_]/.test(text)) throw scanner.error(`'${text}', expected a value`);
    if (scanner.peek() === '(') return this.#call(text, true);
    if (text === 'NULL') return number(0);
    return this.#address(text);
  }

  #load(at: Expression, tag: Tag): Expression {
    const register = this.#temporary();
    this.#statements.push({ is: 'load', register, at, tag });
    return { is: 'register', name: register };
  }

  /** No name that C has, so that none is shadowed. */
  #temporary(): string {
    return `.${this.#temporaries++}`;
  }

  /** A call of the kernel's; with `isUsed`, what it evaluates to. */
  #call(name: string, isUsed: boolean): Expression {
    const scanner = this.#scanner;
    scanner.expect('(');
    const fence = FENCES[name];
    if (fence !== undefined) {
      this.#statements.push({ is: 'fence', tag: fence });
      scanner.expect(')');
      return number(0);
    }
    const result = this.#access(name, isUsed);
    scanner.expect(')');
    return result;
  }

  #access(name: string, isUsed: boolean): Expression {
    const scanner = this.#scanner;
    const store = (at: Expression, value: Expression, tag: Tag): Expression => {
      this.#statements.push({ is: 'store', at, value, tag });
      return number(0);
    };
    switch (name) {
      case 'READ_ONCE':
      case 'rcu_dereference':
        scanner.expect('*');
        return this.#load(this.#unary(), 'once');
      case 'smp_load_acquire':
        return this.#load(this.#expression(), 'acquire');
      case 'atomic_read':
        return this.#load(this.#expression(), 'once');
      case 'WRITE_ONCE':
        scanner.expect('*');
        return store(this.#unary(), this.#argument(), 'once');
      case 'rcu_assign_pointer':
        scanner.expect('*');
        return store(this.#unary(), this.#argument(), 'release');
      case 'smp_store_release':
        return store(this.#expression(), this.#argument(), 'release');
      case 'atomic_set':
        return store(this.#expression(), this.#argument(), 'once');
      case 'smp_store_mb':
        scanner.take('*');
        store(this.#unary(), this.#argument(), 'once');
        this.#statements.push({ is: 'fence', tag: 'mb' });
        return number(0);
      case 'spin_lock':
        return this.#rmw(this.#expression(), number(1), 'acquire', 'once', false, null, true);
      case 'spin_unlock':
        return store(this.#expression(), number(0), 'release');
      default:
        return this.#atomic(name, isUsed);
    }
  }

  #argument(): Expression {
    this.#scanner.expect(',');
    return this.#expression();
  }

  /** xchg(), cmpxchg(), and atomic_…() by their parts. include/linux/atomic/ */
  #atomic(name: string, isUsed: boolean): Expression {
    const scanner = this.#scanner;
    const told = /^(?:atomic_)?(.*?)(_relaxed|_acquire|_release)?$/.exec(name)!;
    const what = told[1]!;
    const order = ORDERS[told[2] ?? '']!;
    const { read, write, full } = order;
    if (what === 'xchg') {
      const at = this.#expression();
      return this.#rmw(at, this.#argument(), read, write, full);
    }
    if (what === 'cmpxchg') {
      const at = this.#expression();
      const expected = this.#argument();
      return this.#rmw(at, this.#argument(), read, write, full, expected);
    }
    const parts = /^(?:(fetch)_)?(add|sub|inc|dec|and|or|xor)(?:_(return|and_test))?$/.exec(what);
    if (!name.startsWith('atomic_') || !parts) throw scanner.error(`${name}() is not known here`);
    const [, fetch, verb, after] = parts as unknown as [string, string?, string?, string?];
    const hasOperand = verb !== 'inc' && verb !== 'dec';
    const operand = hasOperand ? this.#expression() : number(1);
    const at = hasOperand ? this.#argument() : this.#expression();
    const op = { add: '+', inc: '+', sub: '-', dec: '-', and: '&', or: '|', xor: '^' }[verb!]!;
    const next = binary(op, old, operand);
    const returns = fetch !== undefined || after !== undefined;
    if (!returns) {
      this.#rmw(at, next, 'noreturn', 'once', false);
      if (isUsed) throw scanner.error(`${name}() has no value`);
      return number(0);
    }
    const before = this.#rmw(at, next, read, write, full);
    if (fetch !== undefined) return before;
    const value = binary(op, before, operand);
    return after === 'and_test' ? binary('==', value, number(0)) : value;
  }

  #rmw(
    at: Expression,
    next: Expression,
    read: Tag,
    write: Tag,
    full: boolean,
    expected: Expression | null = null,
    locks = false,
  ): Expression {
    const register = this.#temporary();
    this.#statements.push({ is: 'rmw', register, at, next, expected, read, write, full, locks });
    return { is: 'register', name: register };
  }
}
