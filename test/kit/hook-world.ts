import { Hooks } from '../../bpf/attach/hooks.ts';
import { args } from '../../bpf/helpers/args.ts';
import { helper, type Helper } from '../../bpf/helpers/prototype.ts';
import type { Insn } from '../../bpf/isa/insn.ts';
import type { ExecProgram } from '../../bpf/prog/exec-program.ts';
import { bpf_prog } from '../../bpf/prog/program.ts';
import { EBADF } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { stackOf } from '../../sim/fiber.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { call, exit, load, mov, RunnerKernel, type RunnerOptions } from './bpf-program.ts';

const INSIDE = site('hook_world', 'inside');
const NOTE = 1_000;
const DO = 999;
const SIGCHLD = 17;

/** What a program saw when it ran. */
export interface Seen {
  readonly program: string;
  /** The words of its context that it has loaded. */
  readonly words: readonly bigint[];
  readonly comm: string;
  readonly cpu: number;
  readonly preemptCount: number;
  readonly rcuDepth: number;
  readonly stack: readonly string[];
}

/** A kernel with everything that programs hang on, and programs that write down what they see. */
export class HookWorld extends RunnerKernel {
  readonly hooks: Hooks;
  readonly seen: Seen[] = [];
  /** By descriptor. */
  readonly fds = new Map<number, ExecProgram>();
  /** Programs of which a reference has been put. */
  readonly put: ExecProgram[] = [];
  #acts = new Map<string, () => Sim<void>>();

  constructor(options: RunnerOptions = {}) {
    super(options);
    const { fds, put, programs } = this;
    this.hooks = new Hooks({
      runner: this.runner,
      programs: {
        *bpf_prog_get(fd) {
          return fds.get(fd) ?? -EBADF;
        },
        *bpf_prog_inc() {},
        *bpf_prog_put(addr) {
          put.push(programs.get(addr)!);
        },
        at: (addr) => programs.get(addr),
      },
    });
    this.hooks.install();
  }

  /**
   * A program that notes `count` words of its context from byte `from` on, then does `act` as if a
   * helper did, and gives `r0`.
   */
  program(
    name: string,
    count: number,
    more: {
      from?: number;
      act?: () => Sim<void>;
      r0?: number;
      type?: number;
      sleepable?: boolean;
    } = {},
  ): ExecProgram {
    const { from = 0, act, r0 = 0, type = 0, sleepable = false } = more;
    const words = Array.from({ length: count }, (_, i) => [
      load(8, 1, 6, from + 8 * i),
      call('helper', NOTE + 1 + i),
    ]).flat();
    if (act) this.#acts.set(name, act);
    const insns: Insn[] = [
      mov(6, 'r1'),
      call('helper', NOTE),
      ...words,
      call('helper', DO),
      mov(0, r0),
      exit,
    ];
    const loaded = this.load({ name, insns, helpers: this.#helpers(count) });
    const prog: ExecProgram = { ...loaded, type, sleepable };
    this.programs.set(prog.addr, prog);
    return prog;
  }

  misses({ addr }: ExecProgram): bigint {
    const { memory } = this.kernel.machine;
    return memory.unwatched(() => bpf_prog.at(memory, addr).recursion_misses);
  }

  runs({ addr }: ExecProgram): bigint {
    const { memory } = this.kernel.machine;
    return memory.unwatched(() => bpf_prog.at(memory, addr).run_cnt);
  }

  sys(name: string, ...registers: number[]): Sim<number> {
    return this.kernel.syscalls.invoke(name, ...registers);
  }

  *fork(comm: string, run: () => Sim<number | void>): Sim<number> {
    const { sched, processes } = this.kernel;
    processes.clones.nextBody.set(sched.current, { run, comm, path: comm });
    return yield* this.sys('clone', SIGCHLD, 0, 0, 0, 0);
  }

  *userBytes(bytes: Uint8Array, offset = 0): Sim<number> {
    const { mm, sched } = this.kernel;
    const at = mm.mmArena(sched.current.s.mm).addr + offset;
    yield* mm.userWrite(at, bytes);
    return at;
  }

  *path(text: string, offset = 0): Sim<number> {
    return yield* this.userBytes(new TextEncoder().encode(`${text}\0`), offset);
  }

  #helpers(count: number): Helper[] {
    const begin = helper({
      id: NOTE,
      name: 'note_begin',
      args: [],
      run: ({ kernel, prog }) => {
        this.seen.push(seenBy(kernel, prog.name));
        return 0;
      },
    });
    const word = (id: number) =>
      helper({
        id,
        name: 'note_word',
        args: [args.anything],
        run: ({ prog }, value) => {
          const last = this.seen.findLast(({ program }) => program === prog.name)!;
          (last.words as bigint[]).push(value);
          return 0;
        },
      });
    const act = helper({
      id: DO,
      name: 'do_act',
      args: [],
      run: ({ prog }) => this.#act(prog.name),
    });
    return [begin, act, ...Array.from({ length: count }, (_, i) => word(NOTE + 1 + i))];
  }

  *#act(name: string): Sim<number> {
    yield* step(INSIDE);
    const act = this.#acts.get(name);
    if (act) yield* act();
    return 0;
  }
}

function seenBy({ cpus, machine }: Kernel, program: string): Seen {
  return {
    program,
    words: [],
    comm: cpus.current.comm,
    cpu: cpus.this.id,
    preemptCount: cpus.this.preemptCount,
    rcuDepth: cpus.context?.rcuDepth ?? -1,
    stack: stackOf(machine.fiber!).map(({ symbol }) => symbol.name),
  };
}
