import { assert } from '../../base/assert.ts';
import { KASAN_STACK_LEFT, PAGE_SIZE, type Memory } from '../../kernel/memory.ts';
import type { Slab } from '../../kernel/slab.ts';
import { FrameView } from './frame-view.ts';
import { bpfFrame } from './frame.ts';

const { off, sizeBytes } = bpfFrame;
/** A frame begins a page, so that a run makes as few pages dirty as may be. */
const STRIDE = Math.ceil(sizeBytes / PAGE_SIZE) * PAGE_SIZE;
/** Frames made at once. */
const GROW = 8;
/** In a free frame, here is the next free one. */
const NEXT = off.pc;

/**
 * The frames of a machine. The list of those that are free is in their own memory, and its head in
 * the page in front of the first, so it is put back with the memory. Where more programs run at
 * once than ever before, there are more frames.
 */
export class FramePool {
  readonly #memory: Memory;
  readonly #slab: Slab;
  readonly #head: number;
  readonly #views = new Map<number, FrameView>();

  constructor(slab: Slab) {
    this.#slab = slab;
    this.#memory = slab.memory;
    this.#head = slab.pages(PAGE_SIZE);
    assert(this.#head !== 0, 'no page for the frames of programs');
    this.#memory.setRawU32(this.#head, 0);
    this.#grow();
  }

  /** A frame as the last run left it. Its pages are dirty from here on. */
  take(): FrameView {
    const memory = this.#memory;
    if (memory.rawU32(this.#head) === 0) this.#grow();
    const frame = memory.rawU32(this.#head);
    memory.setRawU32(this.#head, memory.rawU32(frame + NEXT));
    memory.beforeWrite(frame, sizeBytes);
    memory.onUnpoison?.(frame, sizeBytes);
    let view = this.#views.get(frame);
    if (!view) this.#views.set(frame, (view = new FrameView(memory, frame)));
    return view;
  }

  give({ addr }: FrameView): void {
    this.#give(addr);
  }

  #give(frame: number): void {
    this.#memory.setRawU32(frame + NEXT, this.#memory.rawU32(this.#head));
    this.#memory.setRawU32(this.#head, frame);
  }

  #grow(): void {
    const memory = this.#memory;
    const start = this.#slab.pages(GROW * STRIDE);
    assert(start !== 0, 'no memory for the frames of programs');
    memory.poison(start, GROW * STRIDE, KASAN_STACK_LEFT);
    for (let frame = start; frame < start + GROW * STRIDE; frame += STRIDE) {
      memory.unpoison(frame + off.stack, sizeBytes - off.stack);
      memory.rawFill(frame, sizeBytes, 0);
      this.#give(frame);
    }
  }
}
