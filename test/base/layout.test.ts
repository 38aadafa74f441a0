import { describe, expect, test } from 'vitest';
import {
  alignUp,
  array,
  chars,
  embed,
  long,
  ptr,
  s32,
  struct,
  structText,
  u16,
  u32,
  u64,
  u8,
  type Fields,
} from '../../base/layout.ts';
import { Bug } from '../../base/errors.ts';
import { Memory } from '../../kernel/memory.ts';

const inner = struct('inner', { tag: u8, value: u64 });

/** What gcc gives on x86-64: offsets, size, alignment. */
const ROWS: readonly {
  about: string;
  fields: Fields;
  offsets: number[];
  size: number;
  align: number;
}[] = [
  { about: 'nothing', fields: {}, offsets: [], size: 0, align: 1 },
  { about: 'one byte', fields: { a: u8 }, offsets: [0], size: 1, align: 1 },
  {
    about: 'a hole before the wider',
    fields: { a: u8, b: u32 },
    offsets: [0, 4],
    size: 8,
    align: 4,
  },
  {
    about: 'a tail behind the narrower',
    fields: { a: u64, b: u8 },
    offsets: [0, 8],
    size: 16,
    align: 8,
  },
  {
    about: 'every width',
    fields: { a: u8, b: u16, c: s32, d: u64 },
    offsets: [0, 2, 4, 8],
    size: 16,
    align: 8,
  },
  {
    about: 'descending widths need no hole',
    fields: { a: u64, b: u32, c: u16, d: u8 },
    offsets: [0, 8, 12, 14],
    size: 16,
    align: 8,
  },
  {
    about: 'pointers and longs are 8 bytes',
    fields: { a: u8, p: ptr('void'), b: u8, l: long },
    offsets: [0, 8, 16, 24],
    size: 32,
    align: 8,
  },
  {
    about: 'characters align as bytes',
    fields: { a: u8, name: chars(5), b: u16 },
    offsets: [0, 1, 6],
    size: 8,
    align: 2,
  },
  {
    about: 'an array aligns as its elements',
    fields: { a: u8, list: array(u16, 3), b: u8 },
    offsets: [0, 2, 8],
    size: 10,
    align: 2,
  },
  {
    about: 'an array of nothing still aligns',
    fields: { a: u8, list: array(u64, 0) },
    offsets: [0, 8],
    size: 8,
    align: 8,
  },
  {
    about: 'an embedded struct keeps its alignment and tail',
    fields: { a: u8, in: embed(inner), b: u8 },
    offsets: [0, 8, 24],
    size: 32,
    align: 8,
  },
];

describe('the C rules of x86-64', () => {
  test.each(ROWS)('$about', ({ fields, offsets, size, align }) => {
    const made = struct('made', fields);
    expect(made.rows.map(({ offsetBytes }) => offsetBytes)).toEqual(offsets);
    expect(Object.values(made.off)).toEqual(offsets);
    expect([made.sizeBytes, made.alignBytes]).toEqual([size, align]);
  });

  test('alignUp', () => {
    expect([0, 1, 8, 9].map((value) => alignUp(value, 8))).toEqual([0, 8, 8, 16]);
  });
});

describe('a view', () => {
  const all = struct('all', {
    a: u8,
    b: u16,
    c: u32,
    d: s32,
    e: u64,
    l: long,
    p: ptr('struct all'),
    name: chars(8),
    list: array(u32, 2),
    in: embed(inner),
  });
  const memory = new Memory(64 << 10);
  const base = 4096;
  memory.unpoison(base, 2 * all.sizeBytes);

  test('keeps what is written to each field, and touches no other', () => {
    const view = all.at(memory, base);
    const values = {
      a: 0xfe,
      b: 0xfedc,
      c: 0xfedc_ba98,
      d: -2,
      e: 2n ** 64n - 3n,
      l: -(2 ** 40) - 5,
      p: base,
      name: 'bohrbug',
    };
    Object.assign(view, values);
    for (const [field, value] of Object.entries(values)) {
      expect(view[field as keyof typeof values], field).toBe(value);
    }
    expect(all.at(memory, base + all.sizeBytes).a).toBe(0);
  });

  test('gives addresses of what it embeds', () => {
    const view = all.at(memory, base);
    expect(view.addr).toBe(base);
    expect(view.list).toBe(base + all.off.list);
    expect(view.in).toBe(base + all.off.in);
    inner.at(memory, view.in).value = 7n;
    expect(memory.u64(base + all.off.in + inner.off.value)).toBe(7n);
  });

  test('cannot be made of names that are no C names', () => {
    expect(() => struct('x', { 'a b': u8 })).toThrow(Bug);
    expect(() => struct('x y', { a: u8 })).toThrow(Bug);
  });
});

test('the declaration as C', () => {
  const node = struct('node', {
    count: u32,
    next: ptr('struct node'),
    name: chars(16),
    list: array(u64, 4),
    in: embed(inner),
  });
  expect(structText(node)).toMatchInlineSnapshot(`
    "struct node {
    	u32 count; /* 0 */
    	struct node *next; /* 8 */
    	char name[16]; /* 16 */
    	u64 list[4]; /* 32 */
    	struct inner in; /* 64 */
    }; /* 80 */"
  `);
});
