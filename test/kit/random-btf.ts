import fc from 'fast-check';
import type { BtfType } from '../../bpf/btf/types.ts';

const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/);
const maybeName = fc.oneof(name, fc.constant(''));
const linkage = fc.constantFrom('static' as const, 'global' as const, 'extern' as const);
const sizeBytes = fc.constantFrom(1, 2, 4, 8);
const u32 = fc.nat({ max: 0xffff_ffff });

const int = fc
  .record({ name, sizeBytes, encoding: fc.constantFrom('signed', 'char', 'bool', '') })
  .map((row) => ({ kind: 'int', ...row, bitOffset: 0, bits: row.sizeBytes * 8 }) as BtfType);

/** `value` is a type with values that stands before it, so that nothing contains itself. */
function typeAfter(value: fc.Arbitrary<number>, any: fc.Arbitrary<number>, protos: number[]) {
  const member = fc.record({
    name: maybeName,
    type: value,
    bitOffset: fc.nat({ max: 0xff_ffff }),
    bits: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
  });
  const rows: fc.Arbitrary<BtfType>[] = [
    int,
    any.map((type) => ({ kind: 'ptr', name: '', type }) as const),
    fc.record({
      kind: fc.constant('array' as const),
      name: fc.constant('' as const),
      type: value,
      indexType: fc.constant(1),
      count: u32,
    }),
    fc.record({
      kind: fc.constantFrom('struct' as const, 'union' as const),
      name: maybeName,
      sizeBytes: u32,
      members: fc.array(member, { maxLength: 5 }),
    }),
    enumOf('enum', 32),
    enumOf('enum64', 64),
    fc.record({
      kind: fc.constant('fwd' as const),
      name,
      of: fc.constantFrom('struct' as const, 'union' as const),
    }),
    fc.record({
      kind: fc.constantFrom('typedef' as const, 'type_tag' as const),
      name,
      type: value,
    }),
    fc.record({
      kind: fc.constantFrom('const' as const, 'volatile' as const, 'restrict' as const),
      name: fc.constant(''),
      type: value,
    }),
    fc.record({
      kind: fc.constant('func_proto' as const),
      name: fc.constant('' as const),
      type: any,
      params: fc.array(fc.record({ name: maybeName, type: any }), { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('var' as const), name, type: value, linkage }),
    fc.record({ kind: fc.constant('float' as const), name, sizeBytes }),
  ];
  if (protos.length > 0) {
    const type = fc.constantFrom(...protos);
    rows.push(fc.record({ kind: fc.constant('func' as const), name, type, linkage }));
  }
  return fc.oneof(...rows);
}

function enumOf(kind: 'enum' | 'enum64', bits: number): fc.Arbitrary<BtfType> {
  return fc.boolean().chain((signed) => {
    const half = 1n << BigInt(bits - 1);
    const value = signed
      ? fc.bigInt({ min: -half, max: half - 1n })
      : fc.bigInt({ min: 0n, max: 2n * half - 1n });
    return fc.record({
      kind: fc.constant(kind),
      name: maybeName,
      sizeBytes,
      signed: fc.constant(signed),
      values: fc.array(fc.record({ name, value }), { maxLength: 4 }),
    });
  });
}

const WITH_VALUES: ReadonlySet<string> = new Set([
  'int',
  'ptr',
  'struct',
  'union',
  'enum',
  'float',
]);
const COUNT_MAX = 20;

/** Types of which each refers to earlier ones, and pointers to any before; 1 is an int. */
export const randomTypes: fc.Arbitrary<(BtfType | undefined)[]> = fc
  .nat({ max: COUNT_MAX })
  .chain((count) => {
    let types: fc.Arbitrary<(BtfType | undefined)[]> = int.map((first) => [undefined, first]);
    for (let i = 0; i < count; i++) {
      types = types.chain((before) => {
        const ids = before.flatMap((type, id) => (type && WITH_VALUES.has(type.kind) ? [id] : []));
        const protos = before.flatMap((type, id) => (type?.kind === 'func_proto' ? [id] : []));
        const any = fc.constantFrom(0, ...ids, ...protos);
        return typeAfter(fc.constantFrom(...ids), any, protos).map((type) => [...before, type]);
      });
    }
    return types;
  });
