import { NOT_INIT_REG, type Reg } from './reg.ts';
import { BPF_REG_SIZE, SCALAR_VALUE, STACK_INVALID, STACK_SPILL } from '../types.ts';

/**
 * Eight bytes of stack: what each holds (STACK_*, four bits a byte), and the register that is
 * spilled there, or the dynptr, iterator or flag. Bytes are counted as in Linux, downwards: byte 0
 * is the one at the highest address (r10-1 of the first slot), 7 the one at the lowest. So a
 * register's low half, spilled alone, is bytes 4 to 7. A value, never changed.
 * struct bpf_stack_state
 */
export class StackSlot {
  /** Unsigned. */
  readonly types: number;
  readonly reg: Reg;

  constructor(types: number, reg: Reg) {
    this.types = types >>> 0;
    this.reg = reg;
  }

  /** What byte `i` holds, 0 at the highest address: slot_type[i]. */
  typeAt(i: number): number {
    return (this.types >>> (4 * i)) & 0xf;
  }

  withType(i: number, type: number): StackSlot {
    const shift = 4 * i;
    return new StackSlot((this.types & ~(0xf << shift)) | (type << shift), this.reg);
  }

  withReg(reg: Reg): StackSlot {
    return new StackSlot(this.types, reg);
  }
}

/** The same in all eight bytes. */
export function allBytes(type: number): number {
  return (type * 0x1111_1111) >>> 0;
}

export const INVALID_SLOT = new StackSlot(allBytes(STACK_INVALID), NOT_INIT_REG);

/** bpf_is_spilled_reg(): something is spilled, at the lowest address at least. */
export function isSpilled(slot: StackSlot): boolean {
  return slot.types >>> (4 * (BPF_REG_SIZE - 1)) === STACK_SPILL;
}

/** bpf_is_spilled_scalar_reg() */
export function isSpilledScalar(slot: StackSlot): boolean {
  return isSpilled(slot) && slot.reg.type === SCALAR_VALUE;
}

/** The slot that the byte at r10 + off is in. bpf_get_spi() */
export function spiOf(off: number): number {
  return Math.trunc((-off - 1) / BPF_REG_SIZE);
}
