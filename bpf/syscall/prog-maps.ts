import { EBADF, EFAULT, EINVAL, EPROTO } from '../../kernel/errno.ts';
import type { FileOps } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import type { Insns } from '../isa/insn.ts';
import type { BpfMap } from '../maps/map.ts';
import type { MapConst, WrongMap } from '../verifier/program.ts';
import type { BpfAttr } from './attr.ts';
import type { BpfContext } from './context.ts';
import { AT } from './prog-attrs.ts';

const FD_ARRAY_MAX = 1 << 16;

/** Why descriptors are refused, before anything else of a program is looked at. */
export interface BadFd {
  readonly errno: number;
  /** For the log; '': nothing is said. */
  readonly message: string;
}

/** The maps that a program names, each held once. add_used_map(), process_fd_array() */
export class ProgMaps {
  readonly held: BpfMap[] = [];
  /** Those of fd_array, where its length is given. */
  readonly bound: BpfMap[] = [];
  readonly bySlot = new Map<number, MapConst>();
  readonly wrong = new Map<number, WrongMap>();
  readonly #bpf: BpfContext;
  readonly #attr: BpfAttr;

  constructor(bpf: BpfContext, attr: BpfAttr) {
    this.#bpf = bpf;
    this.#attr = attr;
  }

  /** With a count, every entry must be a map or BTF, and is held. */
  *holdFdArray(): Sim<BadFd | undefined> {
    const count = this.#attr.u32(AT.fdArrayCnt);
    if (count === 0) return undefined;
    if (count >= FD_ARRAY_MAX) {
      return { errno: EINVAL, message: `fd_array_cnt is too big (${count})` };
    }
    if (this.#attr.ptr(AT.fdArray) === 0) return { errno: EFAULT, message: '' };
    for (let i = 0; i < count; i++) {
      const fd = yield* this.#fdAt(i);
      if (fd === -EFAULT) return { errno: EFAULT, message: '' };
      const result = yield* this.#bpf.fds.withAny(fd, (ops, addr) => this.#holdAny(ops, addr));
      if (result < 0) {
        const message = `fd ${fd} is not pointing to valid bpf_map or btf`;
        return { errno: -result, message };
      }
    }
    return undefined;
  }

  /** What the constants of a program name: maps, and where there is none, why. */
  *find(insns: Insns): Sim<void> {
    for (const [slot, insn] of insns.entries()) {
      if (insn?.kind !== 'ld_imm64' || !insn.from.startsWith('map_')) continue;
      const fd = insn.from.startsWith('map_idx') ? yield* this.#fdAt(insn.imm) : insn.imm;
      if (insn.from.startsWith('map_idx') && (fd === -EPROTO || fd === -EFAULT)) {
        this.wrong.set(slot, { fd, errno: -fd });
        continue;
      }
      const { fds, ops, maps } = this.#bpf;
      const map = yield* fds.with(fd, ops.map, (addr) => this.#hold(maps.of(addr)));
      if (typeof map === 'number') {
        this.wrong.set(slot, { fd, errno: map === -EBADF ? EBADF : EINVAL });
        continue;
      }
      const isValue = insn.from === 'map_value' || insn.from === 'map_idx_value';
      this.bySlot.set(slot, { map, off: isValue ? insn.next >>> 0 : 0 });
    }
  }

  *release(): Sim<void> {
    for (const map of this.held) yield* this.#bpf.maps.bpf_map_put(map);
    this.held.length = 0;
  }

  *#holdAny(kind: FileOps, addr: number): Sim<number> {
    const { ops, maps } = this.#bpf;
    if (kind === ops.map) this.bound.push(yield* this.#hold(maps.of(addr)));
    return kind === ops.map || kind === ops.btf ? 0 : -EINVAL;
  }

  *#hold(map: BpfMap): Sim<BpfMap> {
    if (!this.held.includes(map)) {
      yield* this.#bpf.maps.bpf_map_inc(map);
      this.held.push(map);
    }
    return map;
  }

  *#fdAt(index: number): Sim<number> {
    const array = this.#attr.ptr(AT.fdArray);
    if (array === 0) return -EPROTO;
    const bytes = yield* this.#bpf.kernel.mm.copy_from_user(array + 4 * index, 4);
    if (!bytes) return -EFAULT;
    return new DataView(bytes.buffer).getInt32(0, true);
  }
}
