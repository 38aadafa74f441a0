import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { btf_parse, decodeBtf } from '../../../bpf/btf/decode.ts';
import { dumpC } from '../../../bpf/btf/dump.ts';
import { encodeBtf } from '../../../bpf/btf/encode.ts';
import { decodeBtfExt } from '../../../bpf/btf/ext.ts';
import { readBtfFile } from '../../../bpf/btf/file.ts';
import type { BtfType } from '../../../bpf/btf/types.ts';
import { parseElf, sectionOf } from '../../../bpf/elf/parse.ts';
import { openObject } from '../../../bpf/object/open.ts';
import { elfData, OBJECTS } from '../../kit/bpf-objects.ts';
import { LoadError } from '../../../bpf/user/load-error.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { KernelReport } from '../../../scenarios/sandbox.ts';
import { COMPILERS, compiledBytes } from '../../kit/compiled.ts';
import { mutated } from '../../kit/mutate.ts';

const CASES = Number(process.env['BOHRBUG_PROPERTY_CASES'] ?? 600);
const BYTES_MAX = 64 * 1024 * 1024;

const INT: BtfType = {
  kind: 'int',
  name: 'int',
  sizeBytes: 4,
  encoding: 'signed',
  bitOffset: 0,
  bits: 32,
};
const objects = OBJECTS.map((name) => elfData(`${name}.o`));
const btfs = objects.map((bytes) => sectionOf(bytes, 'x', '.BTF')!.bytes.slice());

/** Of tracing.c, without variables: those have no place until libbpf gives them one. */
const loadable = btfs.slice(2).map((bytes) => {
  const types = decodeBtf(bytes, 'x').types.map((type) =>
    type?.kind === 'datasec' || type?.kind === 'var' ? INT : type,
  );
  return encodeBtf({ types });
});

const compiled = [
  ...COMPILERS.flatMap((by) => [compiledBytes('whole', by), compiledBytes('foreign', by)]),
  ...['exec-events', 'wake-latency', 'tail-calls', 'map-race'].map(
    (name) =>
      new Uint8Array(
        readFileSync(new URL(`../../../scenarios/bpf/${name}.bpf.o`, import.meta.url)),
      ),
  ),
];

/** Opens it, loads it into a kernel, and runs what it has there. */
function loadAndRun(bytes: Uint8Array): void {
  const bpf = new BpfSandbox({ cpus: 1, stepsMax: 100_000 });
  const object = bpf.openBytes(bytes, 'x.o').load().attach();
  bpf.run(function* (p) {
    yield* p.getpid();
  });
  for (const { name, fd } of object.object.programs) {
    if (fd > 0) object.programs[name]!.run({ dataIn: new Uint8Array(64) });
  }
  object.destroy();
}

type Reader = (bytes: Uint8Array) => unknown;

/** All that reads what a user brings. */
const READERS: readonly { readonly name: string; of: readonly Uint8Array[]; read: Reader }[] = [
  { name: 'parseElf', of: objects, read: (bytes) => parseElf(bytes, 'x.o') },
  {
    name: 'an object’s types as C',
    of: objects,
    read: (bytes) => dumpC(readBtfFile(bytes, 'x.o')),
  },
  {
    name: 'an object’s .BTF.ext',
    of: objects,
    read: (bytes) => {
      const [btf, ext] = ['.BTF', '.BTF.ext'].map((name) => sectionOf(bytes, 'x.o', name)?.bytes);
      return btf && ext && decodeBtfExt(ext, btf, 'x.o');
    },
  },
  { name: 'openObject', of: objects, read: (bytes) => openObject(bytes, 'x.o') },
  { name: 'BTF as C', of: btfs, read: (bytes) => dumpC(decodeBtf(bytes, 'x.btf')) },
  { name: 'BTF_LOAD', of: loadable, read: btf_parse },
  { name: 'loading', of: compiled, read: loadAndRun },
];

/** Reads it, or says in one line why not, which the kernel's log or its report may follow. */
function survives(read: Reader, bytes: Uint8Array): 'read' | 'refused' {
  try {
    read(bytes);
    return 'read';
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const isKernels =
      error instanceof KernelReport || (error instanceof LoadError && error.log !== '');
    const ours = isKernels ? error.message.split('\n', 1)[0] : error.message;
    expect(ours).toMatch(/^[^\n]{1,4000}$/);
    return 'refused';
  }
}

test.each(READERS)('$name: changed bytes are read or refused', ({ of, read }) => {
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(mutated(of), (bytes) => {
      outcomes[survives(read, bytes)]++;
    }),
    { numRuns: CASES, seed: 1 },
  );
  // Neither all noise nor all the same.
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(CASES / 40);
});

test.each(READERS)('$name: bytes that end anywhere are read or refused', ({ of, read }) => {
  const [bytes] = of as [Uint8Array];
  for (let length = 0; length < bytes.length; length += 7) survives(read, bytes.slice(0, length));
});

const many = (count: number, type: (id: number) => BtfType): BtfType[] =>
  Array.from({ length: count }, (_, i) => type(i + 2));

/** A struct without a name that has two of the next. */
function pair(next: number): BtfType {
  const member = { type: next, bitOffset: 0, bits: 0 };
  const members = [
    { name: 'a', ...member },
    { name: 'b', ...member },
  ];
  return { kind: 'union', name: '', sizeBytes: 4, members };
}

describe('types made to hang or to fill memory are read or refused', () => {
  const cases: readonly [string, BtfType[]][] = [
    ['pointers that lead on', many(20_000, (id) => ({ kind: 'ptr', name: '', type: id + 1 }))],
    ['typedefs that lead on', many(20_000, (id) => ({ kind: 'typedef', name: 't', type: id + 1 }))],
    [
      'pointers and arrays in turn',
      many(20_000, (id) =>
        id % 2 === 0
          ? { kind: 'ptr', name: '', type: id + 1 }
          : { kind: 'array', name: '', type: id + 1, indexType: 1, count: 0xffff_ffff },
      ),
    ],
    [
      'functions that take functions',
      many(20_000, (id) => ({
        kind: 'func_proto',
        name: '',
        type: 0,
        params: [{ name: '', type: id + 1 }],
      })),
    ],
    ['unions that double', many(28, (id) => pair(id + 1))],
    [
      'structs that point on and double',
      many(60, (id) => (id % 2 === 0 ? pair(id + 1) : { kind: 'ptr', name: '', type: id + 1 })),
    ],
    ['a type of itself', [{ kind: 'const', name: '', type: 2 }]],
    ['a struct of 4 GB', [{ kind: 'struct', name: 's', sizeBytes: 0xffff_ffff, members: [] }]],
    ['one name for all', many(20_000, () => ({ ...pair(1), name: 'x' }) as BtfType)],
  ];
  test.each(cases)('%s', (_, types) => {
    const root: BtfType = { kind: 'typedef', name: 'root', type: 2 };
    const bytes = encodeBtf(makeBtf([undefined, INT, ...types, { ...INT, name: 'last' }, root]));
    const before = process.memoryUsage();
    survives((input) => dumpC(decodeBtf(input, 'x')), bytes);
    survives(btf_parse, bytes);
    const after = process.memoryUsage();
    const grown = (key: 'heapUsed' | 'arrayBuffers'): number => after[key] - before[key];
    expect(grown('heapUsed') + grown('arrayBuffers')).toBeLessThan(BYTES_MAX);
  });

  test('names that are each other’s ends', () => {
    const count = 60_000;
    const bytes = encodeBtf(
      makeBtf([undefined, ...many(count, () => ({ kind: 'fwd', name: '', of: 'struct' }))]),
    );
    const types = 24 + count * 12;
    const whole = new Uint8Array(types + count + 2).fill(0x61, types);
    whole.set(bytes.subarray(0, types));
    whole[types] = whole[whole.length - 1] = 0;
    const view = new DataView(whole.buffer);
    view.setUint32(20, count + 2, true);
    for (let i = 0; i < count; i++) view.setUint32(24 + i * 12, i + 1, true);
    expect(survives((input) => decodeBtf(input, 'x'), whole)).toBe('refused');
  });
});
