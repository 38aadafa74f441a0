import { expect, test } from 'vitest';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import type { Insn } from '../../../bpf/isa/insn.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';

/** An Ethernet header of IPv4, and what stands behind it. */
const PACKET = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 0x45, 0, 0, 20, 30, 40);
const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;

/** What a socket filter reads of the packet, and returns. */
function read(offset: number, size: 1 | 2 | 4): number {
  const insns: Insn[] = [
    { kind: 'alu', op: 'mov', wide: true, dst: 6, src: { reg: 1 } },
    { kind: 'ld_abs', size, imm: offset },
    { kind: 'exit' },
  ] as unknown as Insn[];
  return new BpfSandbox({ cpus: 1 }).run(function* (p) {
    const type = PROG_TYPE.SOCKET_FILTER;
    const program = { type, insns: encodeProgram(insns), license: 'GPL', name: 'reads' };
    const { fd } = yield* p.calls.progLoad(program);
    const { result, retval } = yield* p.calls.testRun(p.ok(fd), { dataIn: PACKET });
    p.ok(result);
    return retval >>> 0;
  });
}

test.each([
  ['the first byte behind the header', 0, 1, 0x45],
  ['in network order', 2, 2, 20],
  ['the last two', 4, 2, 0x1e28],
  ['one too many: the program ends with 0', 5, 2, 0],
  ['from the network header', SKF_NET_OFF, 1, 0x45],
  ['from the link header: the type', SKF_LL_OFF + 12, 2, 0x0800],
  ['from the link header: an address', SKF_LL_OFF, 4, 0x0102_0304],
  ['neither', -1 + SKF_LL_OFF, 1, 0],
] as const)('a filter reads %s', (_what, offset, size, value) => {
  expect(read(offset, size)).toBe(value);
});
