import type { Memory } from '../../kernel/memory.ts';
import type { BtfField, BtfRecord } from '../btf/record.ts';

interface Shape {
  readonly valueSize: number;
  readonly record?: BtfRecord | undefined;
  readonly spinLockOff?: number;
}

/**
 * A value without its special fields, as it is copied: those are the kernel's, and stay as they
 * are. include/linux/bpf.h: bpf_obj_memcpy()
 */
export class ValueFields {
  /** Pairs of begin and length. */
  readonly #plain: readonly (readonly [number, number])[];
  readonly #valueSize: number;

  constructor({ valueSize, record, spinLockOff = -1 }: Shape) {
    const lock = spinLockOff < 0 ? [] : [{ offset: spinLockOff, size: 4 }];
    this.#valueSize = valueSize;
    this.#plain = around(record?.fields ?? lock, valueSize);
  }

  /** Whether there are none. */
  get isPlain(): boolean {
    return this.#plain.length === 1 && this.#plain[0]![1] === this.#valueSize;
  }

  /** copy_map_value() */
  copy(memory: Memory, to: number, from: number): void {
    for (const [at, size] of this.#plain) memory.copy(to + at, from + at, size);
  }

  /** zero_map_value() */
  zero(memory: Memory, value: number): void {
    for (const [at, size] of this.#plain) memory.fill(value + at, size, 0);
  }
}

function around(
  fields: readonly Pick<BtfField, 'offset' | 'size'>[],
  valueSize: number,
): [number, number][] {
  const plain: [number, number][] = [];
  let at = 0;
  for (const { offset, size } of fields) {
    if (offset > at) plain.push([at, offset - at]);
    at = offset + size;
  }
  if (valueSize > at) plain.push([at, valueSize - at]);
  return plain;
}
