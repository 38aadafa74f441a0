/** What ops of programs need of the process that they run in, on the simulated kernel. */
import type { Kernel } from '../../kernel/kernel.ts';
import { errnoText } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { cString } from '../../scenarios/user-memory.ts';
import type { Op, Path, Program, Ptr, Ref } from './program.ts';
import { descriptorsOut, type OpenDescriptor, type Result } from './report.ts';

/** What `exec self` executes. */
export const EXE = '/proc/self/exe';
const PATHS: ReadonlyMap<string, string> = new Map([
  ['devnull', '/dev/null'],
  ['missing', '/nonexistent/file'],
  ['empty', ''],
  ['root', '/'],
  ['under', '/dev/null/file'],
  ['self', EXE],
]);
const BAD_ADDRESS = 8;
const KERNEL_ADDRESS = 0xffff_8000_0000_0000;
export const BUFFER_BYTES = 1 << 17;
export const SCRATCH_BYTES = 4096;
const F_GETFD = 1;
const F_GETFL = 3;

/** What an op returned, and what is said of it. */
export interface Answer {
  /** -errno where it failed; a word for processes. */
  readonly ret: number | string;
  readonly out?: readonly string[];
  readonly skipped?: boolean;
}

/** An op with its number; of a fork, with those of its child. */
export interface Step {
  readonly at: number;
  readonly op: Op;
  readonly child: readonly Step[];
}

/** What all processes of a program share. */
export class Run {
  readonly results: Result[] = [];
  readonly steps: readonly Step[];
  readonly pids: number[] = [];
  /** By op: the descriptors and pids that it made. */
  readonly #values = new Map<number, number[]>();
  /** Where a process that execs goes on: after `steps[index]`. */
  resume: { readonly steps: readonly Step[]; readonly index: number } | null = null;

  constructor(program: Program) {
    this.steps = stepsOf(program, { next: 0 });
  }

  /** A number that an op has made. */
  made(at: number, value: number): void {
    const values = this.#values.get(at);
    if (values) values.push(value);
    else this.#values.set(at, [value]);
  }

  valueOf(operand: number | Ref): number {
    if (typeof operand === 'number') return operand;
    return this.#values.get(operand.op)?.[operand.part] ?? -1;
  }

  /** `p1`, `outside`. */
  processName(pid: number): string {
    const index = this.pids.lastIndexOf(pid);
    return index < 0 ? 'outside' : `p${index}`;
  }

  report(at: number, { ret, out = [], skipped = false }: Answer): void {
    if (skipped) this.results.push({ at, ret: '-1', errno: 'SKIPPED', out });
    else if (typeof ret === 'number' && ret < 0) {
      this.results.push({ at, ret: '-1', errno: errnoText(ret).slice(1), out });
    } else this.results.push({ at, ret: String(ret), errno: '-', out });
  }
}

function stepsOf(program: Program, counter: { next: number }): readonly Step[] {
  return program.map((op) => {
    const at = counter.next++;
    return { at, op, child: op.kind === 'fork' ? stepsOf(op.child, counter) : [] };
  });
}

export interface ProcessState {
  readonly run: Run;
  /** User address of BUFFER_BYTES. */
  readonly buffer: number;
  /** User address of SCRATCH_BYTES. */
  readonly scratch: number;
}

/** One image of one process. */
export class Process {
  readonly kernel: Kernel;
  readonly p: Proc;
  readonly state: ProcessState;

  constructor(kernel: Kernel, p: Proc, state: ProcessState) {
    this.kernel = kernel;
    this.p = p;
    this.state = state;
  }

  get shared(): Run {
    return this.state.run;
  }

  get buffer(): number {
    return this.state.buffer;
  }

  get scratch(): number {
    return this.state.scratch;
  }

  // Operands

  /** Of a plain operand, or of a reference to what an op has made. */
  value(operand: number | Ref): number {
    return this.shared.valueOf(operand);
  }

  pointer(word: Ptr | Path | 'buf', good: number): number {
    if (word === 'null') return 0;
    if (word === 'bad') return BAD_ADDRESS;
    return word === 'kernel' ? KERNEL_ADDRESS : good;
  }

  /** The address of a path, which stands in the scratch area. */
  *path(word: Path): Sim<number> {
    const text = PATHS.get(word);
    if (text !== undefined) yield* this.store(this.scratch, cString(text));
    return this.pointer(word, this.scratch);
  }

  /** Of which kind a file is: the name of its operations. What fstat() would say. */
  opsOf(fd: number): string | undefined {
    const { fs, sched } = this.kernel;
    const file = fs.tables.slot(sched.current.s.files, fd);
    return file === 0 ? undefined : fs.files.opsOf(file).name;
  }

  // Memory, as user code touches it

  *store(addr: number, bytes: Uint8Array): Sim<void> {
    yield* this.p.poke(addr, bytes);
  }

  *load(addr: number, sizeBytes: number): Sim<Uint8Array> {
    return (yield* this.p.peek(addr, sizeBytes)) ?? new Uint8Array(sizeBytes);
  }

  // Reports

  *descriptors(): Sim<string[]> {
    const { tables } = this.kernel.fs;
    const open: OpenDescriptor[] = [];
    for (const { fd } of tables.installed(this.kernel.sched.current.s.files)) {
      const cloexec = (yield* this.p.fcntl(fd, F_GETFD)) !== 0;
      open.push({ fd, flags: yield* this.p.fcntl(fd, F_GETFL), cloexec });
    }
    return descriptorsOut(open);
  }
}

/** A status of wait4(). */
export function statusOut(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? `status=exit:${(status >> 8) & 0xff}` : `status=signal:${signal}`;
}
