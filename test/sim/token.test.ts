import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../base/base64.ts';
import { ByteWriter } from '../../base/bytes.ts';
import { InputError } from '../../base/errors.ts';
import { fingerprintOf } from '../../base/hash.ts';
import { Prng } from '../../base/prng.ts';
import {
  decodeToken,
  encodeToken,
  TOKEN_DEVIATIONS_MAX,
  type Token,
  type TokenHeader,
} from '../../sim/token.ts';

const USUAL: TokenHeader = {
  scenario: 'lost-update',
  variant: '',
  profile: 'v7.2',
  mutations: [],
  mode: 'explore',
  memoryModel: 'sc',
};

const FOUND: Token = {
  form: 'seed',
  header: { ...USUAL, scenario: './races/x.ts', variant: 'bad', mutations: ['fget.skip-recheck'] },
  strategy: 'pct:3:120',
  seed: 1,
  run: 4_711,
};

const SHRUNK: Token = { form: 'schedule', header: USUAL, schedule: { at: [1, 7], skip: [1, 2] } };

// Arbitraries

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', './x.ts'),
);
const header = fc
  .record({
    scenario: text,
    variant: text,
    profile: fc.oneof(fc.constant('v7.2'), text),
    mutations: fc.array(text, { maxLength: 3 }),
    mode: fc.constantFrom('timed' as const, 'explore' as const),
    memoryModel: fc.oneof(fc.constant('sc'), text),
    options: fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 3 }),
  })
  .map(({ options, ...rest }): TokenHeader =>
    options.length === 0 ? rest : { ...rest, options: Object.fromEntries(options) },
  );
const schedule = fc
  .array(fc.tuple(fc.oneof(fc.nat(5), fc.nat(100_000)), fc.integer({ min: 1, max: 300 })))
  .map((pairs) => {
    let next = 0;
    const at = pairs.map(([gap]) => (next += gap + 1) - 1);
    return { at, skip: pairs.map(([, skip]) => skip) };
  });
const token: fc.Arbitrary<Token> = fc.oneof(
  fc.record({ form: fc.constant('schedule' as const), header, schedule }),
  fc.record({
    form: fc.constant('seed' as const),
    header,
    strategy: text,
    seed: fc.maxSafeNat(),
    run: fc.maxSafeNat(),
  }),
);

test('every token comes back as it was', () => {
  fc.assert(
    fc.property(token, (any) => {
      expect(decodeToken(encodeToken(any))).toEqual(any);
    }),
    { numRuns: 500 },
  );
});

test('a token is one word to a shell, whatever the scenario is called', () => {
  fc.assert(
    fc.property(token, (any) => {
      expect(encodeToken(any)).toMatch(/^B1\.[\w.%/-]*\.[\w-]+\.[0-9a-f]{8}$/);
    }),
  );
});

test('tokens are what they always were, short, and name their scenario', () => {
  expect(encodeToken(FOUND)).toMatchInlineSnapshot(
    `"B1../races/x.ts.FgNiYWQBEWZnZXQuc2tpcC1yZWNoZWNrCXBjdDozOjEyMAHnJA.42d04b92"`,
  );
  expect(encodeToken(SHRUNK)).toMatchInlineSnapshot(`"B1.lost-update.AwIBAQUC.c71627b2"`);
  expect(decodeToken(`  ${encodeToken(SHRUNK)}\n`)).toEqual(SHRUNK);
});

describe('what is not a token is an InputError on one line', () => {
  const refuses = (input: string, message = ''): void => {
    let caught: unknown;
    try {
      decodeToken(input);
    } catch (error) {
      caught = error;
    }
    expect(caught, input.slice(0, 200)).toBeInstanceOf(InputError);
    const said = (caught as InputError).message;
    expect(said).toContain(message);
    expect(said).not.toContain('\n');
    expect(said.length).toBeLessThan(200);
  };

  test('4,000 random corruptions', () => {
    const prng = new Prng('corruptions');
    const alphabet = 'ABCdef019-_.%/ \u{e9}';
    for (let i = 0; i < 4_000; i++) {
      const whole = encodeToken(i % 2 === 0 ? FOUND : SHRUNK);
      const characters = [...whole];
      const odd = alphabet[prng.below(alphabet.length)]!;
      const at = prng.below(characters.length);
      const kind = prng.below(4);
      if (kind === 0) characters[at] = odd;
      else if (kind === 1) characters.splice(at, 1 + prng.below(3));
      else if (kind === 2) characters.splice(at, 0, odd);
      else characters.splice(at, 2, ...characters.slice(at, at + 2).reverse());
      if (characters.join('').trim() !== whole) refuses(characters.join(''));
    }
  });

  test('every truncation', () => {
    const whole = encodeToken(FOUND);
    for (let length = 0; length < whole.length; length++) refuses(whole.slice(0, length));
  });

  test('any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => `B1.${s}`),
        ),
        (any) => {
          refuses(any);
        },
      ),
    );
  });

  test.each([
    ['', 'expected a token'],
    ['B3.lost-update.AQE.00000000', 'token of version 3, this Bohrbug reads versions 1 and 2'],
    ['B1', 'cut off'],
    ['B1.x', 'cut off'],
    ['B1.lost-update.AQE.00000000', 'token check fails'],
    ['v7.2', 'expected a token'],
  ])('%s', (input, message) => refuses(input, message));

  /** A token whose frame is sound, around a payload that may not be. */
  function framed(write: (writer: ByteWriter) => void, scenario = 'x'): string {
    const writer = new ByteWriter();
    write(writer);
    const word = `B1.${scenario}.${encodeBase64url(writer.finish())}`;
    return `${word}.${fingerprintOf(word).slice(0, 8)}`;
  }

  const bytes =
    (...values: number[]) =>
    (writer: ByteWriter) =>
      writer.bytes(Uint8Array.from(values));

  test.each([
    ['nothing', framed(bytes()), '1 bytes expected, 0 left'],
    ['no count', framed(bytes(0x03)), '1 bytes expected'],
    ['bytes after the end', framed(bytes(0x03, 0, 0)), '1 bytes too many'],
    ['an unknown flag', framed(bytes(0x83, 0)), 'not in its only valid form'],
    ['a usual value spelt out', framed(bytes(0x07, 0, 0)), 'not in its only valid form'],
    ['a deviation by no places', framed(bytes(0x03, 1, 0, 0)), 'deviation by 0 places'],
    ['more deviations than bytes', framed(bytes(0x03, 100, 0, 1)), '100 deviations do not fit'],
    ['a character beyond all', framed(bytes(0x07, 1, 0x80, 0x80, 4)), 'is no character'],
    ['an odd escape', framed(bytes(0x03, 0), '%zz'), 'scenario is not well written'],
    ['an escape that needs none', framed(bytes(0x03, 0), '%78'), 'not in its only valid form'],
  ])('%s', (_, input, message) => refuses(input, message));

  test('counts and gaps that would take all memory', () => {
    const many = framed((writer) => {
      writer.u8(0x03);
      writer.varint(Number.MAX_SAFE_INTEGER);
    });
    refuses(many, 'do not fit');
    const far = framed((writer) => {
      writer.u8(0x03);
      writer.varint(1);
      writer.varint(2 ** 40);
      writer.varint(1);
    });
    refuses(far, 'deviation at choice');
  });

  test('texts of many megabytes, at once', () => {
    refuses('B1.'.padEnd(2 ** 24 + 1, 'A'), 'characters, at most');
    refuses(' '.repeat(2 ** 25));
    refuses('B1.x.'.padEnd(2 ** 23, 'A'));
    refuses('B'.padEnd(2 ** 23, '1'));
  });
});

test("a schedule too long for a token is the caller's to know", () => {
  const at = Array.from({ length: TOKEN_DEVIATIONS_MAX + 1 }, (_, i) => i);
  const long: Token = { ...SHRUNK, schedule: { at, skip: at.map(() => 1) } };
  expect(() => encodeToken(long)).toThrow(InputError);
  const most: Token = { ...SHRUNK, schedule: { at: at.slice(1), skip: at.slice(1).map(() => 1) } };
  expect(decodeToken(encodeToken(most))).toEqual(most);
});

test('a name with half a character cannot be encoded', () => {
  expect(() => encodeToken({ ...SHRUNK, header: { ...USUAL, scenario: 'x\ud800' } })).toThrow(
    InputError,
  );
});
