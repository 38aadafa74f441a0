import pc from 'picocolors';
import { InputError } from '../../../base/errors.ts';
import type { Profile } from '../../../kernel/profile.ts';
import { errnoText } from '../../../kernel/errno.ts';
import { EXIT, type Command, type ExitCode, type Io } from '../../command.ts';
import { foreignOption, withForeignTypes, type ForeignFlags } from '../../foreign.ts';
import { parse, parser, profileFlag, unknown, wholeFlag } from '../../options.ts';
import { readInput } from '../../read-file.ts';
import { count, duration, progressBar } from '../../render/status.ts';
import { tellingEnd } from '../../render/verifier-log.ts';
import { openForVerify, type Verdict } from '../../verify.ts';
import { verifyAll, type ObjectTask } from '../../verify-pool.ts';

const SUMMARY = "the verifier's verdict on every program of objects";
const EXAMPLE = 'bohrbug bpf verify build/*.bpf.o --jobs 4';
const LOG_LEVELS = [0, 1, 2, 4];
/** Of one object: more are shared among threads. */
const TASK_PROGRAMS = 16;

interface Flags extends ForeignFlags {
  readonly prog: readonly string[];
  readonly logLevel: number;
  readonly profile?: Profile;
  readonly flags: number;
  readonly unprivileged?: boolean;
  readonly jobs: number;
  readonly json?: boolean;
}

export const verifyCommand: Command = {
  name: 'verify',
  summary: SUMMARY,
  async run(args, io) {
    const command = parse(
      foreignOption(parser('bpf verify', SUMMARY, EXAMPLE, io))
        .argument('<file...>', 'objects for BPF')
        .option('--prog <name>', 'one program alone; may be repeated', repeated, [])
        .option('--log-level <n>', '0: of what is refused; 1, 2: all; 4: figures', levelFlag, 0)
        .option('--flags <n>', 'more BPF_F_* for BPF_PROG_LOAD, 0x80, say', bitsFlag, 0)
        .option('--unprivileged', 'by a user without capabilities')
        .option('--profile <name>', "the kernel's version", profileFlag)
        .option('--jobs <n>', 'threads', wholeFlag('--jobs', 1), 1)
        .option('--json', 'one JSON object a line'),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const flags = command.opts<Flags>();
    return withForeignTypes(flags, io, () => verifyObjects(command.args, flags, io));
  },
};

async function verifyObjects(paths: readonly string[], flags: Flags, io: Io): Promise<ExitCode> {
  const { tasks, unread } = tasksOf(paths, flags, io);
  const report = new Report(flags, io, tasks);
  const { jobs, btf } = flags;
  const foreign = btf === undefined ? undefined : { path: btf, bytes: readInput(btf, io) };
  for await (const verdict of verifyAll(tasks, { jobs, foreign }, io)) report.add(verdict);
  const code = report.end();
  // Those that are no objects do not keep the others from being looked at.
  for (const { message } of unread) io.err(`bohrbug: ${message}`);
  return unread.length > 0 ? EXIT.input : code;
}

function repeated(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function levelFlag(text: string): number {
  const level = Number(text);
  if (LOG_LEVELS.includes(level)) return level;
  throw new InputError(`--log-level ${text}: expected ${LOG_LEVELS.join(', ')}`);
}

function bitsFlag(text: string): number {
  const bits = /^(0x[\da-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : NaN;
  if (bits <= 0xffff_ffff) return bits;
  throw new InputError(`--flags ${text}: expected a number such as 0x80`);
}

/** Objects that can be read, and what of each is asked for. */
function tasksOf(paths: readonly string[], flags: Flags, io: Io) {
  const known = new Set<string>();
  const unread: InputError[] = [];
  const { profile, logLevel, unprivileged: isUnprivileged = false } = flags;
  const options = { profile, logLevel, flags: flags.flags, isUnprivileged };
  const tasks: ObjectTask[] = [];
  for (const path of paths) {
    try {
      const bytes = readInput(path, io);
      const { spec, programs } = openForVerify(bytes, path, flags.prog);
      for (const { name } of spec.programs) known.add(name);
      const chunks = chunksOf(programs);
      tasks.push(...chunks.map((chunk) => ({ path, bytes, programs: chunk, ...options })));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      unread.push(error);
    }
  }
  const missing = flags.prog.find((name) => !known.has(name));
  if (missing !== undefined && unread.length === 0) {
    throw unknown(`program in ${paths.join(', ')}`, missing, [...known]);
  }
  return { tasks, unread };
}

function chunksOf(programs: readonly string[]): string[][] {
  const count = Math.ceil(programs.length / TASK_PROGRAMS);
  return Array.from({ length: count }, (_, i) =>
    programs.slice(i * TASK_PROGRAMS, (i + 1) * TASK_PROGRAMS),
  );
}

/** What is printed of verdicts, as they come. */
class Report {
  readonly #flags: Flags;
  readonly #io: Io;
  readonly #all: number;
  readonly #beganMs: number;
  #done = 0;
  #refused = 0;
  #insns = 0;

  constructor(flags: Flags, io: Io, tasks: readonly ObjectTask[]) {
    this.#flags = flags;
    this.#io = io;
    this.#all = tasks.reduce((sum, { programs }) => sum + programs.length, 0);
    this.#beganMs = io.nowMs();
  }

  add(verdict: Verdict): void {
    const io = this.#io;
    this.#done++;
    this.#insns += verdict.insns;
    if (verdict.verdict === 'failure') this.#refused++;
    io.status('');
    io.out(this.#flags.json ? JSON.stringify(verdict) : this.#text(verdict));
    const rate = this.#done / Math.max(1, io.nowMs() - this.#beganMs);
    const parts = [
      `${this.#done} of ${count(this.#all, 'program')}`,
      `${Math.round(rate * 1000)}/s`,
      `${this.#refused} refused`,
      `${duration((this.#all - this.#done) / rate)} left`,
    ];
    io.status(`verify ${progressBar(this.#done / this.#all)} ${parts.join(', ')}`);
  }

  end(): ExitCode {
    const io = this.#io;
    io.status('');
    if (!this.#flags.json && this.#all > 1) {
      const refused = this.#refused === 0 ? 'all accepted' : `${this.#refused} refused`;
      io.out(`${count(this.#all, 'program')}: ${refused}, ${count(this.#insns, 'instruction')}`);
    }
    return this.#refused === 0 ? EXIT.expected : EXIT.unexpected;
  }

  #text({ file, prog, verdict, errno, insns, states, durationMs, log }: Verdict): string {
    const { bold, green, red } = pc.createColors(this.#io.hasColor);
    const figures = `${count(insns, 'instruction')}, ${count(states, 'state')}, ${durationMs} ms`;
    if (verdict === 'success') {
      const head = `${green('accepted')} ${bold(prog)} (${file}): ${figures}`;
      return log === '' ? head : `${head}\n${log.trimEnd()}`;
    }
    const head = `${red('refused')} ${bold(prog)} (${file}): ${errnoText(-errno)}; ${figures}`;
    return [head, ...tellingEnd(log, this.#flags.logLevel)].join('\n');
  }
}
