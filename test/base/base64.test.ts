import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../base/base64.ts';
import { InputError } from '../../base/errors.ts';

test('encodes as Node does, and decodes what it encodes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect([...decodeBase64url(text)]).toEqual([...bytes]);
    }),
  );
});

test('joins the chunks of a long input', () => {
  const bytes = Uint8Array.from({ length: 3 * 4096 * 2 + 1 }, (_, i) => i * 7);
  expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
});

test.each([
  ['A', 'no text has 1 digits'],
  ['AAAAA', 'no text has 5 digits'],
  ['AB*D', 'no digit at offset 2'],
  ['AB=D', 'no digit at offset 2'],
  ['AB\u{100}D', 'no digit at offset 2'],
  ['AB', 'stray bits at offset 1'],
  ['AAB', 'stray bits at offset 2'],
])('%s is refused: %s', (text, message) => {
  expect(() => decodeBase64url(text)).toThrow(InputError);
  expect(() => decodeBase64url(text)).toThrow(message);
});
