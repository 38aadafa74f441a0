import { describe, expect, test } from 'vitest';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { parseC } from '../../../bpf/btf/c-parse.ts';
import { CTypes } from '../../../bpf/btf/c-types.ts';
import { aggregateNamed, idOf } from '../../../bpf/btf/resolve.ts';
import type { Btf } from '../../../bpf/btf/types.ts';

function parsed(text: string): Btf {
  const c = new CTypes();
  parseC(c, text);
  return makeBtf(c.types);
}

/** `name@byte.bit` and, of a bitfield, `:bits`; then the size. */
function layout(text: string, name = 'x'): string {
  const { members, sizeBytes } = aggregateNamed(parsed(text), name)!;
  const places = members.map(({ name: member, bitOffset, bits }) => {
    const bit = bitOffset % 8 === 0 ? '' : `.${bitOffset % 8}`;
    return `${member}@${Math.floor(bitOffset / 8)}${bit}${bits > 0 ? `:${bits}` : ''}`;
  });
  return [...places, sizeBytes].join(' ');
}

describe('C declarations become types', () => {
  test('laid out as the compiler does', () => {
    expect(layout('struct x { u8 a; u32 b; u16 c; void *d; };')).toBe('a@0 b@4 c@8 d@16 24');
    expect(layout('union x { u8 a[3]; u16 b; };')).toBe('a@0 b@0 4');
    expect(layout('struct x { u32 a:3, b:30; u8 c:1; };')).toBe('a@0:3 b@4:30 c@7.6:1 8');
    expect(layout('struct in { u64 a; u8 b; }; struct x { u8 a; struct in in[2]; };')).toBe(
      'a@0 in@8 40',
    );
  });

  test('with members left out where a place or a size is given', () => {
    expect(layout('struct x { u32 a; @24 void *b; u8 c; } 64;')).toBe('a@0 b@24 c@32 64');
    expect(layout('struct x { @5 u32 unaligned; };')).toBe('unaligned@5 12');
  });

  test('a comma goes on with the same type', () => {
    const btf = parsed('struct x { struct sock *a, *b, c[2]; }; struct y;'.replace(', c[2]', ''));
    const { members } = aggregateNamed(btf, 'x')!;
    expect(members.map(({ type }) => btf.types[type]!.kind)).toEqual(['ptr', 'ptr']);
    expect(members[0]!.type).toBe(members[1]!.type);
  });

  test('unnamed parts, functions, and pointers to them', () => {
    const btf = parsed(`
      struct ops { int (*open)(struct file *file, ...); union { u32 a; u64 b; }; };
      int do_it(const char *name, unsigned long flags);
      void nothing(void);
      extern int counter;
      typedef void (*callback)(void *data);
    `);
    const fn = btf.types[idOf(btf, 'do_it', 'func')]!;
    expect(fn).toMatchObject({ kind: 'func', linkage: 'static' });
    const proto = btf.types[(fn as { type: number }).type];
    expect(proto).toMatchObject({
      kind: 'func_proto',
      params: [{ name: 'name' }, { name: 'flags' }],
    });
    const none = btf.types[idOf(btf, 'nothing', 'func')] as { type: number };
    expect(btf.types[none.type]).toMatchObject({ type: 0, params: [] });
    expect(btf.types[idOf(btf, 'counter', 'var')]).toMatchObject({ linkage: 'global' });
    expect(idOf(btf, 'callback', 'typedef')).toBeGreaterThan(0);
    expect(layout('struct x { int (*open)(void); union { u32 a; u64 b; }; };')).toBe(
      'open@0 @8 16',
    );
  });

  test('enums count on, and are wide where a value is', () => {
    const btf = parsed('enum e { A, B = 5, C, D = -1 }; enum w { BIG = 4294967296 };');
    expect(btf.types[idOf(btf, 'e', 'enum')]).toMatchObject({
      signed: true,
      values: [{ value: 0n }, { value: 5n }, { value: 6n }, { value: -1n }],
    });
    expect(idOf(btf, 'w', 'enum64')).toBeGreaterThan(0);
  });

  test('more members go where a struct has room for them', () => {
    const c = new CTypes();
    const id = c.define({ kind: 'struct', name: 'x', sizeBytes: 32, members: [] });
    c.noteRoom(id, { offsetBytes: 16, sizeBytes: 16 });
    parseC(c, 'struct x { u32 a; void *b; };');
    expect(aggregateNamed(makeBtf(c.types), 'x')!.members).toMatchObject([
      { name: 'a', bitOffset: 128 },
      { name: 'b', bitOffset: 192 },
    ]);
    expect(() => parseC(c, 'struct x { u64 a[3]; };')).toThrow('24 bytes of more members');
  });

  test('what is wrong is said', () => {
    expect(() => parsed('struct x { u32 a }')).toThrow('where ; must stand');
    expect(() => parsed('struct x { struct unknown a; };')).toThrow('the size of unknown');
    expect(() => parsed('struct x { nothing_t a; };')).toThrow('no C type nothing_t');
  });
});
