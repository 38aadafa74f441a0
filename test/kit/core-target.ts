import { makeBtf } from '../../bpf/btf/btf.ts';
import type { Btf, BtfMember, BtfType } from '../../bpf/btf/types.ts';

/** Types added one by one; the number of each is its id. */
export class BtfBuilder {
  readonly #types: (BtfType | undefined)[] = [undefined];

  add(type: BtfType): number {
    return this.#types.push(type) - 1;
  }

  int(name: string, sizeBytes: number, signed = true): number {
    const encoding = signed ? 'signed' : '';
    return this.add({ kind: 'int', name, sizeBytes, encoding, bitOffset: 0, bits: sizeBytes * 8 });
  }

  ptr(type: number): number {
    return this.add({ kind: 'ptr', name: '', type });
  }

  array(type: number, count: number, indexType: number): number {
    return this.add({ kind: 'array', name: '', type, indexType, count });
  }

  struct(
    name: string,
    sizeBytes: number,
    members: readonly BtfMember[],
    kind: 'struct' | 'union' = 'struct',
  ): number {
    return this.add({ kind, name, sizeBytes, members });
  }

  build(): Btf {
    return makeBtf([...this.#types]);
  }
}

/** `offset` in bits. */
export function member(name: string, type: number, bitOffset: number, bits = 0): BtfMember {
  return { name, type, bitOffset, bits };
}

/**
 * A kernel for test/data/objects/core.bpf.c, that has everything in another place: `thing` lacks
 * `gone`, `narrow` is shorter, `twice` is there twice.
 */
export function coreTarget(): Btf {
  const btf = new BtfBuilder();
  const int = btf.int('int', 4);
  const uint = btf.int('unsigned int', 4, false);
  const short = btf.int('unsigned short', 2, false);
  const long = btf.int('long', 8);
  const pointer = btf.ptr(0);
  const part = btf.struct('part', 12, [member('x', int, 32), member('y', int, 64)]);
  const parts = btf.array(part, 4, int);
  const deep = btf.struct('', 8, [member('zero', int, 0), member('deep', int, 32)]);
  const union = btf.struct('', 8, [member('', deep, 0)], 'union');
  btf.struct('thing', 96, [
    member('pointer', pointer, 0),
    member('a', int, 64),
    member('narrow', short, 96),
    member('', union, 128),
    member('part', part, 192),
    member('parts', parts, 320),
    member('bits_s', int, 704, 7),
    member('bits_u', uint, 720, 2),
    member('was', int, 736),
  ]);
  btf.struct('twice', 4, [member('x', int, 0)]);
  btf.struct('twice___too', 8, [member('x', int, 32)]);
  btf.struct('fits___too', 8, [member('y', long, 0), member('x', int, 64)]);
  btf.struct('changed', 8, [member('x', int, 0), member('y', int, 32)]);
  btf.add({
    kind: 'enum',
    name: 'color',
    sizeBytes: 4,
    signed: true,
    values: [
      { name: 'BLUE___too', value: -7n },
      { name: 'GREEN', value: 20n },
    ],
  });
  const values = [{ name: 'BIG', value: 0x2_0000_0000n }];
  btf.add({ kind: 'enum64', name: 'big', sizeBytes: 8, signed: false, values });
  const params = [btf.ptr(part), long].map((type) => ({ name: '', type }));
  const proto = btf.add({ kind: 'func_proto', name: '', type: int, params });
  btf.add({ kind: 'typedef', name: 'callback', type: btf.ptr(proto) });
  return btf.build();
}
