import { assert } from '../../base/assert.ts';
import { alignUp } from '../../base/layout.ts';
import type { CTypes } from './c-types.ts';
import type { BtfMember } from './types.ts';

/**
 * C declarations as types: structs, unions, enums, typedefs, functions and `extern` variables, laid
 * out by the rules of x86-64. Three things are not C, for structs of which only a part is said:
 * `@24` before a member is its place in bytes, a number behind the closing brace is the size, and a
 * comma goes on with the same type, stars included: `struct sock *sk, *next;`. A struct that is
 * defined already gets these members too, where there is room for them. Comments are C's.
 */
export function parseC(c: CTypes, text: string): void {
  new Parser(c, text).all();
}

const TOKEN = /\/\*[^]*?\*\/|\/\/[^\n]*|\s+|([A-Za-z_]\w*)|(-?\d\w*)|(\.\.\.|[^])/g;
const WORDS = ['struct', 'union', 'enum'] as const;
/** What goes on with a type's name: `long unsigned int`. */
const INT_WORDS = new Set(['signed', 'unsigned', 'char', 'short', 'int', 'long']);
const SPELLING: Readonly<Record<string, string>> = {
  'unsigned short': 'short unsigned int',
  'unsigned int': 'unsigned int',
  'unsigned long': 'long unsigned int',
  'unsigned long long': 'long long unsigned int',
  'long long': 'long long int',
  'long unsigned': 'long unsigned int',
  'long unsigned long': 'long long unsigned int',
};

/** A type, and the name that it is given. */
interface Declared {
  readonly name: string;
  readonly type: number;
}

class Parser {
  readonly #c: CTypes;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(c: CTypes, text: string) {
    this.#c = c;
    this.#tokens = [...text.matchAll(TOKEN)].flatMap(([, ...found]) => found.filter(Boolean));
  }

  all(): void {
    while (this.#at < this.#tokens.length) this.#declaration();
  }

  get #next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #take(): string {
    return this.#tokens[this.#at++] ?? '';
  }

  #accept(token: string): boolean {
    if (this.#next !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    const found = this.#take();
    const near = this.#tokens.slice(Math.max(0, this.#at - 12), this.#at).join(' ');
    assert(found === token, `kernel types: ${found} where ${token} must stand: ${near}`);
  }

  #declaration(): void {
    const c = this.#c;
    const isTypedef = this.#accept('typedef');
    const isExtern = this.#accept('extern');
    const base = this.#base();
    if (this.#accept(';')) return;
    const { name, type } = this.#declarator(base);
    if (isTypedef) c.typedef(name, type);
    else if (isExtern) c.variable(name, type);
    else c.func(name, type);
    this.#expect(';');
  }

  /** What stands before the names: `const struct file`, `unsigned long`, `union { … }`. */
  #base(): number {
    const c = this.#c;
    const isConst = this.#accept('const');
    const isVolatile = this.#accept('volatile');
    const word = WORDS.find((keyword) => this.#accept(keyword));
    let type: number;
    if (word === 'enum') type = this.#enum();
    else if (word) type = this.#aggregate(word);
    else type = c.of(this.#words());
    if (isVolatile) type = c.shape({ kind: 'volatile', name: '', type });
    if (isConst || this.#accept('const')) type = c.shape({ kind: 'const', name: '', type });
    return type;
  }

  #words(): string {
    const words = [this.#take()];
    if (!INT_WORDS.has(words[0]!)) return words[0]!;
    while (INT_WORDS.has(this.#next)) words.push(this.#take());
    const text = words.join(' ');
    return SPELLING[text] ?? text;
  }

  #enum(): number {
    const c = this.#c;
    const name = /^\w/.test(this.#next) ? this.#take() : '';
    if (!this.#accept('{')) return c.enumTag(name);
    const values: { name: string; value: bigint }[] = [];
    let next = 0n;
    while (!this.#accept('}')) {
      const key = this.#take();
      if (this.#accept('=')) next = BigInt(this.#take());
      values.push({ name: key, value: next++ });
      this.#accept(',');
    }
    const signed = values.some(({ value }) => value < 0n);
    const isWide = values.some(({ value }) => value > 0xffff_ffffn);
    return c.defineEnum({
      kind: isWide ? 'enum64' : 'enum',
      name,
      sizeBytes: isWide ? 8 : 4,
      signed,
      values,
    });
  }

  #aggregate(kind: 'struct' | 'union'): number {
    const c = this.#c;
    const name = /^\w/.test(this.#next) ? this.#take() : '';
    if (!this.#accept('{')) return c.tag(kind, name);
    const layout = new Layout(c, kind);
    while (!this.#accept('}')) this.#members(layout);
    if (kind === 'struct' && name !== '' && c.isDefined(kind, name)) {
      c.extend(name, layout.members, layout.sizeBytes);
      return c.tag(kind, name);
    }
    const size = /^\d/.test(this.#next) ? Number(this.#take()) : layout.sizeBytes;
    const type = { kind, name, sizeBytes: size, members: layout.members } as const;
    return c.noteAlign(name === '' ? c.add(type) : c.define(type), layout.alignBytes);
  }

  #members(layout: Layout): void {
    if (this.#accept('@')) layout.moveTo(Number(this.#take()));
    const base = this.#base();
    if (this.#accept(';')) {
      layout.add('', base, 0);
      return;
    }
    do {
      const { name, type } = this.#declarator(base);
      layout.add(name, type, this.#accept(':') ? Number(this.#take()) : 0);
    } while (this.#accept(','));
    this.#expect(';');
  }

  /** `*name[4]`, `(*name)(int a)`, `name(void)` */
  #declarator(base: number): Declared {
    const c = this.#c;
    let type = base;
    while (this.#accept('*')) {
      type = c.pointer(type);
      if (this.#accept('const')) type = c.shape({ kind: 'const', name: '', type });
    }
    if (this.#next === '(' && this.#tokens[this.#at + 1] === '*') {
      this.#at += 2;
      const name = this.#take();
      const counts = this.#counts();
      this.#expect(')');
      return { name, type: this.#arrays(c.pointer(this.#params(type)), counts) };
    }
    const name = /^[A-Za-z_]/.test(this.#next) ? this.#take() : '';
    if (this.#next === '(') return { name, type: this.#params(type) };
    return { name, type: this.#arrays(type, this.#counts()) };
  }

  #counts(): number[] {
    const counts: number[] = [];
    while (this.#accept('[')) {
      counts.push(this.#next === ']' ? 0 : Number(this.#take()));
      this.#expect(']');
    }
    return counts;
  }

  #arrays(type: number, counts: readonly number[]): number {
    return counts.reduceRight((of, count) => this.#c.arrayOf(of, count), type);
  }

  #params(returns: number): number {
    const params: { name: string; type: number }[] = [];
    this.#expect('(');
    while (!this.#accept(')')) {
      if (this.#accept('...')) params.push({ name: '', type: 0 });
      else params.push(this.#declarator(this.#base()));
      this.#accept(',');
    }
    const isNone = params.length === 1 && params[0]!.type === 0 && params[0]!.name === '';
    return this.#c.shape({
      kind: 'func_proto',
      name: '',
      type: returns,
      params: isNone ? [] : params,
    });
  }
}

/** Members one after the other, as the compiler places them. */
class Layout {
  readonly #c: CTypes;
  readonly #isUnion: boolean;
  readonly members: BtfMember[] = [];
  alignBytes = 1;
  #bits = 0;
  #endBits = 0;
  #isPlaced = false;

  constructor(c: CTypes, kind: 'struct' | 'union') {
    this.#c = c;
    this.#isUnion = kind === 'union';
  }

  get sizeBytes(): number {
    return alignUp(Math.ceil(this.#endBits / 8), this.alignBytes);
  }

  moveTo(offsetBytes: number): void {
    this.#bits = offsetBytes * 8;
    this.#isPlaced = true;
  }

  add(name: string, type: number, bits: number): void {
    const size = this.#c.sizeOf(type) * 8;
    const align = this.#c.alignOf(type) * 8;
    if (this.#isPlaced) this.#isPlaced = false;
    else if (bits === 0) this.#bits = alignUp(this.#bits, align);
    else if ((this.#bits % size) + bits > size) this.#bits = alignUp(this.#bits, size);
    this.members.push({ name, type, bitOffset: this.#bits, bits });
    const end = this.#bits + (bits === 0 ? size : bits);
    this.#endBits = Math.max(this.#endBits, end);
    this.alignBytes = Math.max(this.alignBytes, align / 8);
    this.#bits = this.#isUnion ? 0 : end;
  }
}
