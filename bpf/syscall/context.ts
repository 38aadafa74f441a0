import type { Sim } from '../../sim/request.ts';
import { EFAULT } from '../../kernel/errno.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Hooks } from '../attach/hooks.ts';
import type { Links } from '../attach/link.ts';
import type { TraceLinks } from '../attach/links.ts';
import type { BtfObject, BtfObjects } from '../btf/objects.ts';
import type { Helper } from '../helpers/prototype.ts';
import type { Maps } from '../maps/maps.ts';
import type { Programs } from '../prog/programs.ts';
import type { Protection } from '../protect/protection.ts';
import type { Verified } from '../verifier/verify.ts';
import type { ProgRunner } from '../vm/runner.ts';
import type { BpfAttr } from './attr.ts';
import type { BpfFds } from './fds.ts';
import type { BpfFs } from './bpffs.ts';

/** The kinds of descriptors of bpf(2). */
export interface BpfFileOps {
  readonly map: FileOps;
  readonly prog: FileOps;
  readonly link: FileOps;
  readonly btf: FileOps;
}

/** What the commands of bpf(2) work on. */
export interface BpfContext {
  readonly kernel: Kernel;
  readonly fds: BpfFds;
  readonly ops: BpfFileOps;
  readonly maps: Maps;
  readonly programs: Programs;
  readonly links: Links;
  readonly btfs: BtfObjects;
  readonly runner: ProgRunner;
  readonly hooks: Hooks;
  readonly traceLinks: TraceLinks;
  readonly pins: BpfFs;
  readonly protection: Protection;
  /** sysctl kernel.unprivileged_bpf_disabled: 0: who has no capability may load some programs. */
  readonly unprivilegedBpfDisabled: 0 | 1 | 2;
  /** Is told of every program that was verified, whatever the caller's buffer takes of the log. */
  onVerified?: ((verified: Verified) => void) | undefined;
  /** The kernel's own types: made when somebody first asks. */
  vmlinux(): BtfObject;
  helper(id: number): Helper | undefined;
  /** The kfunc whose type has this id in the kernel's BTF. */
  kfunc(btfId: number): Helper | undefined;
}

/** One command: 0, a descriptor, or -errno. */
export interface Command {
  /** Offset behind its last attribute: what stands there must be zero. CHECK_ATTR() */
  readonly endBytes: number;
  run(bpf: BpfContext, attr: BpfAttr): Sim<number>;
}

/** Stores a little-endian word at a user address: 0 or -EFAULT. */
export function* putU32(kernel: Kernel, addr: number, value: number): Sim<number> {
  const bytes = Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
  return (yield* kernel.mm.copy_to_user(addr, bytes)) > 0 ? -EFAULT : 0;
}
