import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { InputError } from '../../base/errors.ts';

const reader = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.from(bytes), 'test');

test('numbers of every width are read as they were written, low byte first', () => {
  const writer = new ByteWriter();
  writer.u8(0xab);
  writer.u16(0x1234);
  writer.u32(0xdeadbeef);
  writer.s32(-2);
  writer.u64(0x0123456789abcdefn);
  writer.bytes(Uint8Array.of(1, 2, 3));
  writer.text('Ångström 🐞');
  const bytes = writer.finish();
  expect(Array.from(bytes.subarray(0, 7))).toEqual([0xab, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde]);
  const back = new ByteReader(bytes, 'test');
  expect(back.u8()).toBe(0xab);
  expect(back.u16()).toBe(0x1234);
  expect(back.u32()).toBe(0xdeadbeef);
  expect(back.s32()).toBe(-2);
  expect(back.u64()).toBe(0x0123456789abcdefn);
  expect([...back.bytes(3)]).toEqual([1, 2, 3]);
  expect(back.text()).toBe('Ångström 🐞');
  expect(back.remaining).toBe(0);
});

test('variable-length numbers of up to 53 bits come back', () => {
  const sizes = [0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
  const numbers = fc.oneof(fc.constantFrom(...sizes), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(numbers), (values) => {
      const writer = new ByteWriter();
      for (const value of values) writer.varint(value);
      const back = new ByteReader(writer.finish(), 'test');
      expect(values.map(() => back.varint())).toEqual(values);
    }),
  );
});

test('a writer grows for large blocks', () => {
  const writer = new ByteWriter();
  const block = new Uint8Array(1_000).fill(7);
  writer.bytes(block);
  writer.bytes(block);
  expect(writer.length).toBe(2_000);
  expect(writer.finish().every((byte) => byte === 7)).toBe(true);
});

test('a view into a larger buffer is read from its own start', () => {
  const bytes = Uint8Array.of(9, 9, 1, 0, 9).subarray(2, 4);
  const view = new ByteReader(bytes, 'test');
  expect(view.u16()).toBe(1);
  expect(() => view.u8()).toThrow('at offset 2');
});

test.each<[string, (bytes: ByteReader) => unknown, ByteReader]>([
  ['test: 2 bytes expected, 1 left, at offset 1', (r) => [r.u8(), r.u16()], reader(1, 2)],
  ['test: 8 bytes expected, 3 left, at offset 0', (r) => r.u64(), reader(1, 2, 3)],
  ['test: -1 bytes expected, 1 left, at offset 0', (r) => r.bytes(-1), reader(1)],
  ['test: 1 bytes expected, 0 left, at offset 2', (r) => r.varint(), reader(0x80, 0x80)],
  ['test: malformed variable-length number, at offset 0', (r) => r.varint(), reader(0x80, 0)],
  [
    'test: malformed variable-length number, at offset 0',
    (r) => r.varint(),
    reader(...Array.from({ length: 9 }, () => 0xff)),
  ],
  ['test: text of 3 characters is cut off, at offset 1', (r) => r.text(), reader(3, 65)],
  ['test: seek to 3, the end is at 2, at offset 0', (r) => r.seek(3), reader(1, 2)],
])('%s', (message, read, bytes) => {
  expect(() => read(bytes)).toThrow(new InputError(message));
});
