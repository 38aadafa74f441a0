import { EACCES, EBADF, EFAULT, EINVAL, EPROTO } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { Insn, Insns } from '../isa/insn.ts';
import type { BpfMap } from '../maps/map.ts';
import { kernelAddress } from '../vm/frame.ts';
import type { Accepted } from './check.ts';
import type { Reject } from './reject.ts';
import { subprogTarget } from './subprogs.ts';

/** What the names in a program stand for. */
export interface FixupWorld {
  /** The map behind a descriptor, pinned once for the program; or -EBADF, -EINVAL. */
  map(fd: number): Sim<BpfMap | number>;
  /** An entry of fd_array: a descriptor; -EPROTO where there is no array, -EFAULT. */
  fdAt(index: number): Sim<number>;
  /** The address of a kernel variable, by the id of its type; or undefined. */
  variable(btfId: number): bigint | undefined;
}

/** A program with addresses in the place of names. */
export interface Resolved {
  readonly insns: Insns;
  /** By the slot of the constant that named it, or its value. */
  readonly maps: ReadonlyMap<number, BpfMap>;
}

/** kernel/bpf/verifier.c: resolve_pseudo_ldimm64() */
export function* resolveNames(program: Insns, world: FixupWorld): Sim<Resolved | Reject> {
  const insns: (Insn | null)[] = [...program];
  const maps = new Map<number, BpfMap>();
  for (const [slot, insn] of program.entries()) {
    if (insn?.kind !== 'ld_imm64' || insn.from === 'value') continue;
    const value = yield* valueOf(insn, slot, world, (map) => maps.set(slot, map));
    if (typeof value !== 'bigint') return value;
    const imm = Number(BigInt.asIntN(32, value));
    const next = Number(BigInt.asIntN(32, value >> 32n));
    insns[slot] = { kind: 'ld_imm64', from: 'value', dst: insn.dst, imm, next };
  }
  return { insns, maps };
}

/** What never runs: a jump to itself. sanitize_dead_code() */
const DEAD: Insn = { kind: 'ja', long: false, off: -1 };

/**
 * What is run of a resolved program: loads that may fault become probing ones; what it never comes
 * to need not exist, and is taken out. convert_ctx_accesses(), sanitize_dead_code()
 */
export function rewrite(resolved: Insns, { probes, reached }: Accepted): Insns {
  return resolved.map((insn, slot) => {
    const isDead = insn ? !reached[slot] : !reached[slot - 1];
    if (isDead) return DEAD;
    if (insn?.kind !== 'ldx' || !probes.has(slot)) return insn;
    return { ...insn, mode: insn.mode === 'memsx' ? 'probe_memsx' : 'probe_mem' };
  });
}

type Wide = Extract<Insn, { kind: 'ld_imm64' }>;

function* valueOf(
  insn: Wide,
  slot: number,
  world: FixupWorld,
  found: (map: BpfMap) => void,
): Sim<bigint | Reject> {
  switch (insn.from) {
    case 'func':
      return BigInt(subprogTarget(insn, slot)!);
    case 'btf_id': {
      const address = world.variable(insn.imm);
      const message = `ldimm64 unable to resolve the address for kernel symbol ${insn.imm}`;
      return address ?? { errno: EINVAL, message };
    }
    case 'map_idx':
    case 'map_idx_value': {
      const fd = yield* world.fdAt(insn.imm);
      if (fd === -EPROTO) {
        return { errno: EPROTO, message: 'fd_idx without fd_array is invalid' };
      }
      if (fd === -EFAULT) return { errno: EFAULT, message: '' };
      return yield* mapValue({ ...insn, imm: fd }, world, found);
    }
    default:
      return yield* mapValue(insn, world, found);
  }
}

function* mapValue(
  insn: Wide,
  world: FixupWorld,
  found: (map: BpfMap) => void,
): Sim<bigint | Reject> {
  const map = yield* world.map(insn.imm);
  if (typeof map === 'number') {
    const errno = map === -EBADF ? EBADF : EINVAL;
    return { errno, message: `fd ${insn.imm} is not pointing to valid bpf_map` };
  }
  found(map);
  const isValue = insn.from === 'map_value' || insn.from === 'map_idx_value';
  if (!isValue) {
    if (insn.next === 0) return kernelAddress(map.addr);
    return { errno: EINVAL, message: 'unrecognized bpf_ld_imm64 insn' };
  }
  if (!map.map_direct_value_addr) {
    return { errno: EINVAL, message: 'no direct value access support for this map type' };
  }
  const address = map.map_direct_value_addr(insn.next >>> 0);
  if (address < 0) {
    const message =
      `invalid access to map value pointer, value_size=${map.valueSize} ` +
      `off=${insn.next >>> 0}`;
    return { errno: address === -EACCES ? EACCES : EINVAL, message };
  }
  return kernelAddress(address);
}
