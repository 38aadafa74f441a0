/** Programs as user code of the simulated kernel: what runner.c is on Linux. */
import { CLONE_FILES } from '../../kernel/fs/uapi.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { P_PID, SIGCHLD, WEXITED, WNOWAIT } from '../../kernel/process/uapi.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { intAt, words } from '../../scenarios/user-memory.ts';
import type { Sim } from '../../sim/request.ts';
import type { Call, Fork, Path } from './program.ts';
import { callsOf, type Calls } from './simulated-calls.ts';
import {
  BUFFER_BYTES,
  Process,
  SCRATCH_BYTES,
  statusOut,
  type Answer,
  type Run,
  type Step,
} from './simulated-process.ts';

export function* runProgram(kernel: Kernel, p: Proc, run: Run): Sim<void> {
  run.pids[0] = yield* p.getpid();
  yield* new Walk(newImage(kernel, p, run)).from(run.steps, 0);
}

/** The new image of a process that has executed itself. */
export function* resumeProgram(kernel: Kernel, p: Proc, run: Run): Sim<void> {
  const { steps, index } = run.resume!;
  const process = newImage(kernel, p, run);
  run.report(steps[index]!.at, { ret: 0, out: yield* process.descriptors() });
  yield* new Walk(process).from(steps, index + 1);
}

function newImage(kernel: Kernel, p: Proc, run: Run): Process {
  const buffer = p.mmap({ sizeBytes: BUFFER_BYTES, resident: false });
  const scratch = p.mmap({ sizeBytes: SCRATCH_BYTES });
  return new Process(kernel, p, { run, buffer, scratch });
}

/** One process on its way through its ops. */
class Walk {
  readonly #process: Process;
  readonly #calls: Calls;

  constructor(process: Process) {
    this.#process = process;
    this.#calls = callsOf(process);
  }

  *from(steps: readonly Step[], first: number): Sim<void> {
    const { p, shared } = this.#process;
    for (let index = first; index < steps.length; index++) {
      const { at, op, child } = steps[index]!;
      if (op.kind === 'fork') {
        shared.report(at, yield* this.#fork(at, op, child));
      } else if (op.kind === 'exit') {
        shared.report(at, { ret: 0 });
        yield* p.exit(op.code);
      } else if (op.kind === 'exec') {
        shared.resume = { steps, index };
        shared.report(at, yield* this.#exec(op.path));
      } else {
        const call = this.#calls[op.kind] as (op: Call, at: number) => Sim<Answer>;
        shared.report(at, yield* call(op, at));
      }
    }
  }

  *#fork(at: number, { how, files }: Fork, child: readonly Step[]): Sim<Answer> {
    const { p, shared, kernel, state, scratch } = this.#process;
    const index = shared.pids.length;
    shared.pids.push(0);
    const pid = yield* p.clone(SIGCHLD | (files ? CLONE_FILES : 0), function* (own) {
      shared.pids[index] = yield* own.getpid();
      yield* new Walk(new Process(kernel, own, state)).from(child, 0);
    });
    if (pid < 0) return { ret: pid };
    shared.pids[index] = pid;
    shared.made(at, pid);
    if (how === 'hold') {
      p.ok(yield* p.sys('waitid', P_PID, pid, scratch, WEXITED | WNOWAIT, 0));
      return { ret: `p${index}` };
    }
    p.ok(yield* p.sys('wait4', pid, scratch, 0, 0));
    const status = intAt(yield* this.#process.load(scratch, 4), 0);
    return { ret: `p${index}`, out: [statusOut(status)] };
  }

  /** Comes back only where it fails. */
  *#exec(path: Path): Sim<Answer> {
    const { p, scratch } = this.#process;
    const filename = yield* this.#process.path(path);
    const argv = scratch + SCRATCH_BYTES / 2;
    yield* this.#process.store(argv, words(scratch, 0));
    return { ret: yield* p.sys('execve', filename, argv, argv + 8) };
  }
}
