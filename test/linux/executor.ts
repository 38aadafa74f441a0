/** Who executes programs: the Linux of this machine, or anything that claims to be like it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { numbered, opText, serialise, type Program } from './program.ts';
import { parseReport, resultText, type Result, type Results } from './report.ts';

export interface ProgramExecutor {
  run(program: Program): Results;
}

const SOURCE = fileURLToPath(new URL('./runner.c', import.meta.url));
const WARNINGS = ['-O2', '-Wall', '-Wextra', '-Werror'];
const BATCH = 500;

/** Why the runner cannot be built or run here; null where it can. */
export function whyNotLinux(): string | null {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  if (process.arch !== 'x64') return `this is ${process.arch}; the runner is for x86-64`;
  if (spawnSync('gcc', ['--version']).status !== 0) return 'gcc is missing';
  return null;
}

/** Compiles the runner into a folder. */
export function buildRunner(folder: string): LinuxExecutor {
  const path = join(folder, 'runner');
  const compile = (...options: string[]) =>
    spawnSync('gcc', [...WARNINGS, ...options, '-o', path, SOURCE], { encoding: 'utf8' });
  // A static program starts faster; not every machine has a static libc.
  let compiled = compile('-static');
  if (compiled.status !== 0) compiled = compile();
  if (compiled.status !== 0) throw new Error(`runner.c: ${compiled.stderr}`);
  return new LinuxExecutor(path);
}

export class LinuxExecutor implements ProgramExecutor {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  run(program: Program): Results {
    return this.runAll([program])[0]!;
  }

  /** One start of the runner for many programs: each still runs in a process of its own. */
  runAll(programs: readonly Program[]): Results[] {
    const reports: Results[] = [];
    for (let from = 0; from < programs.length; from += BATCH) {
      reports.push(...this.#batch(programs.slice(from, from + BATCH)));
    }
    return reports;
  }

  #batch(programs: readonly Program[]): Results[] {
    const ran = spawnSync(this.#path, [], {
      input: programs.map(serialise).join(''),
      encoding: 'utf8',
      maxBuffer: 2 ** 30,
    });
    if (ran.error) throw ran.error;
    if (ran.status !== 0) throw new Error(`the runner failed: ${ran.stderr}`);
    const reports: Results[] = [];
    let lines: string[] = [];
    for (const line of ran.stdout.split('\n')) {
      if (line === '.') {
        reports.push(parseReport(lines));
        lines = [];
      } else if (line !== '') lines.push(line);
    }
    if (reports.length !== programs.length) {
      throw new Error(`${reports.length} reports of ${programs.length} programs`);
    }
    return reports;
  }
}

const PROBE: Program = [
  { kind: 'prctl', option: 39, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n },
  { kind: 'prctl', option: 21, arg2: 0n, arg3: 0n, arg4: 0n, arg5: 0n },
];

/** What of the machine's set-up would change answers (a sandbox around us); null for nothing. */
export function whyNotComparable(linux: LinuxExecutor): string | null {
  const [noNewPrivs, seccomp] = linux.run(PROBE);
  if (noNewPrivs?.ret !== '0') return 'no_new_privs is set';
  if (seccomp?.ret !== '0') return 'a seccomp filter is on';
  return null;
}

interface Reports {
  readonly real: Results;
  readonly simulated: Results;
}

const same = (a: Result | undefined, b: Result | undefined): boolean =>
  a !== undefined && b !== undefined && a.at === b.at && resultText(a) === resultText(b);

/** The program up to where the two part, with both answers; null where they agree. */
export function compare(program: Program, { real, simulated }: Reports): string | null {
  const length = Math.max(real.length, simulated.length);
  let first = 0;
  while (first < length && same(real[first], simulated[first])) first++;
  if (first === length) return null;
  const texts = new Map([...numbered(program)].map(([at, op]) => [at, opText(op)]));
  const line = (result: Result): string =>
    `${String(result.at).padStart(3)}  ${(texts.get(result.at) ?? '?').padEnd(40)}`;
  const side = (result: Result | undefined): string =>
    result ? `${line(result)} ${resultText(result)}` : 'nothing more';
  return [
    'in the order of execution:',
    ...real.slice(0, first).map((result) => `            ${side(result)}`),
    `linux       ${side(real[first])}`,
    `simulated   ${side(simulated[first])}`,
    'the program:',
    serialise(program),
  ].join('\n');
}
