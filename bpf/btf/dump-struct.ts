import { alignOf, isPacked, sizeOf, type Aggregate } from './resolve.ts';
import type { Btf, BtfMember } from './types.ts';

/** More is one array instead of bitfields, so that a huge size is no huge text. */
const GAP_BITS_MAX = 4096;
const LONG_BITS = 64;

/**
 * `{ … }` and the attributes behind, so that a compiler lays it out as BTF says: with unnamed
 * bitfields where members do not follow as they would, packed where they could not stand else.
 */
export function bodyOf(
  btf: Btf,
  id: number,
  type: Aggregate,
  indent: string,
  declare: (member: BtfMember) => string,
): string {
  const packed = isPacked(btf, id);
  const lines: string[] = [];
  const line = (text: string): void => void lines.push(`${indent}\t${text};\n`);
  let at = 0;
  const padBits = (to: number): void => {
    while (at < to) {
      const bits = Math.min(to - at, LONG_BITS - (at % LONG_BITS));
      line(`long: ${bits}`);
      at += bits;
    }
  };
  const pad = (to: number): void => {
    if (to - at > GAP_BITS_MAX) {
      padBits(roundUp(at, 8));
      const bytes = Math.floor((to - at) / 8);
      line(`unsigned char __padding_${id}_${lines.length}[${bytes}]`);
      at += bytes * 8;
    }
    padBits(to);
  };
  for (const member of type.members) {
    if (type.kind === 'struct' && placeAfter(btf, member, at, packed) !== member.bitOffset) {
      pad(member.bitOffset);
    }
    line(member.bits > 0 ? `${declare(member)}: ${member.bits}` : declare(member));
    const end = member.bitOffset + bitsOf(btf, member);
    at = type.kind === 'struct' ? end : Math.max(at, end);
  }
  const align = packed ? 8 : 8 * alignOfMembers(btf, type);
  if (roundUp(at, align) < type.sizeBytes * 8) {
    if (type.kind === 'struct') pad(type.sizeBytes * 8);
    else line(`unsigned char __padding_${id}[${type.sizeBytes}]`);
  }
  const attribute = packed ? ' __attribute__((packed))' : '';
  return `{\n${lines.join('')}${indent}}${attribute}`;
}

function bitsOf(btf: Btf, { type, bits }: BtfMember): number {
  return bits > 0 ? bits : sizeOf(btf, type) * 8;
}

function alignOfMembers(btf: Btf, { members }: Aggregate): number {
  let align = 1;
  for (const { type } of members) align = Math.max(align, alignOf(btf, type));
  return align;
}

/** Where a compiler puts the member when `at` bits are taken. */
function placeAfter(btf: Btf, { type, bits }: BtfMember, at: number, packed: boolean): number {
  if (bits === 0) return roundUp(at, packed ? 8 : alignOf(btf, type) * 8);
  if (packed) return at;
  const unit = sizeOf(btf, type) * 8;
  if (unit === 0 || (at % unit) + bits <= unit) return at;
  return roundUp(at, unit);
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
