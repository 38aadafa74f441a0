/** The executor of the simulated kernel: one kernel, booted once, and put back for each program. */
import { Stay } from '../../sim/strategies/stay.ts';
import type { Sim } from '../../sim/request.ts';
import { RLIMIT_NOFILE } from '../../kernel/process/uapi.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { scenario } from '../../scenarios/dsl.ts';
import { words } from '../../scenarios/user-memory.ts';
import { World } from '../../scenarios/world.ts';
import type { ProgramExecutor } from './executor.ts';
import { serialise, type Program } from './program.ts';
import type { Results } from './report.ts';
import { EXE, Run } from './simulated-process.ts';
import { resumeProgram, runProgram } from './simulated-program.ts';

const LIMIT = 1024;
const NOBODY = 65_534;
const O_RDWR = 2;
const SIGPIPE = 13;
const SIG_IGN = 1;
const PR_SET_DUMPABLE = 4;

export function createExecutor(): ProgramExecutor {
  return new SimulatedExecutor();
}

class SimulatedExecutor implements ProgramExecutor {
  readonly #world: World;
  #run = new Run([]);

  constructor() {
    const kernelOf = (): World['kernel'] => this.#world.kernel;
    this.#world = new World(
      scenario({
        name: 'linux',
        about: 'random programs of system calls',
        setup: prepare,
        processes: { program: (p) => runProgram(kernelOf(), p, this.#run) },
        images: { [EXE]: (p) => resumeProgram(kernelOf(), p, this.#run) },
      }),
    );
  }

  run(program: Program): Results {
    this.#run = new Run(program);
    const { failures } = this.#world.run(new Stay());
    const failure = failures[0];
    if (failure) throw new Error(`${failure.text}\n${serialise(program)}`);
    return this.#run.results;
  }
}

/** What programs start with; see prepare() and start_program() of runner.c. */
function* prepare(p: Proc): Sim<void> {
  p.ok(yield* p.open('/dev/null', O_RDWR));
  p.ok(yield* p.dup(0));
  p.ok(yield* p.dup(0));
  p.ok(yield* p.setrlimit(RLIMIT_NOFILE, LIMIT));
  const ignore = p.mmap({ content: words(SIG_IGN, 0, 0, 0) });
  p.ok(yield* p.sys('rt_sigaction', SIGPIPE, ignore, 0, 8));
  p.ok(yield* p.sys('setgid', NOBODY));
  p.ok(yield* p.setuid(NOBODY));
  p.ok(yield* p.prctl(PR_SET_DUMPABLE, 1));
}
