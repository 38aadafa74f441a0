import { DIRECT_MAP_HIGH, type Memory } from '../../kernel/memory.ts';
import {
  ACQUIRE,
  FULL,
  NONE,
  PLAIN,
  READ,
  RELAXED,
  RELEASE,
  RMW,
  WRITE,
  access,
  type Access,
  type Order,
  type Request,
} from '../../sim/request.ts';
import type { Insn } from '../isa/insn.ts';
import { arenaEntry, arenaPlace, arenaTouch, isArenaInsn, type ArenaInsn } from './arena.ts';
import { bpfFrame, kernelAddress } from './frame.ts';

const { off, sizeBytes: FRAME_BYTES } = bpfFrame;
const HIGH = BigInt(DIRECT_MAP_HIGH);

/** How one kind of instruction touches memory, and the register its address is in. */
interface Touch {
  readonly kind: Access;
  readonly base: number;
  readonly off: number;
  readonly size: number;
}

/** What `insn` touches, or undefined where that is nothing. */
function touchOf(insn: Insn): Touch | undefined {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      return { kind: READ, base: insn.src, off: insn.off, size: insn.size };
    case 'st':
    case 'stx':
    case 'store_release':
      return { kind: WRITE, base: insn.dst, off: insn.off, size: insn.size };
    case 'atomic':
      return { kind: RMW, base: insn.dst, off: insn.off, size: insn.size };
    default:
      return undefined;
  }
}

/** Loads and stores are plain; atomics that give nothing back order nothing. LKMM */
function orderOf(insn: Insn): Order {
  if (insn.kind === 'load_acquire') return ACQUIRE;
  if (insn.kind === 'store_release') return RELEASE;
  if (insn.kind !== 'atomic') return PLAIN;
  return insn.fetch || insn.op === 'xchg' || insn.op === 'cmpxchg' ? FULL : RELAXED;
}

/**
 * Fine mode, where a run is to begin at `insn` that nobody has stopped for: what the engine would
 * do in front of any later one. True: it is to be stopped for, and the frame says at what.
 */
export function mustStopAt(memory: Memory, frame: number, insn: Insn): boolean {
  const touch = touchOf(insn);
  if (!touch) return false;
  const base = memory.rawLoad(frame + off.regs + 8 * touch.base, 8);
  const addr = addressOf(memory, frame, insn, BigInt.asUintN(64, base + BigInt(touch.off)));
  const at = addr >> 32n === HIGH ? Number(BigInt.asUintN(32, addr)) : -1;
  if (at >= frame + off.stack && at + touch.size <= frame + FRAME_BYTES) return false;
  const left = memory.rawU32(frame + off.countdown);
  if (left > 0) {
    memory.setRawU32(frame + off.countdown, left - 1);
    return false;
  }
  memory.rawStore(frame + off.accessAddr, 8, addr);
  memory.setRawU32(frame + off.accessSize, touch.size);
  memory.setRawU32(frame + off.accessKind, touch.kind);
  return true;
}

/** Where an access goes: of one to an arena, the page that stands for it, if it is there. */
function addressOf(memory: Memory, frame: number, insn: Insn, addr: bigint): bigint {
  if (!isArenaInsn(insn)) return addr;
  const place = arenaPlace(memory, memory.rawU32(frame + off.arena), addr, insn.size);
  return place === 0 ? addr : kernelAddress(place);
}

/** An atomic's write, for the race monitor, in the step in which it happens. */
const writes = ({ target, addr, size }: Request): void => {
  (target as Memory).onAccess?.(addr, size, true);
};

const cmpxchgWrites = (request: Request): void => {
  const { target, addr, size, wideOld } = request;
  if ((target as Memory).rawLoad(addr, size as 4 | 8) === wideOld) writes(request);
};

/**
 * The effect of an access to an arena: whether the page is there is part of it, and which one,
 * where that is another by now than the `asked` one.
 */
function withEntry<T>(
  memory: Memory,
  frame: number,
  insn: ArenaInsn,
  { asked, effect }: { readonly asked: number; readonly effect: () => T },
): () => T {
  return () => {
    const { addr, kind } = arenaTouch(memory, frame, insn);
    const tables = memory.rawU32(frame + off.arena);
    const low = Number(BigInt.asUintN(32, addr));
    memory.marked(() => {
      memory.u32(arenaEntry(memory, tables, low));
      const place = arenaPlace(memory, tables, addr, insn.size);
      if (place > 0 && place !== asked) memory.check(place, insn.size, kind !== READ);
    });
    return effect();
  };
}

/** What to yield where `insn` has been stopped for: its effect is `goOn`, which does the access. */
export function accessRequest<T>(
  memory: Memory,
  frame: number,
  insn: Insn,
  site: number,
  effect: () => T,
): Request<T> {
  const high = memory.rawU32(frame + off.accessAddr + 4);
  const addr = high === DIRECT_MAP_HIGH ? memory.rawU32(frame + off.accessAddr) : -1;
  const goOn = isArenaInsn(insn) ? withEntry(memory, frame, insn, { asked: addr, effect }) : effect;
  const size = memory.rawU32(frame + off.accessSize);
  const kind = memory.rawU32(frame + off.accessKind) as Access;
  if (addr <= 0 || addr + size > memory.sizeBytes) return access(site, 0, 0, NONE, goOn);
  if (kind !== RMW || insn.kind !== 'atomic') {
    const request = access(site, addr, size, kind, goOn);
    request.order = orderOf(insn);
    return request;
  }
  const isCmpxchg = insn.op === 'cmpxchg';
  const tell = isCmpxchg ? cmpxchgWrites : writes;
  const request = access(site, addr, size, RMW, (own) => {
    tell(own);
    return goOn();
  });
  request.order = orderOf(insn);
  request.target = memory;
  if (isCmpxchg) request.wideOld = memory.rawLoad(frame + off.regs, insn.size);
  return request;
}
