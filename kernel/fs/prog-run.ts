import { array, s32, struct, u32, u64 } from '../../base/layout.ts';
import { access, kernelText, READ, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { E2BIG, EBADF, EFAULT, EINVAL, ENOMEM, EPERM } from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import type { Refcounts } from '../locks/refcount.ts';
import type { Machine } from '../machine.ts';
import type { RcuTasksTrace } from '../rcu/tasks-trace.ts';
import type { AnonInodes } from './anon-inode.ts';
import type { Fd } from './checkers.ts';
import type { Closing } from './close.ts';
import { intBytes, privateOf, unsignedAt, type DriverParts } from './driver.ts';
import type { FileTable } from './file.ts';
import type { Lookup } from './lookup.ts';
import { O_CLOEXEC, O_RDWR } from './uapi.ts';

/** include/uapi/linux/bpf.h */
export const BPF_PROG_LOAD = 5;
export const BPF_PROG_RUN = 10;
export const BPF_PROG_TYPE_SYSCALL = 31;
const BPF_FUNC_sys_close = 168;
const CAP_SYS_ADMIN = 21;
const CAP_BPF = 39;

/** The codes of the instructions that there are: `r = imm`, `call imm`, `exit`. */
const MOV_IMM = 0xb7;
const CALL = 0x85;
const EXIT = 0x95;
const INSN_BYTES = 8;
const INSNS_MAX = 32;
const ATTR_BYTES = 16;
/** union bpf_attr: test.retval */
const RETVAL = 4;

const GET = site('bpf_prog_get', 'inc');
const PUT = site('bpf_prog_put', 'dec');
const FETCH = site('bpf_prog_run', 'fetch');

/** Its instructions stand in it: a run reads them one by one. include/linux/bpf.h, filter.h */
export const bpf_prog = struct('bpf_prog', {
  refcnt: s32,
  len: u32, // instructions
  run_cnt: u64,
  insns: array(u64, INSNS_MAX),
});

export interface ProgRunParts extends Pick<DriverParts, 'kasan' | 'user'> {
  readonly anon: Pick<AnonInodes, 'anon_inode_getfd'>;
  readonly lookup: Pick<Lookup, 'fdget' | 'fdput' | 'use'>;
  readonly files: Pick<FileTable, 'opsOf'>;
  readonly closing: Pick<Closing, 'close_fd'>;
  readonly refcounts: Refcounts;
  readonly rcuTasksTrace: RcuTasksTrace;
  readonly capable: (cap: number) => boolean;
}

/**
 * Stands in for BPF_PROG_LOAD and BPF_PROG_RUN of a syscall program until there is kernel/bpf, and
 * goes then. A program here may set registers, call bpf_sys_close() and exit; anything else is
 * refused. What is as in Linux is how a run holds its program, spec 00 R53. kernel/bpf/syscall.c
 */
export class ProgRun {
  readonly #machine: Machine;
  readonly #parts: ProgRunParts;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'bpf_prog_fops',
    module: '',
    release: (file) => this.bpf_prog_release(file),
  };

  constructor(machine: Machine, parts: ProgRunParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 321,
        name: 'bpf',
        args: ['cmd', 'uattr_addr', 'size'],
        run: (cmd, addr, size) => this.sys_bpf(cmd! | 0, addr!, size! >>> 0),
      },
    ];
  }

  *sys_bpf(cmd: number, addr: number, size: number): Sim<number> {
    const { user, capable } = this.#parts;
    if (size < ATTR_BYTES) return -EINVAL;
    const attr = yield* user.copy_from_user(addr, ATTR_BYTES);
    if (!attr) return -EFAULT;
    const word = (at: number): number => Number(unsignedAt(attr, at, 4));
    switch (cmd) {
      case BPF_PROG_LOAD:
        if (!capable(CAP_BPF) && !capable(CAP_SYS_ADMIN)) return -EPERM;
        if (word(0) !== BPF_PROG_TYPE_SYSCALL) return -EINVAL;
        return yield* this.bpf_prog_load(Number(unsignedAt(attr, 8, 8)), word(4));
      case BPF_PROG_RUN:
        return yield* this.bpf_prog_test_run(word(0) | 0, addr + RETVAL);
      default:
        return -EINVAL;
    }
  }

  /** A descriptor of a program of so many instructions in user memory, or -errno. */
  *bpf_prog_load(from: number, count: number): Sim<number> {
    const { user, kasan, anon } = this.#parts;
    const { memory, slab } = this.#machine;
    if (count === 0 || count > INSNS_MAX) return -E2BIG;
    const insns = yield* user.copy_from_user(from, count * INSN_BYTES);
    if (!insns) return -EFAULT;
    if (!isAllowed(insns)) return -EINVAL;
    const addr = this.#machine.mayAlloc('bpf_prog') ? slab.kzalloc(bpf_prog.sizeBytes) : 0;
    if (addr === 0) return -ENOMEM;
    const prog = bpf_prog.at(memory, addr);
    prog.refcnt = 1;
    prog.len = count;
    for (let i = 0; i < count; i++) {
      memory.setU64(prog.insns + i * INSN_BYTES, unsignedAt(insns, i * INSN_BYTES, 8));
    }
    const fd = yield* anon.anon_inode_getfd({
      ops: this.ops,
      flags: O_RDWR | O_CLOEXEC,
      privateData: addr,
    });
    if (fd < 0) kasan.free(addr);
    return fd;
  }

  /**
   * 0 or -errno; what the program gives goes to user memory. It may close any descriptor, that of
   * its own file too: what it runs on is its own reference, and the bracket has ended before.
   */
  *bpf_prog_test_run(fd: number, retval: number): Sim<number> {
    if (this.#machine.mutated('prog_run.keep-bracket')) {
      return yield* this.#runInBracket(fd, retval);
    }
    const prog = yield* this.bpf_prog_get(fd);
    if (prog < 0) return prog;
    const result = yield* this.bpf_prog_test_run_syscall(prog, retval);
    this.#count(prog);
    yield* this.bpf_prog_put(prog);
    return result;
  }

  /** The program behind a descriptor, with a reference of the caller's own; or -errno. */
  *bpf_prog_get(fd: number): Sim<number> {
    const { lookup, refcounts } = this.#parts;
    const found = yield* lookup.fdget(fd);
    const prog = this.#progOf(found);
    if (prog > 0) yield* refcounts.refcount_inc(GET, prog + bpf_prog.off.refcnt);
    yield* lookup.fdput(found);
    return prog;
  }

  /** The bug: as many drivers do it, who do not run what may close their file. */
  *#runInBracket(fd: number, retval: number): Sim<number> {
    const { lookup } = this.#parts;
    const found = yield* lookup.fdget(fd);
    const prog = this.#progOf(found);
    let result = prog;
    if (prog > 0) {
      result = yield* this.bpf_prog_test_run_syscall(prog, retval);
      yield* lookup.use(found);
      this.#count(privateOf(this.#machine, found.file));
    }
    yield* lookup.fdput(found);
    return result;
  }

  /** net/bpf/test_run.c */
  *bpf_prog_test_run_syscall(prog: number, retval: number): Sim<number> {
    const result = yield* this.bpf_prog_run(prog);
    const left = yield* this.#parts.user.copy_to_user(retval, intBytes(result));
    return left > 0 ? -EFAULT : 0;
  }

  /** Runs it as a reader of sleepable RCU. Its result is what it has in register 0. */
  *bpf_prog_run(prog: number): Sim<number> {
    const { closing, rcuTasksTrace } = this.#parts;
    const { memory } = this.#machine;
    const { len, insns } = bpf_prog.at(memory, prog);
    const registers = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    rcuTasksTrace.rcu_read_lock_trace();
    for (let pc = 0; pc < len; pc++) {
      const at = insns + pc * INSN_BYTES;
      yield* access(FETCH, at, INSN_BYTES, READ);
      const { code, dst, imm } = decode(memory.u64(at));
      if (code === EXIT) break;
      if (code === MOV_IMM) registers[dst] = imm;
      else registers[0] = yield* closing.close_fd(registers[1]!);
    }
    rcuTasksTrace.rcu_read_unlock_trace();
    return registers[0]!;
  }

  /** With the last reference the memory goes, once no program runs that may be it. */
  *bpf_prog_put(prog: number): Sim<void> {
    const { refcounts, rcuTasksTrace, kasan } = this.#parts;
    if (!(yield* refcounts.refcount_dec_and_test(PUT, prog + bpf_prog.off.refcnt))) return;
    rcuTasksTrace.call_rcu_tasks_trace('__bpf_prog_put_rcu', () => kasan.free(prog));
  }

  *bpf_prog_release(file: number): Sim<number> {
    yield* this.bpf_prog_put(privateOf(this.#machine, file));
    return 0;
  }

  #progOf({ file }: Fd): number {
    if (file === 0) return -EBADF;
    if (this.#parts.files.opsOf(file) !== this.ops) return -EINVAL;
    return privateOf(this.#machine, file);
  }

  /** Statistics, which nobody guards. */
  #count(prog: number): void {
    const { memory } = this.#machine;
    memory.unwatched(() => (bpf_prog.at(memory, prog).run_cnt += 1n));
  }
}

kernelText(ProgRun);

interface Insn {
  readonly code: number;
  readonly dst: number;
  readonly imm: number;
}

function decode(insn: bigint): Insn {
  return {
    code: Number(insn & 0xffn),
    dst: Number((insn >> 8n) & 0xfn),
    imm: Number(BigInt.asIntN(32, insn >> 32n)),
  };
}

/** Whether a run can do every instruction, and comes to an end. */
function isAllowed(bytes: Uint8Array): boolean {
  let last = 0;
  for (let at = 0; at < bytes.length; at += INSN_BYTES) {
    const { code, dst, imm } = decode(unsignedAt(bytes, at, 8));
    const isMove = code === MOV_IMM && dst < 10;
    const isClose = code === CALL && imm === BPF_FUNC_sys_close;
    if (!isMove && !isClose && code !== EXIT) return false;
    last = code;
  }
  return last === EXIT;
}

/** A program that closes these descriptors, one after the other. */
export function closingProgram(fds: readonly number[]): Uint8Array {
  const words = fds.flatMap((fd) => [MOV_IMM | (1 << 8), fd, CALL, BPF_FUNC_sys_close]);
  return new Uint8Array(Int32Array.from([...words, EXIT, 0]).buffer);
}
