import { EINVAL } from '../../kernel/errno.ts';
import { CMD_NAMES } from '../../kernel/uapi-bpf.ts';
import type { Command } from './context.ts';

/** Proposed, in no kernel: the number behind those of Linux 7.2. Spec 03 R35. */
export const BPF_PROG_TERMINATE: number = CMD_NAMES.length;

/** By prog_id: the program ends by its own code. Unknown without the policy `terminate-cmd`. */
export const progTerminate: Command = {
  endBytes: 4,
  *run({ programs, protection }, attr) {
    const policy = protection.policies.find(({ terminate }) => terminate !== undefined);
    const id = attr.u32(0);
    return policy?.terminate?.(id === 0 ? undefined : programs.byId(id)) ?? -EINVAL;
  },
};
