import type { Condition, LitmusTest, Value } from './program.ts';
import type { Scanner } from './scanner.ts';

type Ending = Pick<LitmusTest, 'quantifier' | 'condition' | 'conditionText' | 'shown'>;

/** `exists (0:r0=1 /\ ~(x=2))` and what may stand before it: `locations [x; 0:r1;]`. */
export function parseEnding(scanner: Scanner): Ending {
  const shown = new Set<string>();
  if (scanner.take('locations')) {
    scanner.expect('[');
    while (!scanner.take(']')) {
      shown.add(nameOf(scanner));
      scanner.take(';');
    }
  }
  const negated = scanner.take('~');
  const word = scanner.next();
  if (word !== 'exists' && (word !== 'forall' || negated)) {
    throw scanner.error(`'${word}', expected exists, ~exists or forall`);
  }
  const quantifier = word === 'forall' ? 'forall' : negated ? '~exists' : 'exists';
  const condition = parseOr(scanner);
  if (scanner.peek() !== '') throw scanner.error(`'${scanner.peek()}' after the condition`);
  collect(condition, shown);
  const conditionText = `${quantifier} ${textOf(condition)}`;
  return { quantifier, condition, conditionText, shown: [...shown].toSorted() };
}

function parseOr(scanner: Scanner): Condition {
  const of = [parseAnd(scanner)];
  while (scanner.take('\\/')) of.push(parseAnd(scanner));
  return of.length === 1 ? of[0]! : { is: 'or', of };
}

function parseAnd(scanner: Scanner): Condition {
  const of = [parseAtom(scanner)];
  while (scanner.take('/\\')) of.push(parseAtom(scanner));
  return of.length === 1 ? of[0]! : { is: 'and', of };
}

function parseAtom(scanner: Scanner): Condition {
  if (scanner.take('(')) {
    const inner = parseOr(scanner);
    scanner.expect(')');
    return inner;
  }
  if (scanner.take('~') || scanner.take('not')) return { is: 'not', of: parseAtom(scanner) };
  if (scanner.take('true')) return { is: 'true' };
  const what = nameOf(scanner);
  if (scanner.take('!=')) {
    return { is: 'not', of: { is: 'equal', what, value: valueOf(scanner) } };
  }
  if (!scanner.take('==')) scanner.expect('=');
  return { is: 'equal', what, value: valueOf(scanner) };
}

/** `0:r1`, `x`, `[x]`, `*x` */
export function nameOf(scanner: Scanner): string {
  scanner.take('*');
  if (scanner.take('[')) {
    const inner = scanner.word('a variable');
    scanner.expect(']');
    return inner;
  }
  const first = scanner.next();
  if (scanner.take(':')) return `${first}:${scanner.word('a register')}`;
  return first;
}

/** A number, or the address of a variable. */
export function valueOf(scanner: Scanner): Value {
  if (scanner.take('&')) return `&${scanner.word('a variable')}`;
  const sign = scanner.take('-') ? -1 : 1;
  const text = scanner.next();
  if (/^\d/.test(text)) return sign * Number(text);
  if (/^[A-Za-z_]/.test(text)) return text === 'NULL' ? 0 : `&${text}`;
  throw scanner.error(`'${text}', expected a number or a variable`);
}

function collect(condition: Condition, names: Set<string>): void {
  if (condition.is === 'equal') names.add(condition.what);
  else if (condition.is === 'not') collect(condition.of, names);
  else if (condition.is !== 'true') for (const each of condition.of) collect(each, names);
}

function textOf(condition: Condition): string {
  switch (condition.is) {
    case 'true':
      return 'true';
    case 'equal':
      return `${condition.what}=${condition.value}`;
    case 'not':
      return `~(${textOf(condition.of)})`;
    default:
      return `(${condition.of.map(textOf).join(condition.is === 'and' ? ' /\\ ' : ' \\/ ')})`;
  }
}

export function holds(condition: Condition, final: ReadonlyMap<string, Value>): boolean {
  switch (condition.is) {
    case 'true':
      return true;
    case 'equal':
      return (final.get(condition.what) ?? 0) === condition.value;
    case 'not':
      return !holds(condition.of, final);
    case 'and':
      return condition.of.every((each) => holds(each, final));
    case 'or':
      return condition.of.some((each) => holds(each, final));
  }
}
