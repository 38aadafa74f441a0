import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fingerprint, fingerprintOf } from '../../base/hash.ts';

function digestOf(values: readonly number[]): string {
  const fingerprint = new Fingerprint();
  for (const value of values) fingerprint.add(value);
  return fingerprint.digest();
}

test('fingerprints are what they always were', () => {
  expect(digestOf([])).toMatchInlineSnapshot(`"0169f319cbc64512"`);
  expect(digestOf([0])).toMatchInlineSnapshot(`"b354f4595eb2cc88"`);
  expect(digestOf([1, 2, 3, -1])).toMatchInlineSnapshot(`"b0d0b037a480b6e5"`);
  expect(fingerprintOf('lost-update')).toMatchInlineSnapshot(`"92cc7ec21e53b2e3"`);
});

test('200,000 short streams have 200,000 fingerprints, and each half is as good alone', () => {
  const digests = Array.from({ length: 200_000 }, (_, i) =>
    digestOf([i % 500, Math.floor(i / 500)]),
  );
  expect(new Set(digests).size).toBe(digests.length);
  // 200,000 values of 32 bits: 4.7 pairs alike expected, over 20 once in 10^7 times.
  for (const half of [0, 8]) {
    const halves = new Set(digests.map((digest) => digest.slice(half, half + 8)));
    expect(digests.length - halves.size).toBeLessThan(20);
  }
});

test('each bit of the input changes about half of the bits of the fingerprint', () => {
  const bits = (digest: string): number =>
    [...BigInt(`0x${digest}`).toString(2)].filter((bit) => bit === '1').length;
  let total = 0;
  for (let value = 0; value < 100; value++) {
    const before = BigInt(`0x${digestOf([value, 7])}`);
    for (let bit = 0; bit < 32; bit++) {
      const after = BigInt(`0x${digestOf([value ^ (1 << bit), 7])}`);
      const changed = bits((before ^ after).toString(16));
      expect(changed).toBeGreaterThan(8);
      total += changed;
    }
  }
  expect(total / 3_200).toBeCloseTo(32, 0);
});

test('order, number, and where texts end all count', () => {
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]));
  expect(digestOf([0])).not.toBe(digestOf([0, 0]));
  const joined = new Fingerprint();
  joined.addString('ab');
  joined.addString('c');
  const apart = new Fingerprint();
  apart.addString('a');
  apart.addString('bc');
  expect(joined.digest()).not.toBe(apart.digest());
});

test('wide numbers differ beyond 32 bits', () => {
  const digest = (value: number): string => {
    const fingerprint = new Fingerprint();
    fingerprint.addWide(value);
    return fingerprint.digest();
  };
  expect(digest(2 ** 32 + 5)).not.toBe(digest(5));
  expect(digest(2 ** 52 + 5)).not.toBe(digest(5));
});

test('a reset fingerprint is a new one, and a digest ends nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (before, values) => {
      const fingerprint = new Fingerprint();
      for (const value of before) fingerprint.add(value);
      fingerprint.reset();
      for (const value of values) {
        fingerprint.add(value);
        fingerprint.digest();
      }
      expect(fingerprint.digest()).toBe(digestOf(values));
    }),
  );
});
