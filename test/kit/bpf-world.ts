import { alignUp } from '../../base/layout.ts';
import type { Insn } from '../../bpf/isa/insn.ts';
import {
  ARENA_TABLE_SHIFT,
  arenaEntry,
  finishArenaAccess,
  isArenaInsn,
} from '../../bpf/vm/arena.ts';
import type { Engine, EngineMaker, EngineWorld } from '../../bpf/vm/engine.ts';
import { FramePool } from '../../bpf/vm/frame-pool.ts';
import { FrameView } from '../../bpf/vm/frame-view.ts';
import {
  ACCESS,
  EXIT,
  FAULT,
  HELPER,
  bpfFrame,
  kernelAddress,
  type Status,
} from '../../bpf/vm/frame.ts';
import { Memory, PAGE_SIZE } from '../../kernel/memory.ts';
import { ContextNote } from '../../kernel/note.ts';
import { Slab } from '../../kernel/slab.ts';
import {
  ARENA_EDGE_BYTES,
  ARENA_PAGES,
  BUFFER_BYTES,
  HELPERS,
  type Piece,
  type RandomProgram,
} from './random-bpf.ts';

const { off, sizeBytes: FRAME_BYTES } = bpfFrame;
/** Instructions after which a random program has run enough. */
const INSNS_MAX = 3_000;
const MEMORY_BYTES = 1 << 20;

/** What can be seen of a run whenever the engine has come back. */
export interface Stop {
  readonly status: Status;
  readonly frame: Uint8Array;
  readonly buffer: Uint8Array;
  /** The edges of the arena's pages. */
  readonly arena: Uint8Array;
  /** By sync call so far: where it stood, and the fuel left. */
  readonly calls: readonly string[];
}

/** Runs random programs on engines, without a kernel. */
export class BpfWorld implements EngineWorld {
  readonly memory = new Memory(MEMORY_BYTES);
  readonly #slab = new Slab(this.memory, () => new ContextNote('test', 1, 0, []));
  readonly #frames = new FramePool(this.#slab);
  readonly #buffer: number;
  /** Page tables of an arena, and its pages. */
  readonly #arena: number;
  readonly #pages: readonly number[];
  #insns: readonly (Insn | null)[] = [];
  #calls: string[] = [];

  constructor() {
    this.#buffer = this.#slab.kmalloc(BUFFER_BYTES);
    for (let i = 0; i < BUFFER_BYTES; i++) this.memory.setU8(this.#buffer + i, (i * 37) & 0xff);
    this.#arena = this.#slab.kzalloc(PAGE_SIZE);
    this.#pages = ARENA_PAGES.map((low) => this.#mapPage(low));
    this.memory.checkpoint();
  }

  #mapPage(low: number): number {
    const { memory } = this;
    const page = this.#slab.kzalloc(PAGE_SIZE);
    const first = this.#arena + (low >>> ARENA_TABLE_SHIFT) * 4;
    if (memory.rawU32(first) === 0) memory.setRawU32(first, this.#slab.kzalloc(PAGE_SIZE));
    memory.setRawU32(arenaEntry(memory, this.#arena, low), page);
    return page;
  }

  /** The stops of one run, which `makers` share: each takes the next piece. */
  run(program: RandomProgram, makers: readonly EngineMaker[]): Stop[] {
    this.#insns = program.insns;
    this.#calls = [];
    const view = this.#frames.take();
    const frame = view.addr;
    view.begin(this.#buffer);
    view.setReg(9, kernelAddress(this.#buffer));
    this.memory.setRawU32(frame + off.arena, this.#arena);
    this.memory.setRawU32(frame + off.arenaHigh, 0x7f12);
    const engines = makers.map((maker) => maker.make(program, this));
    const stops: Stop[] = [];
    for (let left = INSNS_MAX, i = 0; left > 0; i++) {
      const piece = program.pieces[i % program.pieces.length]!;
      const status = this.#piece(engines[i % engines.length]!, frame, piece);
      left -= Math.max(piece.fuel - view.fuel, 1);
      stops.push(this.#stop(frame, status));
      if (status === FAULT || (status === EXIT && view.depth === 0)) break;
      if (status === EXIT) view.leave();
      if (status === HELPER) this.#finish(view);
    }
    this.memory.rollback();
    return stops;
  }

  /** Whether everything is as before the first run. */
  isReset(): boolean {
    const bytes = this.memory.rawCopyOut(this.#buffer, BUFFER_BYTES);
    const isSame = bytes.every((byte, i) => byte === ((i * 37) & 0xff));
    return isSame && this.#arenaBytes().every((byte) => byte === 0);
  }

  callHelper(frame: number, pc: number): boolean {
    const insn = this.#insns[pc]!;
    const { memory } = this;
    const view = new FrameView(memory, frame);
    this.#calls.push(`${pc}: ${view.fuel}`);
    if (insn.kind !== 'call' || insn.imm === HELPERS.yields) return false;
    view.setReg(0, this.#mix(view));
    if (insn.imm === HELPERS.writes) {
      memory.setU32(this.#buffer + 8, Number(BigInt.asUintN(32, view.reg(1))));
    }
    return true;
  }

  #piece(engine: Engine, frame: number, { fuel, fine, countdown }: Piece): Status {
    this.memory.setRawU32(frame + off.fuel, fuel);
    this.memory.setRawU32(frame + off.countdown, countdown);
    return engine.run(frame, fine);
  }

  #stop(frame: number, status: Status): Stop {
    const bytes = this.memory.rawCopyOut(frame, alignUp(FRAME_BYTES, 8));
    // Of no meaning but at these.
    if (status !== ACCESS && status !== FAULT) {
      bytes.fill(0, off.accessSize, off.accessKind + 4);
      bytes.fill(0, off.accessAddr, off.accessAddr + 8);
    }
    const buffer = this.memory.rawCopyOut(this.#buffer, BUFFER_BYTES);
    const arena = this.#arenaBytes();
    return { status, frame: bytes, buffer, arena, calls: [...this.#calls] };
  }

  #arenaBytes(): Uint8Array {
    const edges = this.#pages.flatMap((page) => [page, page + PAGE_SIZE - ARENA_EDGE_BYTES]);
    const bytes = new Uint8Array(edges.length * ARENA_EDGE_BYTES);
    for (const [i, at] of edges.entries()) {
      bytes.set(this.memory.rawCopyOut(at, ARENA_EDGE_BYTES), i * ARENA_EDGE_BYTES);
    }
    return bytes;
  }

  /** A call that yields, a load from the packet or an access to the arena: as the runner would. */
  #finish(view: FrameView): void {
    const insn = this.#insns[view.pc]!;
    if (isArenaInsn(insn)) {
      finishArenaAccess(this.memory, view.addr, insn);
      view.next();
      return;
    }
    view.setReg(0, this.#mix(view) ^ 0xffffn);
    view.next();
  }

  #mix(view: FrameView): bigint {
    const sum = view.reg(1) + 3n * view.reg(2) + 5n * view.reg(3) + 7n * view.reg(4);
    return BigInt.asUintN(64, sum ^ view.reg(5));
  }
}
