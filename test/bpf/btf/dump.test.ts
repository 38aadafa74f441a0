import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { dumpC } from '../../../bpf/btf/dump.ts';
import { readBtfFile } from '../../../bpf/btf/file.ts';
import { sizeOf, type Aggregate } from '../../../bpf/btf/resolve.ts';
import type { Btf, BtfType } from '../../../bpf/btf/types.ts';
import { elfData } from '../../kit/bpf-objects.ts';

const INT: BtfType = {
  kind: 'int',
  name: 'int',
  sizeBytes: 4,
  encoding: 'signed',
  bitOffset: 0,
  bits: 32,
};

const struct = (name: string, sizeBytes: number, members: [string, number, number][]): BtfType => ({
  kind: 'struct',
  name,
  sizeBytes,
  members: members.map(([label, type, offset]) => ({
    name: label,
    type,
    bitOffset: offset * 8,
    bits: 0,
  })),
});

const c = (...types: BtfType[]): string => dumpC(makeBtf([undefined, INT, ...types]));

test('every kind and shape prints as C', async () => {
  const text = dumpC(readBtfFile(elfData('kinds.clang-22.o'), 'kinds'));
  await expect(text).toMatchFileSnapshot('../../data/elf/kinds.h');
});

test('what comes second under a name is a flavour of it', () => {
  const enumOf = (value: bigint): BtfType => ({
    kind: 'enum',
    name: 'e',
    sizeBytes: 4,
    signed: false,
    values: [{ name: 'VALUE', value }],
  });
  const text = c(
    struct('s', 4, [['a', 1, 0]]),
    struct('s', 8, [['b', 2, 4]]),
    enumOf(1n),
    enumOf(2n),
  );
  expect(text).toContain('struct s {\n\tint a;\n};');
  expect(text).toContain('struct s___2 {\n\tlong: 32;\n\tstruct s b;\n};');
  expect(text).toContain('enum e {\n\tVALUE = 1,\n};');
  expect(text).toContain('enum e___2 {\n\tVALUE___2 = 2,\n};');
});

test('a header is guarded, relocates accesses, and declares kfuncs', () => {
  const btf = makeBtf([
    undefined,
    INT,
    { kind: 'fwd', name: 's', of: 'struct' },
    { kind: 'ptr', name: '', type: 2 },
    { kind: 'func_proto', name: '', type: 3, params: [{ name: 'id', type: 1 }] },
    { kind: 'func', name: 's_get', type: 4, linkage: 'static' },
    { kind: 'decl_tag', name: 'bpf_kfunc', type: 5, component: -1 },
  ]);
  const text = dumpC(btf, { guard: '__X_H__', preserveAccessIndex: true, kfuncs: true });
  expect(text).toMatch(/^#ifndef __X_H__\n#define __X_H__\n/);
  expect(text).toContain('#pragma clang attribute push (__attribute__((preserve_access_index))');
  expect(text).toContain('struct s;\n\n');
  expect(text).toContain('extern struct s *s_get(int id) __weak __ksym;\n');
});

describe('types that C cannot say are refused, at once', () => {
  const anonymous = (type: number): BtfType =>
    struct('', 8, [
      ['a', type, 0],
      ['b', type, 0],
    ]);
  const chain = (length: number, of: (next: number) => BtfType): BtfType[] =>
    Array.from({ length }, (_, i) => of(i + 3));
  const cases: readonly [string, BtfType[], string][] = [
    ['structs unfold without end', [...chain(30, anonymous), struct('s', 4, [])], 'too much text'],
    [
      'a typedef of a function of itself',
      [
        { kind: 'typedef', name: 'f', type: 3 },
        {
          kind: 'func_proto',
          name: '',
          type: 0,
          params: [
            { name: '', type: 2 },
            { name: '', type: 1 },
          ],
        },
      ],
      'is needed to define itself',
    ],
    [
      'functions of functions',
      [
        ...chain(5000, (next) => ({
          kind: 'func_proto',
          name: '',
          type: next,
          params: [],
        })),
        INT,
        { kind: 'typedef', name: 't', type: 2 },
      ],
      'nest too deep',
    ],
  ];
  test.each(cases)('%s', (_, types, message) => {
    const all = [undefined, INT, ...types, struct('root', 8, [['m', 2, 0]])];
    expect(() => dumpC(makeBtf(all))).toThrow(message);
  });
});

test('a struct of 4 GB is a few lines', () => {
  const text = c(struct('s', 0xffff_fff0, [['last', 1, 0xffff_0000]]));
  expect(text.split('\n').length).toBeLessThan(12);
  // Where the gap ends within a byte, too.
  const member = { name: 'last', type: 1, bitOffset: 0x7fff_fff1, bits: 0 };
  const odd: BtfType = { kind: 'struct', name: 'odd', sizeBytes: 0xffff_fff1, members: [member] };
  expect(c(odd).split('\n').length).toBeLessThan(12);
});

const CLANG = ['clang-22', 'clang-14'].find((name) => spawnSync(name, ['--version']).status === 0);

describe.skipIf(CLANG === undefined)('what prints compiles to the same layout', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dump-c-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function compiled(text: string): Btf {
    const [source, object] = ['x.c', 'x.o'].map((name) => join(folder, name)) as [string, string];
    writeFileSync(source, text);
    execFileSync(CLANG!, ['-target', 'bpf', '-g', '-O2', '-Werror', '-c', source, '-o', object]);
    return readBtfFile(new Uint8Array(readFileSync(object)), object);
  }

  test.each(['kinds.clang-14.o', 'kinds.clang-22.o', 'tracing.clang-22.o'])('%s', (name) => {
    const before = readBtfFile(elfData(name), name);
    const named = aggregates(before);
    const uses = named.map(({ kind, name: tag }) => `${kind} ${tag} *use_${tag};\n`);
    const after = compiled(dumpC(before) + uses.join(''));
    const found = aggregates(after);
    expect(named.length).toBeGreaterThan(1);
    for (const type of named) {
      const again = found.find((other) => other.name === type.name);
      expect(layoutOf(after, again!)).toEqual(layoutOf(before, type));
    }
  });
});

function aggregates(btf: Btf): Aggregate[] {
  return btf.types.filter(
    (type): type is Aggregate =>
      (type?.kind === 'struct' || type?.kind === 'union') && type.name !== '',
  );
}

/** Where its members are, those of unnamed members too, without what only fills gaps. */
function layoutOf(btf: Btf, type: Aggregate, base = 0): unknown[] {
  const members = type.members.flatMap((member) => {
    const inner = btf.types[member.type]!;
    const at = base + member.bitOffset;
    if (member.name === '' && (inner.kind === 'struct' || inner.kind === 'union')) {
      return layoutOf(btf, inner, at);
    }
    if (member.name.startsWith('__padding_')) return [];
    return [`${member.name} ${at}:${member.bits} ${sizeOf(btf, member.type)}`];
  });
  return [`${type.kind} ${type.sizeBytes}`, ...members];
}
