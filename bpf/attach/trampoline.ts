import { ptr, s32, struct, u32 } from '../../base/layout.ts';
import { E2BIG, EBUSY, EINVAL, ENOMEM } from '../../kernel/errno.ts';
import {
  argumentsOf,
  resultOf,
  resultValue,
  type ArgumentWorld,
  type KernelFunction,
} from '../../kernel/functions.ts';
import type { Sim } from '../../sim/request.ts';
import { kernelSymbol, type KernelSymbol } from '../../sim/site.ts';
import type { FunctionCall, Trampoline } from '../../sim/trampoline.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { RunRules } from './run-rules.ts';

/** include/linux/bpf.h */
const BPF_MAX_TRAMP_LINKS = 38;
/** arch/x86/net/bpf_jit_comp.c: as many argument registers as a trampoline can save */
const MAX_BPF_FUNC_ARGS = 12;

/** When a program runs, of a call. enum bpf_tramp_prog_type */
export type TrampKind = 'fentry' | 'fmod_ret' | 'fexit';

type Programs = Readonly<Record<TrampKind, readonly ExecProgram[]>>;

const NOTHING: Programs = { fentry: [], fmod_ret: [], fexit: [] };

/** include/linux/bpf.h: freed when it is replaced and nobody is inside any more. */
export const bpf_tramp_image = struct('bpf_tramp_image', {
  size: s32,
  pcref: u32, // percpu_ref: calls that come back to it
  replaced: u32,
  tr: ptr('struct bpf_trampoline'),
});

/**
 * The programs around kernel functions. Each change makes a new image; who is inside the old one
 * leaves by it, without the programs that were to run at the exit. kernel/bpf/trampoline.c
 */
export class BpfTrampolines {
  readonly #rules: RunRules;

  constructor(rules: RunRules) {
    this.#rules = rules;
  }

  /** 0 or -errno. `btfId` is the function's type in vmlinux BTF: it names the trampoline. */
  bpf_trampoline_link_prog(
    fn: KernelFunction,
    prog: ExecProgram,
    kind: TrampKind,
    btfId = 0,
  ): number {
    const now = this.#imageOf(fn);
    const programs = now?.programs ?? NOTHING;
    const all = Object.values(programs).flat();
    if (fn.noreturn && kind !== 'fentry') return -EINVAL;
    if (Object.keys(fn.params).length > MAX_BPF_FUNC_ARGS) return -EINVAL;
    if (all.length >= BPF_MAX_TRAMP_LINKS) return -E2BIG;
    if (all.includes(prog)) return -EBUSY;
    const symbol = now?.symbol ?? kernelSymbol(trampolineName(btfId));
    this.#rules.kernel.machine.tracepoints.onFirst();
    // The last one to come is the first one to run.
    const added = { ...programs, [kind]: [prog, ...programs[kind]] };
    return this.#replace(fn, now, added, symbol) ? 0 : -ENOMEM;
  }

  bpf_trampoline_unlink_prog(fn: KernelFunction, prog: ExecProgram): void {
    const now = this.#imageOf(fn);
    if (!now) return;
    const without = (list: readonly ExecProgram[]) => list.filter((each) => each !== prog);
    const { fentry, fmod_ret, fexit } = now.programs;
    const left = { fentry: without(fentry), fmod_ret: without(fmod_ret), fexit: without(fexit) };
    this.#replace(fn, now, left, now.symbol);
  }

  #imageOf({ name }: KernelFunction): Image | undefined {
    return this.#rules.kernel.machine.engine.trampolines.get(name) as Image | undefined;
  }

  /** False: memory is exhausted, and nothing has changed. bpf_trampoline_update() */
  #replace(
    fn: KernelFunction,
    old: Image | undefined,
    to: Programs,
    symbol: KernelSymbol,
  ): boolean {
    const { engine, slab } = this.#rules.kernel.machine;
    const isEmpty = Object.values(to).every((list) => list.length === 0);
    const addr = isEmpty ? 0 : slab.kzalloc(bpf_tramp_image.sizeBytes);
    if (!isEmpty && addr === 0) return false;
    const image = isEmpty ? undefined : new Image(this.#rules, { fn, programs: to, symbol, addr });
    engine.trampolines.set(fn.name, image);
    old?.put();
    return true;
  }
}

/** `bpf_trampoline_6442453466`: the id of vmlinux, and of the type. bpf_trampoline_compute_key() */
function trampolineName(btfId: number): string {
  return `bpf_trampoline_${(1n << 32n) | 0x8000_0000n | BigInt(btfId)}`;
}

interface ImageParts {
  readonly fn: KernelFunction;
  readonly programs: Programs;
  readonly symbol: KernelSymbol;
  /** Of its struct bpf_tramp_image. */
  readonly addr: number;
}

/** One state of a trampoline: what runs around one function. Changes no more. */
class Image implements Trampoline {
  readonly programs: Programs;
  readonly symbol: KernelSymbol;
  readonly #rules: RunRules;
  readonly #fn: KernelFunction;
  readonly #addr: number;

  constructor(rules: RunRules, { fn, programs, symbol, addr }: ImageParts) {
    this.programs = programs;
    this.symbol = symbol;
    this.#rules = rules;
    this.#fn = fn;
    this.#addr = addr;
  }

  *run(args: readonly unknown[], call: FunctionCall): Sim<unknown> {
    const { fentry, fmod_ret, fexit } = this.programs;
    this.#change((image) => void image.pcref++);
    const activation = new Activation(this.#rules, this.#fn, args);
    for (const prog of fentry) yield* this.#runProgram(prog, activation);
    if (fmod_ret.length === 0 && fexit.length === 0) {
      activation.free();
      this.#leave();
      return yield* call(true);
    }
    for (const prog of fmod_ret) {
      const r0 = (yield* this.#runProgram(prog, activation)) ?? 0n;
      activation.setResult(r0);
      if (r0 !== 0n) break;
    }
    let result: unknown;
    if (activation.result === 0n) {
      result = yield* call();
      activation.setResult(resultOf(this.#fn, result));
    } else {
      result = resultValue(this.#fn, activation.result);
    }
    for (const prog of fexit) {
      if (this.#isReplaced) break;
      yield* this.#runProgram(prog, activation);
    }
    activation.free();
    this.#leave();
    return result;
  }

  /** A newer image has come. bpf_tramp_image_put() */
  put(): void {
    this.#change((image) => void (image.replaced = 1));
    this.#freeIfUnused();
  }

  /** What has been taken off meanwhile may be gone: it does not run. */
  *#runProgram(prog: ExecProgram, { ctx }: Activation): Sim<bigint | undefined> {
    if (ctx === 0 || (this.#isReplaced && !this.#isStillThere(prog))) return undefined;
    return yield* this.#rules.runInTrampoline(prog, ctx);
  }

  #isStillThere(prog: ExecProgram): boolean {
    const { trampolines } = this.#rules.kernel.machine.engine;
    const now = trampolines.get(this.#fn.name) as Image | undefined;
    return now !== undefined && Object.values(now.programs).flat().includes(prog);
  }

  get #isReplaced(): boolean {
    return this.#change(({ replaced }) => replaced !== 0);
  }

  #leave(): void {
    this.#change((image) => void image.pcref--);
    this.#freeIfUnused();
  }

  #freeIfUnused(): void {
    const isOver = this.#change(({ replaced, pcref }) => replaced !== 0 && pcref === 0);
    if (isOver) this.#rules.kernel.kasan.free(this.#addr);
  }

  #change<T>(act: (image: ReturnType<typeof bpf_tramp_image.at>) => T): T {
    const { memory } = this.#rules.kernel.machine;
    return memory.unwatched(() => act(bpf_tramp_image.at(memory, this.#addr)));
  }
}

/**
 * One call through a trampoline: what of its stack programs see. The context is the arguments, then
 * the result; in front of them stands how many arguments there are.
 */
class Activation implements ArgumentWorld {
  /** 0 where memory is exhausted: then no program runs. */
  readonly ctx: number;
  result = 0n;
  readonly #rules: RunRules;
  readonly #resultAt: number;
  readonly #owned: { readonly addr: number; readonly sizeBytes: number }[] = [];

  constructor(rules: RunRules, fn: KernelFunction, args: readonly unknown[]) {
    this.#rules = rules;
    const { memory } = rules.kernel.machine;
    const values = memory.unwatched(() => argumentsOf(fn, args, this));
    const words = [BigInt(values.length), ...values, 0n];
    const base = rules.words(words);
    if (base !== 0) this.#owned.push({ addr: base, sizeBytes: 8 * words.length });
    this.ctx = base === 0 ? 0 : base + 8;
    this.#resultAt = this.ctx + 8 * values.length;
  }

  get current() {
    return this.#rules.kernel.cpus.current;
  }

  put: ArgumentWorld['put'] = (type, values) => {
    const { sizeBytes } = type;
    const addr = this.#rules.scratch.take(sizeBytes);
    if (addr === 0) return 0;
    this.#owned.push({ addr, sizeBytes });
    Object.assign(type.at(this.#rules.kernel.machine.memory, addr), values);
    return addr;
  };

  setResult(value: bigint): void {
    const { memory } = this.#rules.kernel.machine;
    this.result = value;
    if (this.ctx !== 0) memory.unwatched(() => memory.setU64(this.#resultAt, value));
  }

  free(): void {
    for (const { addr, sizeBytes } of this.#owned) this.#rules.scratch.give(addr, sizeBytes);
  }
}
