import fc from 'fast-check';
import { assemble } from '../../bpf/isa/asm.ts';
import { encodeProgram } from '../../bpf/isa/encode.ts';
import type { Insn } from '../../bpf/isa/insn.ts';
import { MAP_TYPE, PROG_TYPE } from '../../bpf/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import { runProgram } from '../prog-run-close.ts';
import type { Proc } from '../proc.ts';
import { ints } from '../user-memory.ts';
import { bpfPrograms, DRAWN_KEY_BYTES, DRAWN_VALUE_BYTES } from './bpf-programs.ts';
import type { CallRow } from './call-row.ts';

const ENTRIES = 2;
const BPF_F_NO_PREALLOC = 1;
const BPF_F_SLEEPABLE = 1 << 4;

/** Kinds of maps, all from 4 bytes to 8, and small, so that they are full soon. */
const MAPS = [
  { type: MAP_TYPE.ARRAY, flags: 0 },
  { type: MAP_TYPE.HASH, flags: 0 },
  { type: MAP_TYPE.HASH, flags: BPF_F_NO_PREALLOC },
  { type: MAP_TYPE.LRU_HASH, flags: 0 },
] as const;

/** `FD` is a descriptor that the program is made for: of a map, or one to be closed. */
interface ProgramKind {
  readonly type: number;
  readonly flags: number;
  readonly insns: readonly (Insn | null)[];
}

/** Stands for the descriptor until it is known. */
const FD = 0x7ffffff;

const LOOK_UP = `
  *(u32 *)(r10 -4) = 0
  r2 = r10
  r2 += -4
  lddw %r1, map
  call 1
  if r0 == 0 goto out`;

const PROGRAMS: readonly ProgramKind[] = [
  {
    // Closes the descriptor, which may be its own.
    type: PROG_TYPE.SYSCALL,
    flags: BPF_F_SLEEPABLE,
    insns: assemble(`r1 = ${FD}\ncall 168\nexit`),
  },
  {
    // Adds to a value, on whatever CPU.
    type: PROG_TYPE.RAW_TRACEPOINT,
    flags: 0,
    insns: onMap(`${LOOK_UP}\nr1 = 1\nlock *(u64 *)(r0 +0) += r1\nout: r0 = 0\nexit`),
  },
  {
    // Puts an element there and takes it away, under the feet of others.
    type: PROG_TYPE.RAW_TRACEPOINT,
    flags: 0,
    insns: onMap(`
      *(u32 *)(r10 -4) = 0
      *(u64 *)(r10 -16) = 7
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      lddw %r1, map
      call 2
      r2 = r10
      r2 += -4
      lddw %r1, map
      call 3
      r0 = 0
      exit`),
  },
];

function onMap(text: string): readonly (Insn | null)[] {
  return assemble(text.replaceAll('lddw %r1, map', `r1 = ${FD} ll`)).map((insn) =>
    insn?.kind === 'ld_imm64' ? { ...insn, from: 'map_fd' } : insn,
  );
}

/** The program's bytes, made for that descriptor. */
function codeFor({ insns }: ProgramKind, fd: number): Uint8Array {
  return encodeProgram(
    insns.map((insn) => {
      if (insn?.kind === 'ld_imm64' && insn.from === 'map_fd') return { ...insn, imm: fd };
      const isMov = insn?.kind === 'alu' && 'imm' in insn.src && insn.src.imm === FD;
      return isMov ? { ...insn, src: { imm: fd } } : insn;
    }),
  );
}

function* load(p: Proc, kind: ProgramKind, fd: number): Sim<unknown> {
  const { type, flags } = kind;
  const insns = codeFor(kind, fd);
  return (yield* p.calls.progLoad({ type, flags, insns, license: 'GPL', name: 'drawn' })).fd;
}

const DRAWN_MAX = 9_999;
const drawn = new Map<number, ProgramKind>();

/** The program that a number stands for: data names it, and every thread draws the same. */
function drawnKind(seed: number): ProgramKind {
  let kind = drawn.get(seed);
  if (!kind) {
    const [program] = fc.sample(bpfPrograms(), { seed, numRuns: 1 });
    drawn.set(seed, (kind = { type: PROG_TYPE.RAW_TRACEPOINT, flags: 0, insns: program!.insns }));
  }
  return kind;
}

const key = fc.nat(ENTRIES);
const valueOf = (n: number): Uint8Array => ints(n, 0);

/** bpf(2): maps, programs that use them or close descriptors, and what runs these. */
export const BPF_CALLS: Readonly<Record<string, CallRow>> = {
  map_create: {
    weight: 12,
    args: () => [fc.nat(MAPS.length - 1)],
    run: (p, [kind]) =>
      p.calls.mapCreate({
        ...MAPS[kind!]!,
        keySize: DRAWN_KEY_BYTES,
        valueSize: DRAWN_VALUE_BYTES,
        maxEntries: ENTRIES,
      }),
  },
  map_update: {
    weight: 5,
    args: ({ fd }) => [fd, key],
    run: (p, [at, k]) => p.calls.mapUpdate(at!, ints(k!), valueOf(k!)),
  },
  map_lookup: {
    weight: 3,
    args: ({ fd }) => [fd, key],
    run: (p, [at, k]) => p.calls.mapLookup(at!, ints(k!), DRAWN_VALUE_BYTES),
  },
  map_delete: {
    weight: 4,
    args: ({ fd }) => [fd, key],
    run: (p, [at, k]) => p.calls.mapDelete(at!, ints(k!)),
  },
  prog_load: {
    weight: 16,
    args: ({ fd }) => [fc.nat(PROGRAMS.length - 1), fd],
    run: (p, [kind, fd]) => load(p, PROGRAMS[kind!]!, fd!),
  },
  prog_drawn: {
    weight: 8,
    args: ({ fd }) => [fc.nat(DRAWN_MAX), fd],
    run: (p, [seed, fd]) => load(p, drawnKind(seed!), fd!),
  },
  prog_run: {
    weight: 12,
    args: ({ fd }) => [fd],
    run: (p, [at]) => runProgram(p, at!),
  },
  prog_attach: {
    weight: 8,
    args: ({ fd }) => [fd],
    run: (p, [at]) => p.calls.rawTracepointOpen('sys_enter', at!),
  },
};
