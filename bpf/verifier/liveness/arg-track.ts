/**
 * Which frame's stack a value points to, and where, as the pass before the search sees it. A value,
 * never changed. struct arg_track
 */
export class ArgTrack {
  /** Which frame, or ARG_NONE, or ARG_IMPRECISE. */
  readonly frame: number;
  /** Offsets from the frame's r10 that it may have, ascending; none: any. */
  readonly offs: readonly number[];
  /** ARG_IMPRECISE: bits of the frames that it may point to. */
  readonly mask: number;

  constructor(frame: number, offs: readonly number[] = ANY_OFFSET, mask = 0) {
    this.frame = frame;
    this.offs = offs;
    this.mask = mask;
  }
}

/** Derived from no stack; of frames that are not told apart. */
export const ARG_NONE = -1;
export const ARG_IMPRECISE = -3;

const ANY_OFFSET: readonly number[] = [];
const MAX_ARG_OFFSETS = 4;

export const NO_ARG = new ArgTrack(ARG_NONE);

/** arg_single() */
export function argSingle(frame: number, off: number): ArgTrack {
  return new ArgTrack(frame, [off]);
}

/** Of these frames, one does not know which. */
export function argImprecise(mask: number): ArgTrack {
  return new ArgTrack(ARG_IMPRECISE, ANY_OFFSET, mask & 0xffff);
}

/** arg_is_fp() */
export function argIsFp({ frame }: ArgTrack): boolean {
  return frame >= 0 || frame === ARG_IMPRECISE;
}

/** arg_track_eq() */
export function argTrackEq(a: ArgTrack, b: ArgTrack): boolean {
  if (a === b) return true;
  if (a.frame !== b.frame) return false;
  if (a.frame === ARG_IMPRECISE) return a.mask === b.mask;
  return a.offs.length === b.offs.length && a.offs.every((off, i) => off === b.offs[i]);
}

/** verbose_arg_track() */
export function argTrackText({ frame, offs, mask }: ArgTrack): string {
  if (frame === ARG_NONE) return '_';
  if (frame === ARG_IMPRECISE) return `IMP${mask.toString(16)}`;
  if (offs.length === 0) return `fp${frame} ?`;
  return offs.map((off) => `fp${frame}${off < 0 ? off : `+${off}`}`).join('|');
}

function mergeOffsets(a: ArgTrack, b: ArgTrack): ArgTrack {
  const offs = [...new Set([...a.offs, ...b.offs])].sort((x, y) => x - y);
  return new ArgTrack(a.frame, offs.length > MAX_ARG_OFFSETS ? ANY_OFFSET : offs);
}

/** A pointer that another way does not have: with an offset that forbids to call it written. */
function joinNone(arg: ArgTrack): ArgTrack {
  return arg.offs.length === 1 ? mergeOffsets(arg, argSingle(arg.frame, 0)) : arg;
}

function framesOf({ frame, mask }: ArgTrack): number {
  if (frame >= 0) return 1 << frame;
  return frame === ARG_IMPRECISE ? mask : 0;
}

/** What is known where two ways meet. __arg_track_join() */
export function argTrackJoin(a: ArgTrack, b: ArgTrack): ArgTrack {
  if (a === b) return a;
  if (a.frame === b.frame && a.frame >= 0) {
    if (a.offs.length === 0 || b.offs.length === 0) return new ArgTrack(a.frame);
    return mergeOffsets(a, b);
  }
  if (a.frame === ARG_NONE && b.frame === ARG_NONE) return a;
  if (a.frame >= 0 && b.frame === ARG_NONE) return joinNone(a);
  if (b.frame >= 0 && a.frame === ARG_NONE) return joinNone(b);
  return argImprecise(framesOf(a) | framesOf(b));
}

/** Two registers are added, or the like: whose stack it is stays known. arg_track_alu64() */
export function argTrackAlu64(dst: ArgTrack, src: ArgTrack): ArgTrack {
  if (dst.frame >= 0 && (src.frame === ARG_NONE || src.frame === dst.frame)) {
    return new ArgTrack(dst.frame);
  }
  if (src.frame >= 0 && dst.frame === ARG_NONE) return new ArgTrack(src.frame);
  if (dst.frame === ARG_NONE && src.frame === ARG_NONE) return dst;
  return argImprecise(framesOf(dst) | framesOf(src));
}

/** The sum of two offsets; undefined: does not fit into 16 bits. arg_add() */
export function argAdd(off: number, delta: number): number | undefined {
  if (delta !== (delta << 16) >> 16) return undefined;
  const sum = off + delta;
  return sum < -0x8000 || sum > 0x7fff ? undefined : sum;
}

/** With a constant added. arg_padd() */
export function argPadd(arg: ArgTrack, delta: number): ArgTrack {
  if (arg.offs.length === 0) return arg;
  const offs: number[] = [];
  for (const off of arg.offs) {
    const sum = argAdd(off, delta);
    if (sum === undefined) return new ArgTrack(arg.frame);
    offs.push(sum);
  }
  return new ArgTrack(arg.frame, offs);
}
