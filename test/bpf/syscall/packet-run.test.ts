import { expect, test } from 'vitest';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import type { Insn } from '../../../bpf/isa/insn.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';
import { EINVAL } from '../../../kernel/errno.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';

const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const OTHER = 0x88b5;

/** An Ethernet header, and what stands behind it. */
function packet(type: number, behind: readonly number[]): Uint8Array {
  return Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, type >> 8, type & 0xff, ...behind);
}

const BEHIND = [0x45, 0, 0, 20, 30, 40, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/** What a socket filter reads of a packet, and returns; or -errno. */
function read(dataIn: Uint8Array, offset: number, size: 1 | 2 | 4): number {
  const insns: Insn[] = [
    { kind: 'alu', op: 'mov', wide: true, dst: 6, src: { reg: 1 } },
    { kind: 'ld_abs', size, imm: offset },
    { kind: 'exit' },
  ] as unknown as Insn[];
  return new BpfSandbox({ cpus: 1 }).run(function* (p) {
    const type = PROG_TYPE.SOCKET_FILTER;
    const program = { type, insns: encodeProgram(insns), license: 'GPL', name: 'reads' };
    const { fd } = yield* p.calls.progLoad(program);
    const { result, retval } = yield* p.calls.testRun(p.ok(fd), { dataIn });
    return result < 0 ? result : retval >>> 0;
  });
}

// As Linux 7.2 answers.
test.each([
  ['the first byte behind the header', 0, 1, 0x45],
  ['in network order', 2, 2, 20],
  ['two more', 4, 2, 0x1e28],
  ['the last two', 18, 2, 0x0c0d],
  ['one too many: the program ends with 0', 19, 2, 0],
  ['from the network header', SKF_NET_OFF, 1, 0x45],
  ['from there, the last', SKF_NET_OFF + 19, 1, 13],
  ['from there, one too many', SKF_NET_OFF + 20, 1, 0],
  ['from the link header: the type', SKF_LL_OFF + 12, 2, IPV4],
  ['from the link header: an address', SKF_LL_OFF, 4, 0x0102_0304],
  ['in front of the link header', SKF_LL_OFF - 1, 1, 0],
  ['in front of the network header', SKF_NET_OFF - 1, 1, 0],
  ['behind what is below zero', -1, 1, 0],
] as const)('a filter reads %s', (_what, offset, size, value) => {
  expect(read(packet(IPV4, BEHIND), offset, size)).toBe(value);
});

test.each([
  ['IPv4, short', IPV4, 19, -EINVAL],
  ['IPv4', IPV4, 20, 0],
  ['IPv6, short', IPV6, 39, -EINVAL],
  ['IPv6', IPV6, 40, 0],
  ['of another type', OTHER, 0, 0],
] as const)('a packet is taken with its header: %s', (_what, type, bytes, result) => {
  expect(
    read(
      packet(
        type,
        Array.from({ length: bytes }, () => 0),
      ),
      0,
      1,
    ),
  ).toBe(result);
});
