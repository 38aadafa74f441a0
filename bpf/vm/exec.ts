import { alignUp } from '../../base/layout.ts';
import { Memory } from '../../kernel/memory.ts';
import { ContextNote } from '../../kernel/note.ts';
import { Slab } from '../../kernel/slab.ts';
import { READ } from '../../sim/request.ts';
import type { EngineMaker, EngineWorld, Executable } from './engine.ts';
import { FramePool } from './frame-pool.ts';
import { countMayGoto } from './timed-goto.ts';
import { EXIT, FUEL, HELPER, bpfFrame, type Status } from './frame.ts';

const { off } = bpfFrame;
/** Frames, page tables of the allocator, and room around the buffer. */
const OVERHEAD_BYTES = 1 << 20;
const WASM_PAGE_BYTES = 1 << 16;
const SLICE_INSNS = 1 << 20;

/** The greatest buffer that a program can be given. */
export const EXEC_MEMORY_MAX = 1 << 24;

/** What a program without a kernel ends with: r0, or what it did that it must not. */
export type ExecResult = { readonly r0: bigint } | { readonly error: string };

/**
 * Runs a program outside a kernel, with r1 the address of a copy of `bytes` (0 where there are
 * none) and r2 their count. There are no helpers, maps or packets. It ends after `insnsMax`
 * instructions at the latest.
 */
export function exec(
  program: Executable,
  maker: EngineMaker,
  bytes: Uint8Array,
  insnsMax = Infinity,
): ExecResult {
  const size = alignUp(OVERHEAD_BYTES + 2 * bytes.length, WASM_PAGE_BYTES);
  const memory = new Memory(size);
  const slab = new Slab(memory, () => new ContextNote('exec', 1, 0, []));
  const world: EngineWorld = { memory, callHelper: () => false };
  const view = new FramePool(slab).take();
  const buffer = bytes.length === 0 ? 0 : slab.kmalloc(bytes.length);
  if (buffer !== 0) memory.copyIn(buffer, bytes);
  view.begin(buffer);
  view.setNumber(2, bytes.length);
  const engine = maker.make(program, world);
  for (let left = insnsMax; left > 0;) {
    const slice = Math.min(left, SLICE_INSNS);
    view.fuel = slice;
    const status = engine.run(view.addr, false);
    left -= slice - view.fuel;
    if (status === EXIT && view.depth === 0) return { r0: view.reg(0) };
    if (status === EXIT) view.leave();
    else if (status === HELPER && program.insns[view.pc]?.kind === 'may_goto') {
      countMayGoto(view);
      view.next();
    } else if (status !== FUEL) return { error: errorOf(status, memory, view.addr) };
  }
  return { error: `no exit within ${insnsMax} instructions` };
}

function errorOf(status: Status, memory: Memory, frame: number): string {
  const at = `at instruction ${memory.rawU32(frame + off.pc)}`;
  if (status === HELPER) return `${at}: nothing to call or to load from: there is no kernel`;
  const size = memory.rawU32(frame + off.accessSize);
  if (size === 0) return `${at}: the call stack is too deep`;
  const what = memory.rawU32(frame + off.accessKind) === READ ? 'read' : 'write';
  const addr = memory.rawLoad(frame + off.accessAddr, 8).toString(16);
  return `${at}: invalid ${what} of ${size} bytes at 0x${addr}`;
}
