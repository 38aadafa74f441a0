import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha1, sha256 } from '../../base/sha.ts';

test.each([
  ['sha1', sha1],
  ['sha256', sha256],
] as const)('%s is that of every other implementation', (name, ours) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const theirs = createHash(name).update(bytes).digest();
      expect([...ours(bytes)]).toEqual([...theirs]);
    }),
  );
});
