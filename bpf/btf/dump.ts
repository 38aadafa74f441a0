import { InputError } from '../../base/errors.ts';
import { BUILTIN_VA_LIST, Declarators } from './declare.ts';
import { bodyOf } from './dump-struct.ts';
import { Names } from './dump-names.ts';
import type { Modifier } from './resolve.ts';
import type { Btf, BtfOf, BtfType } from './types.ts';

export interface DumpOptions {
  /** Only these and what they need; without it all types. */
  readonly ids?: readonly number[];
  /** Makes it a header: guarded by this macro. */
  readonly guard?: string;
  /** Every access to a struct of it is relocated. Needs clang. */
  readonly preserveAccessIndex?: boolean;
  /** Declares the functions that a tag says are kfuncs, as `extern … __weak __ksym`. */
  readonly kfuncs?: boolean;
}

/**
 * The types as C that compiles, each after what it needs. Of two types with one name the second is
 * called `name___2`. Throws InputError on types that C cannot say. As `bpftool btf dump format c`.
 */
export function dumpC(btf: Btf, options: DumpOptions = {}): string {
  const dump = new Dump(btf);
  const ids = options.ids ?? btf.types.keys();
  for (const id of ids) dump.top(id);
  if (options.kfuncs) dump.kfuncs();
  let text = dump.text();
  if (options.preserveAccessIndex) text = `${PRESERVE_BEGIN}\n${text}${PRESERVE_END}`;
  const { guard } = options;
  if (guard === undefined) return text;
  return `#ifndef ${guard}\n#define ${guard}\n\n${text}\n#endif /* ${guard} */\n`;
}

const PRESERVE_BEGIN = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
`;
const PRESERVE_END = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
`;
const KSYM_MACROS = `#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

`;

/** Deeper than C programs nest; types made to overflow the stack nest deeper. */
const NESTING_MAX = 200;

const NOT_SEEN = 0;
const IN_PROGRESS = 1;
const DONE = 2;

class Dump {
  readonly #btf: Btf;
  readonly #names: Names;
  readonly #declarators: Declarators;
  readonly #state: Uint8Array;
  readonly #declared = new Set<string>();
  readonly #out: string[] = [];
  /** Unnamed enums of which a declaration made the constants. */
  readonly #unnamedEnums = new Set<number>();
  #nesting = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#names = new Names(btf);
    this.#state = new Uint8Array(btf.types.length);
    this.#declarators = new Declarators(btf, this.#names, (type, id, indent) =>
      this.#unnamed(type, id, indent),
    );
  }

  text(): string {
    return this.#out.join('');
  }

  /** A type for its own sake. */
  top(id: number): void {
    const type = this.#btf.types[id];
    switch (type?.kind) {
      case 'struct':
      case 'union':
      case 'typedef':
        if (type.name !== '') this.#define(id, type);
        return;
      case 'enum':
      case 'enum64':
        if (type.name !== '') this.#define(id, type);
        else if (!this.#names.isUsed(id)) this.#emit(`${this.#enum(type, id, '')};\n\n`);
        return;
      case 'fwd':
        this.#need(id, false);
        return;
      default:
    }
  }

  kfuncs(): void {
    const { types } = this.#btf;
    const lines: string[] = [];
    for (const tag of types) {
      if (tag?.kind !== 'decl_tag' || tag.name !== 'bpf_kfunc') continue;
      const func = types[tag.type];
      if (func?.kind !== 'func') continue;
      this.#need(func.type, false);
      lines.push(`extern ${this.#declare(func.type, func.name)} __weak __ksym;\n`);
    }
    if (lines.length > 0) this.#emit(KSYM_MACROS, ...lines, '\n');
  }

  #emit(...text: string[]): void {
    this.#out.push(...text);
  }

  #declare(id: number, name: string): string {
    return this.#declarators.declare(id, name, '');
  }

  /** Emits what must stand before a use of the type: all of it, or that there is such a type. */
  #need(id: number, whole: boolean): void {
    if (++this.#nesting > NESTING_MAX) fail(`[${id}] types nest too deep`);
    this.#needType(id, whole);
    this.#nesting--;
  }

  #needType(id: number, whole: boolean): void {
    const type = this.#btf.types[id];
    switch (type?.kind) {
      case 'ptr':
        return this.#need(type.type, false);
      case 'array':
        return this.#need(type.type, true);
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.#need(type.type, whole);
      case 'func_proto':
        this.#need(type.type, false);
        for (const param of type.params) this.#need(param.type, false);
        return;
      case 'typedef':
        if (type.name !== BUILTIN_VA_LIST) this.#define(id, type);
        if (whole || type.name === BUILTIN_VA_LIST) this.#need(type.type, true);
        return;
      case 'enum':
      case 'enum64':
        if (type.name !== '') this.#define(id, type);
        return;
      case 'struct':
      case 'union':
        if (type.name === '') this.#members(id, type);
        else if (whole) this.#define(id, type);
        else this.#forward(type.kind, id);
        return;
      case 'fwd':
        this.#forward(type.of, id);
        return;
      default:
    }
  }

  #members(id: number, type: BtfOf<'struct' | 'union'>): void {
    if (type.name === '' && this.#state[id] === DONE) return;
    for (const member of type.members) this.#need(member.type, true);
    if (type.name === '') this.#state[id] = DONE;
  }

  #forward(keyword: string, id: number): void {
    if (this.#state[id] !== NOT_SEEN && this.#state[id] !== IN_PROGRESS) return;
    const tag = `${keyword} ${this.#names.tag(id)}`;
    if (this.#declared.has(tag)) return;
    this.#declared.add(tag);
    this.#emit(`${tag};\n\n`);
  }

  #define(id: number, type: BtfType): void {
    if (this.#state[id] === DONE || type.name === BUILTIN_VA_LIST) return;
    if (this.#state[id] === IN_PROGRESS) fail(`[${id}] ${type.name} is needed to define itself`);
    this.#state[id] = IN_PROGRESS;
    switch (type.kind) {
      case 'typedef':
        this.#typedef(id, type);
        break;
      case 'struct':
      case 'union':
        this.#members(id, type);
        this.#emit(`${this.#body(id, type, '')};\n\n`);
        break;
      case 'enum':
      case 'enum64':
        this.#emit(`${this.#enum(type, id, '')};\n\n`);
        break;
      default:
    }
    this.#state[id] = DONE;
  }

  #typedef(id: number, type: Modifier): void {
    this.#need(type.type, false);
    this.#emit(`typedef ${this.#declare(type.type, this.#names.ident(id))};\n\n`);
  }

  #unnamed(type: BtfType, id: number, indent: string): string {
    if (type.kind === 'struct' || type.kind === 'union') return this.#body(id, type, indent);
    return this.#enum(type as BtfOf<'enum' | 'enum64'>, id, indent);
  }

  #body(id: number, type: BtfOf<'struct' | 'union'>, indent: string): string {
    const tag = type.name === '' ? '' : ` ${this.#names.tag(id)}`;
    return `${type.kind}${tag} ${this.#braces(id, type, indent)}`;
  }

  #braces(id: number, type: BtfOf<'struct' | 'union'>, indent: string): string {
    const inner = `${indent}\t`;
    return bodyOf(this.#btf, id, type, indent, ({ name, type: of }) => {
      const member = this.#btf.types[of];
      // An unnamed member of a named struct is no C without -fms-extensions: written out.
      if (name === '' && (member?.kind === 'struct' || member?.kind === 'union')) {
        return this.#declarators.unfolding(of, () => {
          return `${member.kind} ${this.#braces(of, member, inner)}`;
        });
      }
      return this.#declarators.declare(of, name, inner);
    });
  }

  #enum(type: BtfOf<'enum' | 'enum64'>, id: number, indent: string): string {
    const tag = type.name === '' ? '' : ` ${this.#names.tag(id)}`;
    if (type.values.length === 0) return tag === '' ? 'int' : `enum${tag}`;
    if (tag === '' && this.#unnamedEnums.has(id)) return intLike(type);
    if (tag === '') this.#unnamedEnums.add(id);
    const lines = type.values.map(({ name, value }) => {
      return `${indent}\t${this.#names.enumerator(name)} = ${literal(value)},\n`;
    });
    const mode = ENUM_MODES[type.sizeBytes] ?? '';
    return `enum${tag} {\n${lines.join('')}${indent}}${mode}`;
  }
}

const ENUM_MODES: Readonly<Record<number, string>> = {
  1: ' __attribute__((mode(byte)))',
  2: ' __attribute__((mode(HI)))',
  8: ' __attribute__((mode(DI)))',
};

/** The constants of an unnamed enum can be made once only: where it is used again, its integer. */
function intLike({ sizeBytes, signed }: BtfOf<'enum' | 'enum64'>): string {
  const word = { 1: 'char', 2: 'short', 8: 'long long' }[sizeBytes] ?? 'int';
  return `${signed ? 'signed' : 'unsigned'} ${word}`;
}

function literal(value: bigint): string {
  if (value > 0x7fff_ffff_ffff_ffffn) return `${value}ULL`;
  if (value === -0x8000_0000_0000_0000n) return '(-9223372036854775807LL - 1)';
  if (value > 0xffff_ffffn || value < -0x8000_0000n) return `${value}LL`;
  return value > 0x7fff_ffffn ? `${value}U` : String(value);
}

function fail(message: string): never {
  throw new InputError(`BTF cannot be said in C: ${message}`);
}
