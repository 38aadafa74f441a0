import { EFAULT, EINVAL, EPROTO } from '../../kernel/errno.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import type { Insns } from '../isa/insn.ts';
import type { BpfMap } from '../maps/map.ts';
import type { MapConst, WrongMap } from '../verifier/program.ts';
import type { BpfContext } from './context.ts';

const FD_ARRAY_MAX = 1 << 16;

/** Why fd_array is no good. */
export interface FdArrayProblem {
  readonly errno: number;
  readonly message: string;
}

/** What the constants of a program name, by slot. */
export interface NamedMaps {
  readonly maps: ReadonlyMap<number, MapConst>;
  readonly wrongMaps: ReadonlyMap<number, WrongMap>;
}

/** The maps that a program names, each held once. kernel/bpf/verifier.c: add_used_map() */
export class UsedMaps {
  readonly #bpf: BpfContext;
  /** User address of fd_array, or 0. */
  readonly #fdArray: number;
  readonly #held: BpfMap[] = [];

  constructor(bpf: BpfContext, fdArray: number) {
    this.#bpf = bpf;
    this.#fdArray = fdArray;
  }

  get held(): readonly BpfMap[] {
    return this.#held;
  }

  *release(): Sim<void> {
    for (const map of this.#held) yield* this.#bpf.maps.bpf_map_put(map);
  }

  /** Those of a program; the first that is none ends it, as it ends the program. */
  *named(insns: Insns): Sim<NamedMaps> {
    const maps = new Map<number, MapConst>();
    const wrongMaps = new Map<number, WrongMap>();
    for (const [slot, insn] of insns.entries()) {
      if (insn?.kind !== 'ld_imm64' || !insn.from.startsWith('map')) continue;
      const fd = insn.from.startsWith('map_idx') ? yield* this.#fdAt(insn.imm) : insn.imm;
      const isNoFd = fd === -EPROTO || fd === -EFAULT;
      const map = isNoFd ? fd : yield* this.#mapAt(fd);
      if (typeof map === 'number') {
        wrongMaps.set(slot, { fd, errno: -map });
        break;
      }
      maps.set(slot, { map, off: insn.next >>> 0 });
    }
    return { maps, wrongMaps };
  }

  /** With a count, every entry must be a map or BTF, and is held. process_fd_array() */
  *holdFdArray(count: number): Sim<FdArrayProblem | undefined> {
    if (count === 0) return undefined;
    if (count > FD_ARRAY_MAX) {
      return { errno: EINVAL, message: `fd_array_cnt is too big (${count})` };
    }
    if (this.#fdArray === 0) return { errno: EFAULT, message: '' };
    for (let i = 0; i < count; i++) {
      const fd = yield* this.#fdAt(i);
      if (fd === -EFAULT) return { errno: EFAULT, message: '' };
      const result = yield* this.#bpf.fds.withAny(fd, (ops, addr) => this.#holdAny(ops, addr));
      if (result < 0) {
        return { errno: -result, message: `fd ${fd} is not pointing to valid bpf_map or btf` };
      }
    }
    return undefined;
  }

  *#mapAt(fd: number): Sim<BpfMap | number> {
    const { fds, ops, maps } = this.#bpf;
    return yield* fds.with(fd, ops.map, (addr) => this.#hold(maps.of(addr)));
  }

  *#hold(map: BpfMap): Sim<BpfMap> {
    if (!this.#held.includes(map)) {
      yield* this.#bpf.maps.bpf_map_inc(map);
      this.#held.push(map);
    }
    return map;
  }

  *#fdAt(index: number): Sim<number> {
    if (this.#fdArray === 0) return -EPROTO;
    const bytes = yield* this.#bpf.kernel.mm.copy_from_user(this.#fdArray + 4 * index, 4);
    if (!bytes) return -EFAULT;
    return new DataView(bytes.buffer).getInt32(0, true);
  }

  *#holdAny(kind: FileOps, addr: number): Sim<number> {
    const { ops, maps } = this.#bpf;
    if (kind === ops.map) yield* this.#hold(maps.of(addr));
    return kind === ops.map || kind === ops.btf ? 0 : -EINVAL;
  }
}
