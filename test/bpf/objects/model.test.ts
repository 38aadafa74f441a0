import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Speaker } from '../../kit/said.ts';

const OPS = 48;
const MISSING = -2n;

/** An item of graph.bpf.c: in the tree, in the list, or in both. */
interface Item {
  readonly key: bigint;
  hasInner: boolean;
}

/** What item_ops() does, on arrays; but for what depends on the tree's shape. */
class Model {
  readonly tree: Item[] = [];
  readonly list: Item[] = [];

  /** Whether that may come of the operation. */
  allows(op: number, said: bigint): boolean {
    const arg = BigInt(op >> 3);
    switch (op & 7) {
      case 0:
      case 1:
        return this.#add(arg) === said;
      case 2:
        return this.#popTree() === said;
      case 3:
        return (this.list.shift()?.key ?? MISSING) === said;
      case 5:
        return (said === 0n) === (this.tree.length === 0);
      case 6:
        return this.#ends() === said;
      default:
        return this.#addTwice() === said;
    }
  }

  /** Behind those of the same key. */
  #add(key: bigint): bigint {
    const item = { key, hasInner: true };
    const at = this.tree.findIndex((other) => other.key > key);
    this.tree.splice(at < 0 ? this.tree.length : at, 0, item);
    this.list.push(item);
    return 0n;
  }

  #popTree(): bigint {
    const first = this.tree.shift();
    if (!first) return MISSING;
    const inner = first.hasInner ? 10n * (1000n + first.key) : 0n;
    first.hasInner = false;
    return first.key + inner;
  }

  #ends(): bigint {
    const [first, last] = [this.list[0], this.list.at(-1)];
    return first && last ? first.key * 64n + last.key : MISSING;
  }

  /** Refused where it is in the list; else it is there now. */
  #addTwice(): bigint {
    const [first] = this.tree;
    if (!first) return MISSING;
    if (this.list.includes(first)) return -22n;
    this.list.unshift(first);
    return 0n;
  }
}

const op = fc.tuple(fc.constantFrom(0, 1, 0, 1, 2, 3, 5, 6, 7), fc.nat(30));
const session = fc.array(fc.array(op, { maxLength: OPS, size: 'max' }), { maxLength: 4 });

test('03 R12: items in a tree and a list are a model of them, and leave nothing behind', () => {
  const untouched = new Speaker('graph', 'clang-22-v3');
  untouched.end();
  fc.assert(
    fc.property(session, (runs) => {
      const speaker = new Speaker('graph', 'clang-22-v3');
      const model = new Model();
      for (const ops of runs) {
        const ctx = new Uint8Array(OPS).fill(0xff);
        ops.forEach(([what, arg], i) => (ctx[i] = what | (arg << 3)));
        const said = speaker.run('item_ops', ctx);
        const end = ctx.indexOf(0xff);
        expect(said).toHaveLength(end < 0 ? OPS : end);
        const isRight = said.map((answer, i) => model.allows(ctx[i]!, answer));
        expect(isRight).toEqual(said.map(() => true));
      }
      speaker.end();
      expect(speaker.heap()).toEqual(untouched.heap());
    }),
    { numRuns: 25, seed: 7 },
  );
});
