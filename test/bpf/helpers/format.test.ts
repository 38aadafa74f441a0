import { expect, test } from 'vitest';
import { bprintf, type FormatSource } from '../../../bpf/helpers/format.ts';
import { EINVAL } from '../../../kernel/errno.ts';

const source: FormatSource = {
  string: (address, isUser) => `${isUser ? 'user' : 'kernel'}@${address.toString(16)}`,
  bytes: (_, count) => Uint8Array.from({ length: count }, (_byte, i) => i + 1),
};

const minusOne = 2n ** 64n - 1n;

test.each<[string, bigint[], string]>([
  ['no conversion\n', [], 'no conversion\n'],
  ['100%%', [], '100%'],
  ['%d %i', [minusOne, 5n], '-1 5'],
  ['%d', [0x1_0000_0001n], '1'],
  ['%ld %lld', [0x1_0000_0001n, minusOne], '4294967297 -1'],
  ['%u %lu', [minusOne, minusOne], '4294967295 18446744073709551615'],
  ['%x %X %lx %llX', [0xabn, 0xabn, minusOne, 0xabcn], 'ab AB ffffffffffffffff ABC'],
  [
    '[%5d] [%-5d] [%05d] [%+d] [% d]',
    [42n, 42n, 42n, 42n, 42n],
    '[   42] [42   ] [00042] [+42] [ 42]',
  ],
  ['[%06d]', [BigInt.asUintN(64, -42n)], '[-00042]'],
  ['%c%c', [0x68n, 0x69n], 'hi'],
  ['%s %pks %pus', [0x10n, 0x20n, 0x30n], 'kernel@10 kernel@20 user@30'],
  ['[%12s]', [0x10n], '[   kernel@10]'],
  ['%px', [0xffff_8880_0000_1000n], 'ffff888000001000'],
  ['\u00e9', [], '\u00e9'],
  ['%pi4 %pI4', [1n, 1n], '001.002.003.004 1.2.3.4'],
  [
    '%pi6 %pI6',
    [1n, 1n],
    '0102030405060708090a0b0c0d0e0f10 0102:0304:0506:0708:090a:0b0c:0d0e:0f10',
  ],
])('%j prints as the kernel does', (format, args, text) => {
  expect(bprintf(format, args, source)).toBe(text);
});

test.each<[string, bigint[]]>([
  ['%', []],
  ['%d', []],
  ['%d %d', [1n]],
  ['%f', [1n]],
  ['%hd', [1n]],
  ['%n', [1n]],
  ['%pz4', [1n]],
  ['%*d', [1n, 2n]],
  ['\u0001', []],
  ['%\u00e9', [1n]],
  ['%sx', [1n]],
  ['%d'.repeat(13), Array<bigint>(13).fill(1n)],
])('%j is -EINVAL', (format, args) => {
  expect(bprintf(format, args, source)).toBe(-EINVAL);
});

test('%p hides the address, and is the same for the same one', () => {
  const one = bprintf('%p', [0xffff_8880_0000_1000n], source);
  expect(one).toMatch(/^00000000[0-9a-f]{8}$/);
  expect(one).not.toContain('1000');
  expect(bprintf('%p', [0xffff_8880_0000_1000n], source)).toBe(one);
});
