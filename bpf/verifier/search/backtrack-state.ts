import { MAX_CALL_FRAMES } from '../types.ts';

/**
 * What is still looked for on the way back: registers, stack slots and outgoing arguments whose
 * exact value mattered, by frame, as bits. Slots 0 to 31 and 32 to 63 apart, so that all are plain
 * 32-bit numbers. struct backtrack_state
 */
export class BacktrackState {
  frame = 0;
  readonly #regs = new Int32Array(MAX_CALL_FRAMES);
  readonly #slotsLow = new Int32Array(MAX_CALL_FRAMES);
  readonly #slotsHigh = new Int32Array(MAX_CALL_FRAMES);
  readonly #args = new Int32Array(MAX_CALL_FRAMES);

  reset(): void {
    this.frame = 0;
    this.#regs.fill(0);
    this.#slotsLow.fill(0);
    this.#slotsHigh.fill(0);
    this.#args.fill(0);
  }

  get isEmpty(): boolean {
    for (let i = 0; i <= this.frame; i++) {
      if (!this.isFrameEmpty(i)) return false;
    }
    return true;
  }

  isFrameEmpty(frame: number): boolean {
    return this.#regs[frame] === 0 && this.#args[frame] === 0 && !this.hasSlots(frame);
  }

  /** Bits of the registers of a frame. */
  regMask(frame: number): number {
    return this.#regs[frame]!;
  }

  setReg(frame: number, regno: number): void {
    this.#regs[frame]! |= 1 << regno;
  }

  clearReg(frame: number, regno: number): void {
    this.#regs[frame]! &= ~(1 << regno);
  }

  hasReg(frame: number, regno: number): boolean {
    return ((this.#regs[frame]! >>> regno) & 1) !== 0;
  }

  hasSlots(frame: number): boolean {
    return this.#slotsLow[frame] !== 0 || this.#slotsHigh[frame] !== 0;
  }

  setSlot(frame: number, spi: number): void {
    const half = spi < 32 ? this.#slotsLow : this.#slotsHigh;
    half[frame]! |= 1 << (spi & 31);
  }

  clearSlot(frame: number, spi: number): void {
    const half = spi < 32 ? this.#slotsLow : this.#slotsHigh;
    half[frame]! &= ~(1 << (spi & 31));
  }

  hasSlot(frame: number, spi: number): boolean {
    const half = spi < 32 ? this.#slotsLow : this.#slotsHigh;
    return ((half[frame]! >>> (spi & 31)) & 1) !== 0;
  }

  /** The slots of a frame, ascending. */
  slots(frame: number): number[] {
    const all: number[] = [];
    if (!this.hasSlots(frame)) return all;
    for (let spi = 0; spi < 64; spi++) if (this.hasSlot(frame, spi)) all.push(spi);
    return all;
  }

  /** Bits of the arguments on the stack that a frame hands to what it calls. */
  argMask(frame: number): number {
    return this.#args[frame]!;
  }

  setArg(frame: number, slot: number): void {
    this.#args[frame]! |= 1 << slot;
  }

  clearArg(frame: number, slot: number): void {
    this.#args[frame]! &= ~(1 << slot);
  }

  hasArg(frame: number, slot: number): boolean {
    return ((this.#args[frame]! >>> slot) & 1) !== 0;
  }
}
