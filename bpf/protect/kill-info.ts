import { HELD_CLASSES } from './pairs.ts';
import { HELD_TOLD, type KilledHeld, type Kills } from './kill-notes.ts';

// What BPF_OBJ_GET_INFO_BY_FD tells of a program behind the kernel's own struct bpf_prog_info,
// where some policy may end programs. Spec 03 R24.

/** Behind this many bytes: Linux 7.2's struct. */
export const KILL_INFO_AT = 232;
const HELD_AT = 40;
const HELD_BYTES = 16;
export const KILL_INFO_BYTES = HELD_AT + HELD_TOLD * HELD_BYTES;

/** What of it is known of each thing that was held: its type is the kernel's own to know. */
export type ToldHeld = Pick<KilledHeld, 'class' | 'insn' | 'addr'>;
export type ToldKills = Omit<Kills, 'held'> & { readonly held: readonly ToldHeld[] };

export function encodeKills(kills: Kills): Uint8Array {
  const bytes = new Uint8Array(KILL_INFO_BYTES);
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  u32(0, kills.count);
  u32(4, kills.insn);
  u64(8, kills.runNs);
  u64(16, kills.detectedNs);
  u32(24, kills.deferred);
  u32(28, kills.held.length);
  u64(32, kills.operations);
  for (const [i, held] of kills.held.entries()) {
    const at = HELD_AT + HELD_BYTES * i;
    u32(
      at,
      HELD_CLASSES.findIndex((cls) => cls === held.class),
    );
    u32(at + 4, held.insn);
    u64(at + 8, held.addr);
  }
  return bytes;
}

export function decodeKills(info: Uint8Array): ToldKills {
  const view = new DataView(info.buffer, info.byteOffset + KILL_INFO_AT);
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  return {
    count: u32(0),
    insn: u32(4),
    runNs: u64(8),
    detectedNs: u64(16),
    deferred: u32(24),
    operations: u64(32),
    held: Array.from({ length: u32(28) }, (_, i) => {
      const at = HELD_AT + HELD_BYTES * i;
      return { class: HELD_CLASSES[u32(at)]!, insn: u32(at + 4), addr: u64(at + 8) };
    }),
  };
}
