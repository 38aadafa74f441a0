import { InputError } from '../../base/errors.ts';

export interface Token {
  readonly text: string;
  readonly line: number;
}

const LENGTH_MAX = 200_000;

/** The tokens of a litmus test: words, numbers, operators. Comments are left out. */
export function tokensOf(source: string, file: string, pattern: RegExp): Token[] {
  if (source.length > LENGTH_MAX) throw new InputError(`${file}: longer than any litmus test`);
  const text = withoutComments(source);
  const tokens: Token[] = [];
  let line = 1;
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    const skipped = text.slice(at, match.index);
    const odd = /\S/.exec(skipped);
    if (odd) {
      line += lines(skipped.slice(0, odd.index));
      throw new InputError(`${file}:${line}: '${odd[0]}' has no meaning here`);
    }
    line += lines(skipped);
    tokens.push({ text: match[0], line });
    line += lines(match[0]);
    at = match.index + match[0].length;
  }
  const rest = /\S/.exec(text.slice(at));
  if (rest) throw new InputError(`${file}:${line}: '${rest[0]}' has no meaning here`);
  return tokens;
}

/** C's and OCaml's comments become as many lines of nothing. */
function withoutComments(source: string): string {
  return source
    .replaceAll(/\(\*[\s\S]*?\*\)|\/\*[\s\S]*?\*\//g, (text) => '\n'.repeat(lines(text)))
    .replaceAll(/\/\/[^\n]*/g, '');
}

function lines(text: string): number {
  return text.split('\n').length - 1;
}

/** Takes tokens one after the other. What does not fit is an InputError that says where. */
export class Scanner {
  readonly file: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.#tokens = tokens;
    this.file = file;
  }

  /** The token that comes, or '' at the end. */
  peek(after = 0): string {
    return this.#tokens[this.#at + after]?.text ?? '';
  }

  get line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
  }

  next(): string {
    const text = this.peek();
    if (text === '') throw this.error('the end, expected more');
    this.#at++;
    return text;
  }

  /** Takes the token if it comes. */
  take(text: string): boolean {
    if (this.peek() !== text) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.error(`'${this.peek() || 'the end'}', expected '${text}'`);
  }

  word(what: string): string {
    if (!/^[A-Za-z_]/.test(this.peek())) throw this.error(`'${this.peek()}', expected ${what}`);
    return this.next();
  }

  error(what: string): InputError {
    return new InputError(`${this.file}:${this.line}: ${what}`);
  }
}
