import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { openForVerify, ProgramVerifier, type Verdict } from '../../cli/verify.ts';
import { flagsOf, forbiddenMessage, missingMessage, type Expected } from './expected.ts';

/** An object, and what is promised of its programs. */
export interface Task {
  readonly path: string;
  readonly programs: readonly Expected[];
  readonly isUnprivileged: boolean;
}

/** A program as it should be, and as it is. */
export interface Compared {
  readonly file: string;
  readonly program: string;
  readonly section: string;
  readonly expected: 'success' | 'failure';
  readonly verdict: 'success' | 'failure' | 'crash';
  readonly errno: number;
  /** Of messages: whether there are any, and the first that is missing. */
  readonly hasMessages: boolean;
  readonly missing: string | undefined;
  /** Of a return value: what it should be and is. */
  readonly retval: { readonly expected: number; readonly found: number } | undefined;
  readonly insns: number;
  readonly linuxInsns: number | undefined;
  readonly durationMs: number;
  readonly log: string;
}

/** Some program of the object is only there for others to be loaded with. */
function auxiliaryOf(programs: readonly Expected[]): string[] {
  return programs
    .filter(({ other = [] }) => other.some((tag) => tag.startsWith('test_auxiliary')))
    .map(({ program }) => program);
}

export function compareAll(tasks: readonly Task[]): Compared[] {
  const kernels = new Kernels();
  return tasks.flatMap((task) => compareObject(kernels, task));
}

/** One kernel for many programs, until one breaks it. */
class Kernels {
  #current: ProgramVerifier | undefined;
  #isUnprivileged = false;

  get(isUnprivileged: boolean): ProgramVerifier {
    if (!this.#current || this.#isUnprivileged !== isUnprivileged) {
      this.#current = new ProgramVerifier({ isUnprivileged, nowMs: () => performance.now() });
      this.#isUnprivileged = isUnprivileged;
    }
    return this.#current;
  }

  drop(): void {
    this.#current = undefined;
  }
}

function compareObject(kernels: Kernels, { path, programs, isUnprivileged }: Task): Compared[] {
  const file = basename(path);
  const { spec } = openForVerify(new Uint8Array(readFileSync(path)), file, []);
  const also = auxiliaryOf(programs);
  return programs.map((row) => {
    try {
      let found: number | undefined;
      const verdict = kernels.get(isUnprivileged).verify(spec, file, row.program, {
        flags: flagsOf(row),
        logLevel: row.log_level ?? 0,
        also: also.filter((name) => name !== row.program),
        *use(object, name) {
          if (row.retval === undefined || isUnprivileged) return;
          const isSyscall = row.section.includes('syscall');
          const input = isSyscall ? {} : { dataIn: new Uint8Array(64), repeat: 1 };
          const run = yield* object.program(name).testRun(input);
          found = run.result < 0 ? run.result : run.retval;
        },
      });
      return compared(row, verdict, isUnprivileged, found);
    } catch (error) {
      kernels.drop();
      const log = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { ...rowOf(row, isUnprivileged), ...CRASHED, missing: undefined, log };
    }
  });
}

const CRASHED = {
  verdict: 'crash',
  errno: 0,
  retval: undefined,
  insns: 0,
  durationMs: 0,
} as const;

function rowOf(row: Expected, isUnprivileged: boolean) {
  const { file, program, section, linuxInsnsProcessed } = row;
  return {
    file,
    program,
    section,
    expected: isUnprivileged ? row.expected_unpriv! : row.expected,
    hasMessages: messagesOf(row, isUnprivileged).length > 0,
    linuxInsns: isUnprivileged ? undefined : linuxInsnsProcessed,
  };
}

/** Without messages of their own, users without capabilities are told the same. */
function messagesOf(row: Expected, isUnprivileged: boolean): readonly string[] {
  const own = isUnprivileged ? row.msgs_unpriv : row.msgs;
  const isSame = isUnprivileged && row.expected_unpriv === row.expected;
  return own ?? (isSame ? row.msgs : undefined) ?? [];
}

function compared(
  row: Expected,
  { verdict, errno, insns, durationMs, log }: Verdict,
  isUnprivileged: boolean,
  found: number | undefined,
): Compared {
  const forbidden = forbiddenMessage(log, isUnprivileged ? [] : (row.not_msgs ?? []));
  const missing = missingMessage(log, messagesOf(row, isUnprivileged));
  const promised = Number(row.retval) >>> 0;
  const isAny = promised === 0xbadcafe;
  return {
    ...rowOf(row, isUnprivileged),
    verdict,
    errno,
    insns,
    durationMs,
    missing: missing ?? (forbidden === undefined ? undefined : `not: ${forbidden}`),
    retval: found === undefined || isAny ? undefined : { expected: promised, found: found >>> 0 },
    log,
  };
}
