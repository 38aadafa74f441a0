import { assert } from '../../base/assert.ts';
import type { BtfMember, BtfOf, BtfType } from './types.ts';

type Named = Exclude<BtfType, { readonly kind: 'ptr' | 'array' | 'func_proto' }>;

/** C's own integers, by how BTF names them, with their other spellings. */
const INTS: readonly {
  readonly name: string;
  readonly bytes: number;
  readonly encoding: 'signed' | 'bool' | '';
  readonly also?: readonly string[];
}[] = [
  { name: 'char', bytes: 1, encoding: 'signed' },
  { name: 'signed char', bytes: 1, encoding: 'signed' },
  { name: 'unsigned char', bytes: 1, encoding: '' },
  { name: 'short int', bytes: 2, encoding: 'signed', also: ['short'] },
  { name: 'short unsigned int', bytes: 2, encoding: '', also: ['unsigned short'] },
  { name: 'int', bytes: 4, encoding: 'signed' },
  { name: 'unsigned int', bytes: 4, encoding: '', also: ['unsigned'] },
  { name: 'long int', bytes: 8, encoding: 'signed', also: ['long'] },
  { name: 'long unsigned int', bytes: 8, encoding: '', also: ['unsigned long'] },
  { name: 'long long int', bytes: 8, encoding: 'signed', also: ['long long'] },
  { name: 'long long unsigned int', bytes: 8, encoding: '', also: ['unsigned long long'] },
  { name: '_Bool', bytes: 1, encoding: 'bool' },
];

/** include/uapi/asm-generic/int-ll64.h, include/linux/types.h */
const TYPEDEFS: Readonly<Record<string, string>> = {
  __s8: 'signed char',
  __u8: 'unsigned char',
  __s16: 'short int',
  __u16: 'short unsigned int',
  __s32: 'int',
  __u32: 'unsigned int',
  __s64: 'long long int',
  __u64: 'long long unsigned int',
  s8: '__s8',
  u8: '__u8',
  s16: '__s16',
  u16: '__u16',
  s32: '__s32',
  u32: '__u32',
  s64: '__s64',
  u64: '__u64',
  bool: '_Bool',
  __kernel_pid_t: 'int',
  pid_t: '__kernel_pid_t',
  __kernel_long_t: 'long int',
  __kernel_ulong_t: 'long unsigned int',
  __kernel_size_t: '__kernel_ulong_t',
  __kernel_ssize_t: '__kernel_long_t',
  __kernel_loff_t: 'long long int',
  size_t: '__kernel_size_t',
  ssize_t: '__kernel_ssize_t',
  loff_t: '__kernel_loff_t',
  umode_t: 'short unsigned int',
  fmode_t: 'unsigned int',
  uid_t: 'unsigned int',
  gid_t: 'unsigned int',
  __be16: '__u16',
  __be32: '__u32',
  __wsum: '__u32',
};

/** What headers use without declaring it. */
export const TYPEDEF_NAMES: readonly string[] = Object.keys(TYPEDEFS);

/** Typedefs of a struct with one member: what the kernel wraps so that it is not mixed up. */
const WRAPPED: Readonly<Record<string, { tag: string; member: string; type: string }>> = {
  atomic_t: { tag: '', member: 'counter', type: 'int' },
  refcount_t: { tag: 'refcount_struct', member: 'refs', type: 'atomic_t' },
  atomic64_t: { tag: '', member: 'counter', type: 's64' },
  atomic_long_t: { tag: '', member: 'counter', type: 's64' },
  kuid_t: { tag: '', member: 'val', type: 'uid_t' },
  kgid_t: { tag: '', member: 'val', type: 'gid_t' },
  kernel_cap_t: { tag: '', member: 'val', type: 'u64' },
  pte_t: { tag: '', member: 'pte', type: 'long unsigned int' },
  sigset_t: { tag: '', member: 'sig', type: 'long unsigned int' },
};

export interface Room {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * Types of BTF by how C writes them. A struct that is only pointed to is declared, and defined when
 * somebody does. Every type stands once.
 */
export class CTypes {
  readonly types: (BtfType | undefined)[] = [undefined];
  readonly #known = new Map<string, number>();
  readonly #aligns = new Map<number, number>();
  readonly #rooms = new Map<number, Room>();

  /** The id of a type that is like no other yet. */
  add(type: BtfType): number {
    return this.types.push(type) - 1;
  }

  /** The id of an unnamed type of this shape: the same for the same shape. */
  shape(type: BtfType): number {
    const key = JSON.stringify(type, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    return this.#once(key, () => this.add(type));
  }

  pointer(to: number): number {
    return this.shape({ kind: 'ptr', name: '', type: to });
  }

  arrayOf(type: number, count: number): number {
    const indexType = this.of('unsigned int');
    return this.shape({ kind: 'array', name: '', type, indexType, count });
  }

  proto(returns: string, params: Readonly<Record<string, string>>): number {
    const list = Object.entries(params).map(([name, c]) => ({ name, type: this.of(c) }));
    return this.shape({ kind: 'func_proto', name: '', type: this.of(returns), params: list });
  }

  /** `struct task_struct *`, `const char *`, `unsigned int`, `u64`, `kuid_t`; `void` is 0. */
  of(c: string): number {
    const text = c.trim().replaceAll(/\s+/g, ' ');
    if (text === 'void') return 0;
    if (text.endsWith('*')) return this.pointer(this.of(text.slice(0, -1)));
    if (text.endsWith(' const')) return this.#modified(text.slice(0, -6));
    if (text.startsWith('const ')) return this.#modified(text.slice(6));
    const tagged = /^(struct|union|enum) (\w+)$/.exec(text);
    if (tagged?.[1] === 'enum') return this.enumTag(tagged[2]!);
    if (tagged) return this.tag(tagged[1] as 'struct' | 'union', tagged[2]!);
    return this.#once(`name ${text}`, () => this.#word(text));
  }

  /** A struct or union by name: declared, until define() says what it is. */
  tag(of: 'struct' | 'union', name: string): number {
    return this.#once(`${of} ${name}`, () => this.add({ kind: 'fwd', name, of }));
  }

  /** Whether it is known what a tag is. */
  isDefined(of: 'struct' | 'union', name: string): boolean {
    const known = this.#known.get(`${of} ${name}`);
    return known !== undefined && this.types[known]!.kind !== 'fwd';
  }

  /** Says what a tag is: pointers to it made before keep their id. */
  define(type: Named & { readonly kind: 'struct' | 'union' }): number {
    const id = this.tag(type.kind, type.name);
    assert(this.types[id]!.kind === 'fwd', `${type.kind} ${type.name} is defined twice`);
    this.types[id] = type;
    return id;
  }

  /** A name for a type; where it has one already, that stays. */
  typedef(name: string, type: number): number {
    return this.#once(`name ${name}`, () => this.add({ kind: 'typedef', name, type }));
  }

  /** A function by name: where there is one already, that stays. Without a type, that one. */
  func(name: string, type?: number): number {
    return this.#once(`func ${name}`, () => {
      assert(type !== undefined, `no kernel function ${name}`);
      return this.add({ kind: 'func', name, type, linkage: 'static' });
    });
  }

  /** A variable by name; without a type, one that is declared. */
  variable(name: string, type?: number): number {
    return this.#once(`var ${name}`, () => {
      assert(type !== undefined, `no kernel variable ${name}`);
      return this.add({ kind: 'var', name, type, linkage: 'global' });
    });
  }

  /** An enum by name: without values until defineEnum() says which. */
  enumTag(name: string): number {
    return this.#once(`enum ${name}`, () =>
      this.add({ kind: 'enum', name, sizeBytes: 4, signed: false, values: [] }),
    );
  }

  defineEnum(type: BtfOf<'enum' | 'enum64'>): number {
    if (type.name === '') return this.add(type);
    const id = this.enumTag(type.name);
    this.types[id] = type;
    return id;
  }

  /** Alignments of structs and unions, in bytes: BTF does not say them. */
  noteAlign(id: number, alignBytes: number): number {
    this.#aligns.set(id, alignBytes);
    return id;
  }

  alignOf(id: number): number {
    const type = this.types[id];
    if (type?.kind === 'struct' || type?.kind === 'union') return this.#aligns.get(id) ?? 8;
    if (type && 'type' in type && type.kind !== 'ptr') return this.alignOf(type.type);
    return this.sizeOf(id);
  }

  /** Room in a struct for members that are declared apart. */
  noteRoom(id: number, room: Room): void {
    this.#rooms.set(id, room);
  }

  /** More members for a struct that has room for them; offsets are within the room. */
  extend(name: string, members: readonly BtfMember[], sizeBytes: number): void {
    const id = this.tag('struct', name);
    const type = this.types[id]!;
    const room = this.#rooms.get(id);
    assert(type.kind === 'struct' && room, `no room for more members of ${name}`);
    assert(sizeBytes <= room.sizeBytes, `struct ${name}: ${sizeBytes} bytes of more members`);
    const moved = members.map((row) => ({
      ...row,
      bitOffset: row.bitOffset + room.offsetBytes * 8,
    }));
    this.types[id] = { ...type, members: [...type.members, ...moved] };
  }

  #modified(text: string): number {
    return this.shape({ kind: 'const', name: '', type: this.of(text) });
  }

  #word(name: string): number {
    const int = INTS.find((row) => row.name === name || row.also?.includes(name));
    if (int && int.name !== name) return this.of(int.name);
    if (int) {
      const { bytes, encoding } = int;
      return this.add({
        kind: 'int',
        name,
        sizeBytes: bytes,
        encoding,
        bitOffset: 0,
        bits: bytes * 8,
      });
    }
    const target = TYPEDEFS[name];
    if (target !== undefined) return this.add({ kind: 'typedef', name, type: this.of(target) });
    const wrapped = WRAPPED[name];
    assert(wrapped, `no C type ${name}`);
    const type = this.#wrapped(wrapped);
    return this.add({ kind: 'typedef', name, type });
  }

  #wrapped({ tag, member, type }: (typeof WRAPPED)[string]): number {
    const of = this.of(type);
    const sizeBytes = this.sizeOf(of);
    const members = [{ name: member, type: of, bitOffset: 0, bits: 0 }];
    const made = { kind: 'struct', name: tag, sizeBytes, members } as const;
    return this.noteAlign(tag === '' ? this.add(made) : this.define(made), this.alignOf(of));
  }

  sizeOf(id: number): number {
    const type = this.types[id]!;
    assert(type.kind !== 'fwd', `the size of ${type.name}, which is only declared`);
    if ('sizeBytes' in type) return type.sizeBytes;
    if (type.kind === 'array') return type.count * this.sizeOf(type.type);
    return type.kind === 'ptr' ? 8 : this.sizeOf((type as { type: number }).type);
  }

  #once(key: string, make: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}
