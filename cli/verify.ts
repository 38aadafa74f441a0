import { InputError } from '../base/errors.ts';
import { openObject, type OpenedObject } from '../bpf/object/open.ts';
import { MAP_TYPE } from '../bpf/uapi.ts';
import { LoadError } from '../bpf/user/load-error.ts';
import { BpfObject } from '../bpf/user/object.ts';
import type { Verified } from '../bpf/verifier/verify.ts';
import { ALL_CAPS } from '../kernel/cred.ts';
import { EINVAL, ENOSPC } from '../kernel/errno.ts';
import type { Profile } from '../kernel/profile.ts';
import { Sandbox } from '../scenarios/sandbox.ts';
import type { Sim } from '../sim/request.ts';

/** The kernel that programs are verified by. */
export interface VerifierOptions {
  readonly profile?: Profile | undefined;
  /** By a user without capabilities, where the administrator lets them. */
  readonly isUnprivileged: boolean;
  /** The host's clock. */
  nowMs(): number;
}

/** One line of `bpf verify --json`. */
export interface Verdict {
  readonly file: string;
  readonly prog: string;
  readonly section: string;
  readonly verdict: 'success' | 'failure';
  /** Positive; 0 of a success. */
  readonly errno: number;
  /** Instructions and states that the verifier has looked at. */
  readonly insns: number;
  readonly states: number;
  readonly durationMs: number;
  readonly log: string;
}

/** How a program is verified. */
export interface VerifyRequest {
  /** BPF_LOG_*; 0: of what is refused alone. */
  readonly logLevel?: number;
  /** More BPF_F_* */
  readonly flags?: number;
  /** Of a user without capabilities: those left all the same, as bits. */
  readonly capabilities?: bigint;
  /** Programs that are loaded before it. */
  readonly also?: readonly string[];
  /** What is done with it once it is accepted, before all goes. */
  use?(object: BpfObject, name: string): Sim<void>;
}

/** Types of maps that a loader makes for users without capabilities. */
const UNPRIVILEGED_MAPS: readonly number[] = [
  MAP_TYPE.HASH,
  MAP_TYPE.PERCPU_HASH,
  MAP_TYPE.HASH_OF_MAPS,
  MAP_TYPE.PERCPU_CGROUP_STORAGE,
  MAP_TYPE.ARRAY,
  MAP_TYPE.RINGBUF,
  MAP_TYPE.PROG_ARRAY,
  MAP_TYPE.CGROUP_ARRAY,
  MAP_TYPE.PERCPU_ARRAY,
  MAP_TYPE.USER_RINGBUF,
  MAP_TYPE.ARRAY_OF_MAPS,
  MAP_TYPE.CGROUP_STORAGE,
  MAP_TYPE.PERF_EVENT_ARRAY,
];

/** Of the kernel's machine: programs have a million instructions, maps may be large. */
const MEMORY_BYTES = 128 << 20;
/** After so many programs another kernel goes on. */
const LOADS_MAX = 256;

/**
 * A kernel that programs are loaded into one at a time, each with all maps of its object made
 * afresh, and that forgets them.
 */
export class ProgramVerifier {
  readonly #options: VerifierOptions;
  #sandbox: Sandbox;
  #loadCount = 0;
  #verified: Verified | undefined;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#sandbox = this.#newSandbox();
  }

  #newSandbox(): Sandbox {
    const { profile, isUnprivileged } = this.#options;
    const sandbox = new Sandbox({
      ...(profile ? { profile } : {}),
      memoryBytes: MEMORY_BYTES,
      bpf: { unprivilegedBpfDisabled: isUnprivileged ? 0 : 2, isForVerification: true },
    });
    sandbox.bpf.onVerified = (verified) => (this.#verified = verified);
    return sandbox;
  }

  verify(spec: OpenedObject, file: string, name: string, request: VerifyRequest = {}): Verdict {
    const { section } = spec.programs.find((program) => program.name === name)!;
    this.#verified = undefined;
    this.#spentMs = 0;
    // Memory falls to pieces in time.
    if (++this.#loadCount % LOADS_MAX === 0) this.#sandbox = this.#newSandbox();
    const { errno, log } = this.#load(spec, name, request);
    const { insnProcessed: insns = 0, totalStates: states = 0 } = this.#outcome()?.env ?? {};
    return {
      file,
      prog: name,
      section,
      verdict: errno === 0 ? 'success' : 'failure',
      errno,
      insns,
      states,
      durationMs: Math.round(this.#spentMs * 1000) / 1000,
      log,
    };
  }

  /** What the verifier said last, if it was asked. */
  #outcome(): Verified | undefined {
    return this.#verified;
  }

  #load(spec: OpenedObject, name: string, request: VerifyRequest): { errno: number; log: string } {
    const sandbox = this.#sandbox;
    const load = (object: BpfObject): Sim<number> => this.#inKernel(object, name, request);
    const lastLog = (): string => this.#log;
    return sandbox.run(function* (p) {
      const object = new BpfObject(p.calls, spec, sandbox.loaderKernel);
      try {
        return { errno: yield* load(object), log: lastLog() };
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        return { errno: error instanceof LoadError ? error.errno : EINVAL, log: error.message };
      } finally {
        sandbox.kernel.creds.change(CAPABLE);
        yield* object.destroy();
      }
    });
  }

  #log = '';
  /** The host's time for the program itself, without its maps. */
  #spentMs = 0;

  /** 0, or why not, positive. */
  *#inKernel(object: BpfObject, name: string, request: VerifyRequest): Sim<number> {
    const { flags = 0, logLevel = 0, also = [], use, capabilities: left = 0n } = request;
    if (this.#options.isUnprivileged) {
      this.#sandbox.kernel.creds.change({ cap_permitted: left, cap_effective: left });
      for (const map of object.maps) {
        map.isWanted = left !== 0n || UNPRIVILEGED_MAPS.includes(map.spec.definition.type);
      }
    }
    yield* object.prepare();
    for (const other of also) yield* object.loadProgram(other);
    this.#verified = undefined;
    const wholeLog = (): string | undefined => this.#outcome()?.log;
    const beganMs = this.#options.nowMs();
    const { fd, log } = yield* object.loadProgram(name, { flags, logLevel, wholeLog });
    this.#spentMs = this.#options.nowMs() - beganMs;
    this.#log = log;
    // A log that does not fit is no verdict.
    const refused = fd < 0 && fd !== -ENOSPC ? -fd : 0;
    const errno = this.#outcome()?.errno || refused;
    if (errno === 0 && fd > 0 && use) {
      yield* object.fillProgArrays();
      yield* use(object, name);
    }
    return errno;
  }
}

const CAPABLE = { cap_permitted: ALL_CAPS, cap_effective: ALL_CAPS };

/** The object, and the programs of it that are to be verified: all, or those named. */
export function openForVerify(
  bytes: Uint8Array,
  file: string,
  names: readonly string[],
): { readonly spec: OpenedObject; readonly programs: readonly string[] } {
  const spec = openObject(bytes, file);
  const all = spec.programs.map(({ name }) => name);
  return { spec, programs: names.length === 0 ? all : all.filter((name) => names.includes(name)) };
}
