import { InputError } from '../../base/errors.ts';
import type { Names } from './dump-names.ts';
import { isModifier, type Modifier } from './resolve.ts';
import type { Btf, BtfOf, BtfType } from './types.ts';

/** Deeper than C programs nest; types made to overflow the stack nest deeper. */
const NESTING_MAX = 200;
/** Of one declaration. */
const TEXT_MAX = 100_000;

/** The compiler has one of its own, of another shape than this: what it stands for is said. */
export const BUILTIN_VA_LIST = '__builtin_va_list';

type Qualifiers = readonly string[];
const NONE: Qualifiers = [];

/** What an unnamed struct, union or enum looks like where it is used. */
export type Unnamed = (type: BtfType, id: number, indent: string) => string;

/** C's declarations: a type and a name, written inside out. */
export class Declarators {
  readonly #btf: Btf;
  readonly #names: Names;
  readonly #unnamed: Unnamed;
  #nesting = 0;
  /** Unnamed structs are repeated where they are used: what is left before that is an attack. */
  #budget: number;

  constructor(btf: Btf, names: Names, unnamed: Unnamed) {
    this.#btf = btf;
    this.#names = names;
    this.#unnamed = unnamed;
    this.#budget = 100_000 + 100 * btf.types.length;
  }

  /** `int (*name)(void)`, without the semicolon. */
  declare(id: number, name: string, indent: string): string {
    return this.#declare(id, name, indent, NONE);
  }

  /** `qualifiers` are those met on the way, of the type that is next. */
  #declare(id: number, inner: string, indent: string, qualifiers: Qualifiers): string {
    if (inner.length > TEXT_MAX) tooMuch(`[${id}] unfolds to too much text`);
    return this.unfolding(id, () => this.#ofType(id, inner, indent, qualifiers));
  }

  /** Bounds what types made for it would unfold to. */
  unfolding(id: number, write: () => string): string {
    if (this.#budget-- <= 0) tooMuch(`[${id}] unfolds to too much text`);
    if (++this.#nesting > NESTING_MAX) tooMuch(`[${id}] types nest too deep`);
    const text = write();
    this.#nesting--;
    return text;
  }

  #ofType(id: number, inner: string, indent: string, qualifiers: Qualifiers): string {
    const type = this.#btf.types[id];
    switch (type?.kind) {
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        return this.#declare(type.type, inner, indent, qualify(type, qualifiers));
      case 'typedef':
        if (type.name !== BUILTIN_VA_LIST) break;
        return this.#declare(type.type, inner, indent, qualifiers);
      case 'ptr': {
        const words = ['*', ...qualifiers].join(' ');
        const pointer = inner === '' || words === '*' ? words + inner : `${words} ${inner}`;
        const placed = this.#isPostfix(type.type) ? `(${pointer})` : pointer;
        return this.#declare(type.type, placed, indent, NONE);
      }
      case 'array':
        return this.#declare(type.type, `${inner}[${type.count}]`, indent, qualifiers);
      case 'func_proto':
        return this.#declare(type.type, `${inner}(${this.#params(type, indent)})`, indent, NONE);
      default:
    }
    const words = [...qualifiers.filter(isWord), this.#base(type, id, indent)];
    words.push(...qualifiers.filter((word) => !isWord(word)));
    if (inner !== '') words.push(inner);
    return words.join(' ');
  }

  /** Whether a pointer to it needs parentheses: an array or a function, maybe qualified. */
  #isPostfix(id: number): boolean {
    let type = this.#btf.types[id];
    while (type && isModifier(type) && type.kind !== 'typedef') {
      type = this.#btf.types[type.type];
    }
    return type?.kind === 'array' || type?.kind === 'func_proto';
  }

  #params({ params }: BtfOf<'func_proto'>, indent: string): string {
    // With one parameter of no type clang means none, otherwise that is the three dots.
    if (params.length === 0 || (params.length === 1 && params[0]!.type === 0)) return 'void';
    const list = params.map(({ name, type }, i) =>
      type === 0 && i === params.length - 1 ? '...' : this.#declare(type, name, indent, NONE),
    );
    return list.join(', ');
  }

  #base(type: BtfType | undefined, id: number, indent: string): string {
    switch (type?.kind) {
      case undefined:
        return 'void';
      case 'struct':
      case 'union':
        return type.name === ''
          ? this.#unnamed(type, id, indent)
          : `${type.kind} ${this.#names.tag(id)}`;
      case 'enum':
      case 'enum64':
        return type.name === '' ? this.#unnamed(type, id, indent) : `enum ${this.#names.tag(id)}`;
      case 'fwd':
        return `${type.of} ${this.#names.tag(id)}`;
      case 'typedef':
        return this.#names.ident(id);
      case 'int':
        return INT_SPELLINGS[type.name] ?? type.name;
      case 'float':
        return type.name;
      default:
        return tooMuch(`[${id}] ${type!.kind} stands where a type of values must`);
    }
  }
}

/** How DWARF names them, and clang takes them. */
const INT_SPELLINGS: Readonly<Record<string, string>> = {
  '__int128 unsigned': 'unsigned __int128',
  '': 'int',
};

function qualify(type: Modifier, have: Qualifiers): Qualifiers {
  const word =
    type.kind === 'type_tag'
      ? `__attribute__((btf_type_tag(${JSON.stringify(type.name)})))`
      : type.kind;
  return have.includes(word) ? have : [...have, word];
}

/** Not an attribute: what stands before the type. */
function isWord(qualifier: string): boolean {
  return !qualifier.startsWith('_');
}

function tooMuch(message: string): never {
  throw new InputError(`BTF cannot be said in C: ${message}`);
}
