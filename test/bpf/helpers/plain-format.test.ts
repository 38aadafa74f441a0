import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bprintf, type FormatSource } from '../../../bpf/helpers/format.ts';
import { plainFormat } from '../../../bpf/helpers/plain-format.ts';
import { TracePipe } from '../../../kernel/trace-pipe.ts';
import { BareKernel } from '../../kit/bare-kernel.ts';

const { memory, slab } = new BareKernel().machine;
const BUFFER_BYTES = 256;
const buffer = slab.kmalloc(BUFFER_BYTES);
const source: FormatSource = { string: () => '', bytes: () => undefined };

function put(format: string): number {
  const bytes = Uint8Array.from(`${format}\0`, (char) => char.charCodeAt(0));
  memory.copyIn(buffer, bytes);
  return bytes.length;
}

const words = (args: readonly bigint[]): Uint32Array =>
  Uint32Array.from(
    [...args, 0n, 0n, 0n]
      .slice(0, 3)
      .flatMap((arg) => [Number(BigInt.asUintN(32, arg)), Number(BigInt.asUintN(32, arg >> 32n))]),
  );

const pieces = fc.array(
  fc.oneof(fc.constantFrom('%d', '%i', '%u', '%x', '%X', '%%'), fc.stringMatching(/^[a-z :\n]*$/)),
  { maxLength: 6 },
);
const edges = fc.constantFrom(0n, 9n, 10n, 99_999n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 64n - 1n);
const args = fc.tuple(
  ...Array.from({ length: 3 }, () => fc.oneof(edges, fc.bigInt(0n, 2n ** 64n - 1n))),
);

test('a plain format says what all formats say: the text, and how long it is', () => {
  fc.assert(
    fc.property(pieces, args, (parts, values) => {
      const format = parts.join('');
      const expected = bprintf(format, values, source);
      const plain = plainFormat(memory, buffer, put(format));
      if (typeof expected === 'number') {
        expect(plain).toBeUndefined();
        return;
      }
      expect(plain!.lengthOf(words(values))).toBe(expected.length);
      expect(plain!.textOf(words(values), 0)).toBe(expected.replace(/\n$/, ''));
      expect(plain!.lengthMax).toBeGreaterThanOrEqual(expected.length);
    }),
    { seed: 4, numRuns: 500 },
  );
});

test.each(['%5d', '%-d', '%+d', '%lld', '%s', '%p', '%c', '%d %d %d %d', '%'])(
  '%s is none',
  (format) => {
    expect(plainFormat(memory, buffer, put(format))).toBeUndefined();
  },
);

test('what stands at the address counts, not what stood there', () => {
  expect(plainFormat(memory, buffer, put('a %d'))!.textOf(words([7n]), 0)).toBe('a 7');
  expect(plainFormat(memory, buffer, put('b %d'))!.textOf(words([7n]), 0)).toBe('b 7');
  const size = put('a %d');
  expect(plainFormat(memory, buffer, size - 1)).toBeUndefined();
});

test('the trace buffer keeps the last 65,536 lines, and makes their text when it is read', () => {
  const pipe = new TracePipe();
  const head = { comm: 'a', pid: 1, cpu: 0, flags: '....1', event: 'x' };
  const plain = plainFormat(memory, buffer, put('%d'))!;
  for (let i = 0; i < 200_000; i++) {
    if (i % 1_000 === 0) pipe.print(head, i, `text ${i}`);
    else pipe.print(head, i, plain, words([BigInt(i)]));
  }
  const { lines } = pipe;
  expect(pipe.count).toBe(200_000);
  expect(lines).toHaveLength(65_536);
  expect(lines[0]).toEqual({ ...head, atNs: 134_464, text: '134464' });
  expect(lines.at(-1)).toEqual({ ...head, atNs: 199_999, text: '199999' });
  expect(lines.filter(({ text }) => text.startsWith('text'))).toHaveLength(65);
  pipe.reset();
  expect(pipe.lines).toEqual([]);
});
