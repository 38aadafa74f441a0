import { expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';
import { EFAULT } from '../../../kernel/errno.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { words } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { solo } from '../../kit/fd-world.ts';

const BPF_F_SLEEPABLE = 1 << 4;
const PAGE = 4_096;

/** Eight bytes, 1 to 8, to the address that the context holds. */
const PROGRAM = `
  r2 = 0x0807060504030201 ll
  *(u64 *)(r10 - 8) = r2
  r1 = *(u64 *)(r1 + 0)
  r2 = r10
  r2 += -8
  r3 = 8
  call 36
  exit
`;

function* loadWriter(p: Proc): Sim<number> {
  const insns = encodeProgram(assemble(PROGRAM));
  const flags = BPF_F_SLEEPABLE;
  const loaded = yield* p.calls.progLoad({
    type: PROG_TYPE.SYSCALL,
    insns,
    license: 'GPL',
    name: 'writer',
    flags,
  });
  return p.ok(loaded.fd);
}

function* write(p: Proc, fd: number, addr: number | bigint): Sim<number> {
  const run = yield* p.calls.testRun(fd, { ctxIn: words(Number(addr)) });
  p.ok(run.result);
  return run.retval | 0;
}

// Linux 7.2.13 was asked the same, in a child that has not written to its stack: pages shared
// since the fork, the page behind one that can be written to, three bytes before it, kernel memory.
test('bpf_probe_write_user: no page is faulted in; what stands before one is written', () => {
  solo('v7.2', function* (p) {
    const fd = yield* loadWriter(p);
    const at = p.mmap({ sizeBytes: 2 * PAGE, resident: false });
    const edge = at + PAGE;
    expect(yield* write(p, fd, at)).toBe(-EFAULT);
    yield* p.poke(at, '.');
    expect(yield* write(p, fd, at)).toBe(0);
    expect(yield* p.peek(at, 8)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(yield* write(p, fd, edge - 3)).toBe(-EFAULT);
    expect(yield* p.peek(edge - 8, 8)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 1, 2, 3));
    expect(yield* write(p, fd, edge)).toBe(-EFAULT);
    expect(yield* write(p, fd, 2 ** 47 - PAGE)).toBe(-EFAULT);
    const child = p.ok(
      yield* p.fork(function* (c) {
        expect(yield* write(c, fd, at)).toBe(-EFAULT);
        yield* c.poke(at, '.');
        expect(yield* write(c, fd, at)).toBe(0);
        c.note('child', true);
      }),
    );
    p.ok(yield* p.wait(child));
    expect(p.noted('child')).toBe(true);
    expect(yield* write(p, fd, at)).toBe(-EFAULT); // its own since, and not known to be
    yield* p.poke(at, '.');
    expect(yield* write(p, fd, at)).toBe(0);
  });
});
