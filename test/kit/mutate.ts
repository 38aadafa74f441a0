import fc from 'fast-check';

/** Numbers at which parsers go wrong. */
const EDGES = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

type Mutation =
  | { readonly how: 'flip'; readonly at: number; readonly bit: number }
  | { readonly how: 'word'; readonly at: number; readonly value: number }
  | { readonly how: 'copy'; readonly from: number; readonly at: number; readonly count: number }
  | { readonly how: 'cut'; readonly at: number }
  | { readonly how: 'drop'; readonly at: number; readonly count: number };

/** A place, as a fraction: of bytes of which none knows how many are left. */
const place = fc.nat({ max: 0xffff_ffff }).map((n) => n / 0x1_0000_0000);

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      how: fc.constant('flip' as const),
      at: place,
      bit: fc.nat({ max: 7 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      how: fc.constant('word' as const),
      at: place,
      value: fc.oneof(fc.constantFrom(...EDGES), fc.nat({ max: 300 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      how: fc.constant('copy' as const),
      from: place,
      at: place,
      count: fc.integer({ min: 1, max: 64 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ how: fc.constant('cut' as const), at: place }) },
  {
    weight: 1,
    arbitrary: fc.record({
      how: fc.constant('drop' as const),
      at: place,
      count: fc.integer({ min: 1, max: 64 }),
    }),
  },
);

/** Bytes of one of these, with some of them changed, moved or gone. */
export function mutated(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(mutation, { minLength: 1, maxLength: 6 }))
    .map(([original, mutations]) => mutations.reduce(mutate, original));
}

function mutate(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  const at = Math.floor(mutation.at * bytes.length);
  switch (mutation.how) {
    case 'flip': {
      const out = bytes.slice();
      if (at < out.length) out[at]! ^= 1 << mutation.bit;
      return out;
    }
    case 'word': {
      const out = bytes.slice();
      const aligned = at & ~3; // what parsers read lies so
      for (let i = 0; i < 4 && aligned + i < out.length; i++) {
        out[aligned + i] = mutation.value >>> (i * 8);
      }
      return out;
    }
    case 'copy': {
      const out = bytes.slice();
      const from = Math.floor(mutation.from * bytes.length);
      out.copyWithin(at, from, from + mutation.count);
      return out;
    }
    case 'cut':
      return bytes.slice(0, at);
    case 'drop': {
      const out = new Uint8Array(Math.max(bytes.length - mutation.count, at));
      out.set(bytes.subarray(0, at));
      out.set(bytes.subarray(at + mutation.count), at);
      return out;
    }
  }
}
