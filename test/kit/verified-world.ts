import { NO_KERNEL, arrayOfOne, rawTracepoint } from '../../bench/no-kernel.ts';
import type { Insns } from '../../bpf/isa/insn.ts';
import type { BpfMap } from '../../bpf/maps/map.ts';
import type { VerifierEnv } from '../../bpf/verifier/env.ts';
import { fixup } from '../../bpf/verifier/fixup/fixup.ts';
import { VerifierLog } from '../../bpf/verifier/report/log.ts';
import { verify, type Verified } from '../../bpf/verifier/verify.ts';
import type { Engine, EngineMaker, EngineWorld, Executable } from '../../bpf/vm/engine.ts';
import { FramePool } from '../../bpf/vm/frame-pool.ts';
import type { FrameView } from '../../bpf/vm/frame-view.ts';
import { EXIT, FUEL, MAX_BPF_STACK, bpfFrame, kernelAddress } from '../../bpf/vm/frame.ts';
import type { Status } from '../../bpf/vm/frame.ts';
import { Memory } from '../../kernel/memory.ts';
import { ContextNote } from '../../kernel/note.ts';
import { Slab } from '../../kernel/slab.ts';
import { claimOf, differs, type Claims, type Machine } from './claims.ts';
import { VALUE_BYTES } from './sound-programs.ts';

const { off } = bpfFrame;
const MEMORY_BYTES = 1 << 20;
/** Instructions after which a program has run too long: none that was drawn does. */
const INSNS_MAX = 200_000;
const CTX_BYTES = 64;

/** How a run ended: with r0 and the map's value, or with a status that it should not have. */
export interface Run {
  readonly status: Status;
  readonly r0: bigint;
  readonly value: string;
}

/** Verifies programs of sound-programs.ts and runs them, with no kernel. */
export class VerifiedWorld implements EngineWorld {
  readonly memory = new Memory(MEMORY_BYTES);
  readonly #slab = new Slab(this.memory, () => new ContextNote('test', 1, 0, []));
  readonly #frames = new FramePool(this.#slab);
  readonly #view: FrameView;
  readonly #value: number;
  readonly #ctx: number;
  readonly #map: BpfMap;
  #random = 0;

  constructor() {
    this.#value = this.#slab.kmalloc(VALUE_BYTES);
    this.#ctx = this.#slab.kmalloc(CTX_BYTES);
    this.#view = this.#frames.take();
    this.#map = arrayOfOne(this.#value, VALUE_BYTES);
    this.memory.checkpoint();
  }

  verify(insns: Insns, logLevel: number, observe?: (env: VerifierEnv) => void): Verified {
    return verify(rawTracepoint(insns, this.#map), NO_KERNEL, new VerifierLog(logLevel), observe);
  }

  /** What is said of a program on all its paths. */
  claims(insns: Insns): Claims {
    const claims: Claims = new Map();
    this.verify(insns, 0, ({ insnIdx, cur }) => {
      const list = claims.get(insnIdx);
      if (list) list.push(claimOf(cur));
      else claims.set(insnIdx, [claimOf(cur)]);
    });
    return claims;
  }

  /** Where dead code is taken out, and with what is proven of its accesses. */
  executable({ env }: Verified): Executable & { readonly was: readonly number[] } {
    return fixup(env, { helper: () => undefined, kfunc: () => undefined });
  }

  run(program: Executable, maker: EngineMaker, input: Uint8Array): Run {
    return this.#run(maker.make(program, this), input, INSNS_MAX, () => {});
  }

  /** One instruction at a time: the first thing that no path has said; undefined: none. */
  runChecked(
    program: Executable & { readonly was: readonly number[] },
    maker: EngineMaker,
    input: Uint8Array,
    claims: Claims,
  ): string | undefined {
    let wrong: string | undefined;
    this.#run(maker.make(program, this), input, 1, () => {
      if (wrong !== undefined) return;
      const slot = program.was[this.#view.pc]!;
      const why = (claims.get(slot) ?? []).map((claim) => differs(claim, this.#machine()));
      if (why.includes(undefined)) return;
      wrong = `insn ${slot}: ${why.at(-1) ?? 'never come to'}`;
    });
    return wrong;
  }

  callHelper(): boolean {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    this.#view.setReg(0, BigInt(this.#random));
    return true;
  }

  #run(engine: Engine, input: Uint8Array, fuel: number, before: () => void): Run {
    const { memory } = this;
    const view = this.#view;
    this.#random = input[0]!;
    view.begin(this.#ctx);
    memory.copyIn(this.#value, input);
    let status: Status = FUEL;
    for (let left = INSNS_MAX; left > 0 && status === FUEL; left -= fuel) {
      before();
      memory.setRawU32(view.addr + off.fuel, fuel);
      status = engine.run(view.addr, false);
    }
    const value = memory.rawCopyOut(this.#value, VALUE_BYTES).join();
    const r0 = status === EXIT ? view.reg(0) : 0n;
    memory.rollback();
    return { status, r0, value };
  }

  #machine(): Machine {
    const view = this.#view;
    const { memory } = this;
    const end = view.addr + off.stack + MAX_BPF_STACK;
    return {
      depth: view.depth,
      regs: Array.from({ length: 11 }, (_, r) => view.reg(r)),
      frameEnd: (depth) => kernelAddress(end + depth * MAX_BPF_STACK),
      valueAddr: kernelAddress(this.#value),
      stackWord: (spi) =>
        BigInt.asUintN(64, memory.rawLoad(end + view.depth * MAX_BPF_STACK - 8 * (spi + 1), 8)),
    };
  }
}
