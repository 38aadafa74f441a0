import { encodeProgram } from '../bpf/isa/encode.ts';
import type { Insn } from '../bpf/isa/insn.ts';
import { CMD, PROG_TYPE } from '../bpf/uapi.ts';
import type { Sim } from '../sim/request.ts';
import { moveFd } from './common.ts';
import { scenario } from './dsl.ts';
import type { Proc } from './proc.ts';
import { cString, intAt, ints, words } from './user-memory.ts';

const BPF_FUNC_sys_close = 168;
const BPF_F_SLEEPABLE = 1 << 4;

/** A program that closes these descriptors, one after the other. */
function closingProgram(fds: readonly number[]): Uint8Array {
  const insns = fds.flatMap((fd): Insn[] => [
    { kind: 'alu', op: 'mov', wide: true, dst: 1, src: { imm: fd } },
    { kind: 'call', target: 'helper', imm: BPF_FUNC_sys_close, off: 0 },
  ]);
  return encodeProgram([...insns, { kind: 'exit' }]);
}

/** Loads a program that closes these descriptors. Its own descriptor. */
export function* loadClosing(p: Proc, fds: readonly number[]): Sim<number> {
  const code = closingProgram(fds);
  const text = p.mmap({ content: new Uint8Array([...code, ...cString('GPL')]) });
  const attr = new Uint8Array(48);
  attr.set(ints(PROG_TYPE.SYSCALL, code.length / 8));
  attr.set(words(text, text + code.length), 8);
  attr.set(ints(BPF_F_SLEEPABLE), 44);
  return yield* p.bpf(CMD.PROG_LOAD, attr);
}

/**
 * Runs a program: what it gives, or -errno where it did not run. The page for that lets the kernel
 * wait before it can be written.
 */
export function* runProgram(p: Proc, fd: number): Sim<{ retval: number } | number> {
  const content = new Uint8Array([...ints(fd, 0), ...words(0)]);
  const attr = p.mmap({ blocking: 'write', content });
  const result = yield* p.sys('bpf', CMD.PROG_TEST_RUN, attr, content.length);
  if (result < 0) return result;
  return { retval: intAt((yield* p.peek(attr, content.length))!, 4) };
}

/**
 * Spec 00 R53: a program may close any descriptor, that of itself too, since whoever runs it holds
 * a reference on the program and no longer its file. A runs one that closes its own descriptor;
 * B closes the other one of the same file meanwhile.
 */
export default scenario({
  name: 'prog-run-close',
  about: 'A BPF program closes its own descriptor while another table drops the last reference',
  *setup(init) {
    yield* moveFd(init, init.ok(yield* loadClosing(init, [6])), 42);
    yield* init.start('B');
    yield* moveFd(init, 42, 6);
    yield* init.start('A');
    init.ok(yield* init.close(6));
  },
  processes: {
    *A(p) {
      const { retval } = p.ok(yield* runProgram(p, 6));
      p.check(retval === 0, 'bpf_sys_close() closes the descriptor');
    },
    *B(p) {
      p.ok(yield* p.close(42));
    },
  },
  variants: {
    good: { about: 'the bracket around the lookup has ended before the program runs' },
    bad: {
      about: 'the bracket is held around the run, and no reference on the program',
      mutations: ['prog_run.keep-bracket'],
      expect: ['borrow-rule', 'use-after-free'],
    },
    'bad-v6.1': {
      about: 'the same where freeing a file waits for a grace period',
      mutations: ['prog_run.keep-bracket'],
      profile: 'v6.1',
      expect: ['borrow-rule', 'use-after-free'],
    },
  },
});
