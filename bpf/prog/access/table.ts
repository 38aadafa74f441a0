import { assert } from '../../../base/assert.ts';
import type { ProgView } from '../view.ts';
import type { CtxAccess } from './info.ts';
import type { CtxLayout, Member } from './layout.ts';

const WORD = 4;

/**
 * How many bytes at a time: a number: that many; `narrow`: a word or an aligned part of one;
 * `wide`: that, or eight aligned bytes of an array; `any`: as long as it ends inside.
 */
export type Sizes = number | 'narrow' | 'wide' | 'any';

/** What may be done with some members of a context. What is not said is not allowed. */
export interface MemberRule {
  readonly read?: Sizes;
  readonly write?: Sizes;
  /** Only the first byte of the member begins an access: `case offsetof(...)`. */
  readonly atStart?: boolean;
  /** `narrow`: bytes of the whole, where that is no word. */
  readonly wholeBytes?: number;
  /** `narrow`: so many bytes at least. */
  readonly minBytes?: number;
  /** What is loaded: a type of register. */
  readonly is?: number;
  /** It is not sign-extended. */
  readonly noSignExtension?: boolean;
  /** In which programs. */
  readonly when?: (prog: ProgView) => boolean;
  /** In which it may be written, if not in all that may read it. */
  readonly writeWhen?: (prog: ProgView) => boolean;
}

/** By members, separated by spaces; `first..last` is all that stands between, gaps included. */
export type MemberRules = Readonly<Record<string, MemberRule>>;

interface Row {
  readonly start: number;
  readonly end: number;
  readonly rule: MemberRule;
}

/** The rules of one type of context, those of the first row that holds a byte. */
export class CtxTable {
  readonly sizeBytes: number;
  readonly #rows: readonly Row[];

  constructor(layout: CtxLayout, rules: MemberRules) {
    this.sizeBytes = layout.sizeBytes;
    this.#rows = Object.entries(rules).flatMap(([names, rule]) =>
      names.split(' ').map((name) => ({ ...placeOf(layout, name), rule })),
    );
  }

  /** What may be done at a byte. */
  at(off: number): MemberRule | undefined {
    return this.#rowAt(off)?.rule;
  }

  isValidAccess(
    off: number,
    size: number,
    isWrite: boolean,
    prog: ProgView,
    info: CtxAccess,
  ): boolean {
    if (off < 0 || off >= this.sizeBytes || off % size !== 0) return false;
    const row = this.#rowAt(off);
    if (!row) return false;
    const { rule } = row;
    const sizes = isWrite ? rule.write : rule.read;
    if (sizes === undefined || (rule.when && !rule.when(prog))) return false;
    if (isWrite && rule.writeWhen && !rule.writeWhen(prog)) return false;
    if (rule.noSignExtension && info.isLdsx) return false;
    if (rule.is !== undefined) info.regType = rule.is;
    if (typeof sizes === 'number') return size === sizes;
    if (sizes === 'any') return off + size <= row.end;
    if (!isWrite) info.ctxFieldSize = rule.wholeBytes ?? WORD;
    if (sizes === 'wide' && isWide(row, off, size)) return true;
    if (isWrite) return size === WORD;
    return size >= (rule.minBytes ?? 1) && isNarrow(size, rule.wholeBytes ?? WORD);
  }

  #rowAt(off: number): Row | undefined {
    return this.#rows.find(
      ({ start, end, rule }) => off >= start && off < end && (!rule.atStart || off === start),
    );
  }
}

/** bpf_ctx_narrow_access_ok() */
export function isNarrow(size: number, whole: number): boolean {
  return size <= whole && (size & (size - 1)) === 0;
}

/** bpf_ctx_wide_access_ok() */
function isWide({ start, end }: Row, off: number, size: number): boolean {
  return size === 8 && off >= start && off + size <= end && off % size === 0;
}

/** `*`: all of it. */
function placeOf(layout: CtxLayout, name: string): { start: number; end: number } {
  if (name === '*') return { start: 0, end: layout.sizeBytes };
  const [first = '', last = first] = name.split('..');
  return { start: memberOf(layout, first).start, end: memberOf(layout, last).end };
}

function memberOf({ members }: CtxLayout, name: string): Member {
  const member = members.find((found) => found.name === name);
  assert(member !== undefined, `the context has a member ${name}`);
  return member;
}
