import type { JmpOp } from '../../isa/ops.ts';
import { AT_PKT_END, BEYOND_PKT_END, type Reg } from '../values/reg.ts';
import { FLIPPED } from './refine.ts';
import { isSpilled } from '../values/stack.ts';
import type { VerifierState } from '../state.ts';
import { PTR_TO_PACKET, PTR_TO_PACKET_END, PTR_TO_PACKET_META } from '../types.ts';

// How many bytes of a packet are there, learned where a pointer into it is compared with its end.

const MAX_PACKET_OFF = 0xffff;

/** As it came out of the context. reg_is_init_pkt_pointer() */
function regIsInitPktPointer({ type, id, s }: Reg, which: number): boolean {
  return type === which && id === 0 && s.isConst && s.value === 0n;
}

/** Whether `end` ends what `ptr` points into: the packet, or what stands before it. */
function isEndOf(end: Reg, ptr: Reg): boolean {
  if (ptr.type === PTR_TO_PACKET) return end.type === PTR_TO_PACKET_END;
  return ptr.type === PTR_TO_PACKET_META && regIsInitPktPointer(end, PTR_TO_PACKET);
}

/**
 * All up to `ptr` is in the packet, and with `rightOpen` the byte at it too: so much is there of
 * all pointers with the same base. find_good_pkt_pointers()
 */
function findGoodPktPointers(state: VerifierState, ptr: Reg, rightOpen: boolean): void {
  const { umax } = ptr.s;
  if ((umax === 0n && rightOpen) || umax > MAX_PACKET_OFF) return;
  const range = Number(umax) + (rightOpen ? 1 : 0);
  state.mapRegs(
    (reg) =>
      reg.type === ptr.type && reg.id === ptr.id && reg.range < range ? reg.with({ range }) : reg,
    isSpilled,
  );
}

/** It is at the end of the packet or behind: with `rangeOpen`, behind. mark_pkt_end() */
function markPktEnd(state: VerifierState, regno: number, rangeOpen: boolean): void {
  const { regs } = state.frame;
  const reg = regs[regno]!;
  // Not of what stands before the packet.
  if (reg.type !== PTR_TO_PACKET) return;
  regs[regno] = reg.with({ range: rangeOpen ? BEYOND_PKT_END : AT_PKT_END });
}

/** Of `ptr op end`: on which way the pointer is good, and whether the byte at it is. */
const GOOD: Readonly<Partial<Record<JmpOp, { onJump: boolean; rightOpen: boolean }>>> = {
  jgt: { onJump: false, rightOpen: false },
  jlt: { onJump: true, rightOpen: true },
  jge: { onJump: false, rightOpen: true },
  jle: { onJump: true, rightOpen: false },
};

/**
 * A pointer into the packet is compared with its end, of 64 bits: both ways learn from it. False:
 * it is no such comparison. `dst` and `src` are registers' numbers. try_match_pkt_pointers()
 */
export function tryMatchPktPointers(
  op: JmpOp,
  dst: number,
  src: number,
  fallThrough: VerifierState,
  jump: VerifierState,
): boolean {
  const { regs } = fallThrough.frame;
  const [a, b] = [regs[dst]!, regs[src]!];
  let regno = dst;
  let good = GOOD[op];
  if (good === undefined) return false;
  if (!isEndOf(b, a)) {
    if (!isEndOf(a, b)) return false;
    regno = src;
    good = GOOD[FLIPPED[op]]!;
  }
  const [inside, outside] = good.onJump ? [jump, fallThrough] : [fallThrough, jump];
  findGoodPktPointers(inside, regs[regno]!, good.rightOpen);
  markPktEnd(outside, regno, !good.rightOpen);
  return true;
}
