import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { OpenedObject } from '../../bpf/object/open.ts';
import type { BpfObject } from '../../bpf/user/object.ts';
import type { Sim } from '../../sim/request.ts';
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
  readonly retval: { readonly expected: number; readonly found: number | string } | undefined;
  readonly insns: number;
  readonly linuxInsns: number | undefined;
  readonly durationMs: number;
  readonly log: string;
}

/** `test_caps_unpriv=39|12`: what is left to a user without capabilities. */
function capabilitiesOf({ other = [] }: Expected): bigint {
  const tag = other.find((text) => text.startsWith('test_caps_unpriv='));
  const caps = tag?.split('=')[1]!.split('|') ?? [];
  return caps.reduce((bits, cap) => bits | (1n << BigInt(cap)), 0n);
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
    const verdict = guarded(kernels, () =>
      kernels.get(isUnprivileged).verify(spec, file, row.program, {
        flags: flagsOf(row),
        logLevel: row.log_level ?? 0,
        capabilities: capabilitiesOf(row),
        also: also.filter((name) => name !== row.program),
      }),
    );
    if (typeof verdict === 'string') return crashed(row, isUnprivileged, verdict);
    const isRun = row.retval !== undefined && !isUnprivileged && verdict.verdict === 'success';
    const retval = isRun ? run(kernels, spec, row, also) : undefined;
    return compared(row, verdict, isUnprivileged, retval);
  });
}

/** What it returns, or why it does not end well. */
function run(
  kernels: Kernels,
  spec: OpenedObject,
  row: Expected,
  also: readonly string[],
): number | string {
  let found: number | string = 'is not run';
  const isSyscall = row.section.includes('syscall');
  const input = isSyscall ? {} : { dataIn: new Uint8Array(64), repeat: 1 };
  const failure = guarded(kernels, () =>
    kernels.get(false).verify(spec, row.file, row.program, {
      flags: flagsOf(row),
      also: also.filter((name) => name !== row.program),
      *use(object, name) {
        if (row.file in FILLED) yield* fill(object, FILLED[row.file]!);
        const { result, retval } = yield* object.program(name).testRun(input);
        found = result < 0 ? `test run: ${result}` : retval;
      },
    }),
  );
  return typeof failure === 'string' ? failure.split('\n')[0]! : found;
}

/** Maps of which one element is filled before programs run: the one at key 0. */
const FILLED: Readonly<Record<string, string>> = {
  'verifier_array_access.bpf.o': 'map_array_ro',
  'verifier_value_ptr_arith.bpf.o': 'map_array_48b',
};
const INDEX = 28;
const LAST_WORD = 0xabcd_ef12;
const VALUE_BYTES = 48;

/** An index, and the last of the words behind it. */
function* fill(object: BpfObject, map: string): Sim<void> {
  const value = new DataView(new ArrayBuffer(VALUE_BYTES));
  value.setUint32(0, INDEX, true);
  value.setUint32(4 + 6 * 4, LAST_WORD, true);
  yield* object.map(map).update(0, new Uint8Array(value.buffer));
}

/** What it gives, or the text of what it throws; then the kernel is done with. */
function guarded<T>(kernels: Kernels, work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    kernels.drop();
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

function crashed(row: Expected, isUnprivileged: boolean, log: string): Compared {
  const nothing = { errno: 0, missing: undefined, retval: undefined, insns: 0, durationMs: 0 };
  return { ...rowOf(row, isUnprivileged), ...nothing, verdict: 'crash', log };
}

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
  found: number | string | undefined,
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
    retval:
      found === undefined || isAny ? undefined : { expected: promised, found: unsigned(found) },
    log,
  };
}

function unsigned(value: number | string): number | string {
  return typeof value === 'number' ? value >>> 0 : value;
}
