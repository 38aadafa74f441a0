import { describe, expect, test } from 'vitest';
import { compiledBytes } from '../../kit/compiled.ts';
import { saidRows, Speaker } from '../../kit/said.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';

const NAMES = ['graph', 'handles', 'walks', 'lists'] as const;
/** Whose maps and objects own something by a tag. */
const TAGGED = ['graph', 'handles'] as const;
const COMPILERS = ['clang-22-v3', 'clang-22-v4'] as const;

describe.each(['interp', 'jit'] as const)('03 R12: %s, as Linux 7.2', (engine) => {
  describe.each(COMPILERS)('objects by %s', (by) => {
    test.each(NAMES)('%s', (name) => {
      const speaker = new Speaker(name, by, { engine });
      for (const { program, ctx, said } of saidRows(`bpf-${name}.txt`)) {
        expect(speaker.run(program, ctx), program).toEqual(said);
      }
    });
  });
});

test.each(TAGGED)('%s by clang 14, which leaves tags out, is refused as by Linux 7.2', (name) => {
  const object = new BpfSandbox().openBytes(compiledBytes(name, 'clang-14-v3'), name);
  expect(() => object.load()).toThrow('R1 has no valid kptr');
});

test.each(['graph', 'handles', 'lists'] as const)(
  'all that programs of %s have put into maps goes with them',
  (name) => {
    const [used, empty] = [new Speaker(name, 'clang-22-v3'), new Speaker(name, 'clang-22-v3')];
    for (const { program, ctx } of saidRows(`bpf-${name}.txt`)) used.run(program, ctx);
    const [busy, idle] = [used, empty].map((speaker) => total(speaker.heap()));
    expect(busy).toBeGreaterThan(idle! + 10);
    for (const speaker of [used, empty]) speaker.end();
    expect(used.heap()).toEqual(empty.heap());
  },
);

function total(heap: Readonly<Record<string, number>>): number {
  return Object.values(heap).reduce((sum, count) => sum + count, 0);
}
