import { InputError } from '../../base/errors.ts';
import { nameOf, parseEnding, valueOf } from './condition.ts';
import { OLD, type Expression, type LitmusTest, type Statement, type Value } from './program.ts';
import { Scanner, tokensOf } from './scanner.ts';

const TOKEN = /[A-Za-z_]\w*|\d\w*|\/\\|\\\/|==|!=|<=|>=|<<=?|>>=?|[-+*&|^]=?|[~<>=(){}[\];:,|]/g;

type Parsed = Omit<LitmusTest, 'stated' | 'language'>;

const number = (value: Value): Expression => ({ is: 'value', value });

/** A BPF litmus test as herd reads them: a column for each thread, instructions of the kernel's. */
export function parseBpf(source: string, file: string): Parsed {
  const bodyAt = source.indexOf('}') + 1;
  if (bodyAt === 0) throw new InputError(`${file}:1: no { initial state }`);
  const head = new Scanner(tokensOf(source.slice(0, bodyAt), file, TOKEN), file);
  head.expect('BPF');
  let name = head.next();
  while (head.peek() !== '{' && head.peek() !== '') name += head.next();
  const initial = parseInitial(head);
  const rest = source.slice(bodyAt);
  const endAt = rest.search(/^\s*(?:locations\b|~?\s*exists\b|forall\b)/m);
  if (endAt < 0) throw new InputError(`${file}: no condition, expected exists (…)`);
  const firstLine = source.slice(0, bodyAt).split('\n').length;
  const threads = parseColumns(rest.slice(0, endAt), file, firstLine);
  const ending = new Scanner(tokensOf(rest.slice(endAt), file, TOKEN), file);
  return { name, initial, threads, ...parseEnding(ending) };
}

function parseInitial(scanner: Scanner): LitmusTest['initial'] {
  const initial = new Map<string, Value>();
  scanner.expect('{');
  while (!scanner.take('}')) {
    if (scanner.take(';')) continue;
    const name = nameOf(scanner);
    scanner.expect('=');
    initial.set(name, valueOf(scanner));
    if (scanner.peek() !== '}') scanner.expect(';');
  }
  return initial;
}

function parseColumns(text: string, file: string, firstLine: number): Statement[][] {
  const [header = '', ...rows] = text
    .split(';')
    .map((row) => row.replaceAll(/\(\*[\s\S]*?\*\)/g, ''));
  const names = header.split('|').map((cell) => cell.trim());
  names.forEach((name, i) => {
    if (name !== `P${i}`) throw new InputError(`${file}:${firstLine}: '${name}', expected P${i}`);
  });
  const threads: Statement[][] = names.map(() => []);
  let line = firstLine + header.split('\n').length - 1;
  for (const row of rows) {
    const cells = row.split('|').map((cell) => cell.trim());
    line += row.split('\n').length - 1;
    if (cells.length > names.length) {
      throw new InputError(`${file}:${line}: ${cells.length} columns, expected ${names.length}`);
    }
    cells.forEach((cell, thread) => {
      if (cell !== '') threads[thread]!.push(...instruction(cell, `${file}:${line}`));
    });
  }
  return threads;
}

const REGISTER = String.raw`([rw]\d+)`;
const PLACE = String.raw`\(\s*(?:\(?\s*u\d+\s*\*\s*\)?)?\s*\(?${REGISTER}\s*([-+])\s*(\d+)\)?`;
const OPERAND = String.raw`(-?\d+|[rw]\d+)`;

interface Form {
  readonly pattern: RegExp;
  make(parts: readonly string[]): Statement | readonly Statement[];
}

const form = (text: string, make: Form['make']): Form => ({
  pattern: new RegExp(`^${text.replaceAll(' ', String.raw`\s*`)}$`),
  make,
});

/** Every instruction that is known, as the verifier's log and herd write them. */
const FORMS: readonly Form[] = [
  form(String.raw`(\w+) :`, ([name]) => ({ is: 'label', name: name! })),
  form(`goto (\\w+)`, ([to]) => ({ is: 'jump', condition: null, to: to! })),
  form(`if ${REGISTER} ([!=<>]=?|==) ${OPERAND} goto (\\w+)`, ([left, op, right, to]) => ({
    is: 'jump',
    condition: { is: 'binary', op: op!, left: reg(left!), right: operand(right!) },
    to: to!,
  })),
  form(`${REGISTER} = load_acquire ${PLACE.replace(String.raw`\(`, String.raw`\(`)} \\)`, (p) => ({
    is: 'load',
    register: name(p[0]!),
    at: place(p, 1),
    tag: 'acquire',
  })),
  form(`store_release ${PLACE} , ${OPERAND} \\)`, (p) => ({
    is: 'store',
    at: place(p, 0),
    value: operand(p[3]!),
    tag: 'release',
  })),
  form(`${REGISTER} = \\* \\( u\\d+ \\* \\) \\( ${REGISTER} ([-+]) (\\d+) \\)`, (p) => ({
    is: 'load',
    register: name(p[0]!),
    at: place(p, 1),
    tag: 'once',
  })),
  form(`\\* \\( u\\d+ \\* \\) \\( ${REGISTER} ([-+]) (\\d+) \\) = ${OPERAND}`, (p) => ({
    is: 'store',
    at: place(p, 0),
    value: operand(p[3]!),
    tag: 'once',
  })),
  form(`lock \\* \\( u\\d+ \\* \\) \\( ${REGISTER} ([-+]) (\\d+) \\) ([-+&|^])= ${OPERAND}`, (p) =>
    rmw(place(p, 0), arithmetic(p[3]!, operand(p[4]!)), null, false),
  ),
  form(
    `${REGISTER} = atomic_fetch_(add|and|or|xor) ${PLACE} , ${OPERAND} \\)`,
    ([to, verb, ...p]) => rmw(place(p, 0), arithmetic(SIGNS[verb!]!, operand(p[3]!)), to!, true),
  ),
  form(`${REGISTER} = xchg(?:_64|32_32|_32)? ${PLACE} , ${OPERAND} \\)`, ([to, ...p]) =>
    rmw(place(p, 0), operand(p[3]!), to!, true),
  ),
  form(
    `${REGISTER} = cmpxchg(?:_64|32_32|_32)? ${PLACE} , ${OPERAND} , ${OPERAND} \\)`,
    ([to, ...p]) => ({
      ...rmw(place(p, 0), operand(p[4]!), to!, true),
      expected: operand(p[3]!),
    }),
  ),
  form(`${REGISTER} ([-+*&|^]|<<|>>)= ${OPERAND}`, ([to, op, value]) => ({
    is: 'assign',
    register: name(to!),
    value: { is: 'binary', op: op!, left: reg(to!), right: operand(value!) },
  })),
  form(`${REGISTER} = ${OPERAND}`, ([to, value]) => ({
    is: 'assign',
    register: name(to!),
    value: operand(value!),
  })),
];

const SIGNS: Readonly<Record<string, string>> = { add: '+', and: '&', or: '|', xor: '^' };

function instruction(text: string, where: string): readonly Statement[] {
  for (const { pattern, make } of FORMS) {
    const parts = pattern.exec(text);
    if (!parts) continue;
    const made = make(parts.slice(1));
    return Array.isArray(made) ? (made as readonly Statement[]) : [made as Statement];
  }
  throw new InputError(`${where}: '${text.slice(0, 60)}' is no instruction that is known here`);
}

/** w1 is the low half of r1: one register. */
function name(text: string): string {
  return `r${text.slice(1)}`;
}

function reg(text: string): Expression {
  return { is: 'register', name: name(text) };
}

function operand(text: string): Expression {
  return /^[rw]/.test(text) ? reg(text) : number(Number(text));
}

function place(parts: readonly string[], from: number): Expression {
  const [base, sign, offset] = parts.slice(from) as [string, string, string];
  if (Number(offset) === 0) return reg(base);
  return { is: 'binary', op: sign, left: reg(base), right: number(Number(offset)) };
}

function arithmetic(op: string, value: Expression): Expression {
  return { is: 'binary', op, left: { is: 'register', name: OLD }, right: value };
}

function rmw(at: Expression, next: Expression, to: string | null, full: boolean): Statement {
  const register = to === null ? null : name(to);
  const tags = { read: 'once', write: 'once' } as const;
  return { is: 'rmw', register, at, next, expected: null, ...tags, full };
}
