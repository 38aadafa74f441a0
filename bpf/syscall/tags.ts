import { sha1, sha256 } from '../../base/sha.ts';
import type { Profile } from '../../kernel/profile.ts';
import { rawInsn } from '../isa/decode.ts';
import { INSN_BYTES } from '../isa/insn.ts';
import { CODE, IMM_SOURCES } from '../isa/ops.ts';

/** src of a call: of a function of the program. */
const BPF_PSEUDO_CALL = 1;

/** Where functions begin in the instructions as the verifier has rewritten them. */
interface Rewritten {
  readonly xlated: Uint8Array;
  readonly subprogs: readonly number[];
}

/**
 * The tag of a program, over its instructions as loaded, and those of its functions, by index: the
 * same where it has but one.
 */
export function tagsOf(
  profile: Profile,
  code: Uint8Array,
  { xlated, subprogs }: Rewritten,
): { readonly tag: string; readonly subprogTags: readonly string[] } {
  const tag = bpf_prog_calc_tag(profile, code.slice());
  const end = xlated.length / INSN_BYTES;
  if (subprogs.length === 1) return { tag, subprogTags: [tag] };
  const subprogTags = subprogs.map((start, i) => {
    const own = xlated.slice(start * INSN_BYTES, (subprogs[i + 1] ?? end) * INSN_BYTES);
    pointCalls(own, start, subprogs);
    return bpf_prog_calc_tag(profile, own);
  });
  return { tag, subprogTags };
}

/** Calls say which function they are of. kernel/bpf/verifier.c: jit_subprogs() */
function pointCalls(code: Uint8Array, start: number, subprogs: readonly number[]): void {
  const view = new DataView(code.buffer);
  for (let slot = 0; slot < code.length / INSN_BYTES; slot++) {
    const { code: opcode, src, imm } = rawInsn(view, slot);
    if (opcode === CODE.ld_imm64) slot++;
    if (opcode !== CODE.call || src !== BPF_PSEUDO_CALL) continue;
    view.setInt16(slot * INSN_BYTES + 2, subprogs.indexOf(start + slot + imm + 1), true);
    view.setInt32(slot * INSN_BYTES + 4, 1, true);
  }
}

/** Without descriptors, which differ from load to load. kernel/bpf/core.c */
function bpf_prog_calc_tag(profile: Profile, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer);
  for (let slot = 0; slot < bytes.length / INSN_BYTES; slot++) {
    const { code: opcode, src } = rawInsn(view, slot);
    if (opcode !== CODE.ld_imm64) continue;
    const from = IMM_SOURCES[src];
    if (from === 'map_fd' || from === 'map_value') {
      view.setInt32(slot * INSN_BYTES + 4, 0, true);
      view.setInt32(slot * INSN_BYTES + 12, 0, true);
    }
    slot++;
  }
  const digest = profile === 'v6.1' ? sha1(bytes) : sha256(bytes);
  return [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
