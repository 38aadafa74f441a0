import { ptr, s32, struct, u32, u64 } from '../../base/layout.ts';
import { EBUSY, EINVAL, EOPNOTSUPP, EPERM } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { FileHolder } from '../../kernel/quiesce.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Ids } from '../ids.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { Programs } from '../prog/programs.ts';
import { Registry } from '../registry.ts';

const INC = site('bpf_link_inc', 'inc');
const PUT = site('bpf_link_put', 'dec');

/** include/linux/bpf.h */
export const bpf_link = struct('bpf_link', {
  refcnt: u64, // atomic64_t
  id: u32,
  type: s32, // enum bpf_link_type
  attach_type: s32,
  prog: ptr('struct bpf_prog'),
});

/** What a kind of link does. include/linux/bpf.h: struct bpf_link_ops */
export interface LinkOps {
  /** BPF_LINK_TYPE_* */
  readonly type: number;
  /** Takes the program off. Once, with the last reference or by detach. */
  release(): Sim<void> | void;
  /** Whether BPF_LINK_DETACH may do that earlier. Default: it may not. */
  readonly canDetach?: boolean;
  /** Puts another program in place of the present one: 0 or -errno. Absent: -EINVAL. */
  update?(next: ExecProgram, prev: ExecProgram): Sim<number> | number;
  /** The struct file that it holds a reference of while it hangs: bpf_perf_link.perf_file */
  readonly heldFile?: number;
  /** The link's own part of struct bpf_link_info, behind type, id and prog_id. */
  fillInfo?(info: LinkInfo): void;
}

/** struct bpf_link_info under construction. */
export interface LinkInfo {
  u32(offset: number, value: number): void;
  u64(offset: number, value: bigint): void;
  /** A name for which user space gave a buffer: its address at `ptrAt`, its size at `lenAt`. */
  name(ptrAt: number, lenAt: number, value: string): void;
}

/** The attachment of a program: lives as long as somebody refers to it, and keeps the program. */
export interface Link {
  readonly addr: number;
  readonly ops: LinkOps;
}

/** kernel/bpf/syscall.c */
export class Links {
  readonly registry = new Registry<Link>();
  readonly ids: Ids;
  readonly #kernel: Kernel;
  readonly #programs: Programs;

  constructor(kernel: Kernel, programs: Programs) {
    this.#kernel = kernel;
    this.#programs = programs;
    this.ids = new Ids(kernel.machine);
  }

  /** With one reference, which takes over the caller's on the program; 0: memory is exhausted. */
  create(ops: LinkOps, prog: ExecProgram, attachType: number): number {
    const { machine } = this.#kernel;
    const { memory, slab } = machine;
    const addr = machine.mayAlloc('bpf_link') ? slab.kzalloc(bpf_link.sizeBytes) : 0;
    if (addr === 0) return 0;
    memory.unwatched(() => {
      const link = bpf_link.at(memory, addr);
      link.refcnt = 1n;
      link.type = ops.type;
      link.attach_type = attachType;
      link.prog = prog.addr;
      link.id = this.ids.next();
    });
    this.registry.set(addr, { addr, ops });
    return addr;
  }

  /** Where no descriptor could be had: nothing hangs anywhere yet. */
  abandon(addr: number): void {
    this.registry.delete(addr);
    this.#kernel.kasan.free(addr);
  }

  /** It never hung anywhere: its last put frees it, and the program stays the caller's. */
  forget(addr: number): void {
    this.#kernel.machine.memory.unwatched(() => {
      this.at(addr).prog = 0;
      this.at(addr).id = 0;
    });
  }

  at(addr: number): ReturnType<typeof bpf_link.at> {
    return bpf_link.at(this.#kernel.machine.memory, addr);
  }

  of(addr: number): Link {
    return this.registry.get(addr)!;
  }

  /** 0 where it is detached. */
  progOf(addr: number): number {
    return this.#kernel.machine.memory.unwatched(() => this.at(addr).prog);
  }

  /** Files that links hold, with the name of the link. */
  heldFiles(): readonly FileHolder[] {
    return [...this.registry.values()]
      .filter(({ addr, ops }) => ops.heldFile !== undefined && this.progOf(addr) !== 0)
      .map(({ addr, ops }) => ({ file: ops.heldFile!, what: `bpf_link ${this.at(addr).id}` }));
  }

  byId(id: number): Link | undefined {
    const { memory } = this.#kernel.machine;
    for (const link of this.registry.values()) {
      if (memory.unwatched(() => this.at(link.addr).id) === id) return link;
    }
    return undefined;
  }

  *bpf_link_inc(addr: number): Sim<number> {
    yield* this.#kernel.atomics.add64(INC, addr + bpf_link.off.refcnt, 1n);
    return addr;
  }

  /** With the last reference the program comes off, and its memory goes after a grace period. */
  *bpf_link_put(addr: number): Sim<void> {
    const { atomics, kasan, rcu, rcuTasksTrace, machine } = this.#kernel;
    if ((yield* atomics.add64(PUT, addr + bpf_link.off.refcnt, -1n)) !== 0n) return;
    machine.memory.unwatched(() => (this.at(addr).id = 0));
    const prog = this.progOf(addr);
    const isSleepable = prog !== 0 && this.#programs.of(prog).sleepable;
    yield* this.#release(addr);
    this.registry.delete(addr);
    const free = (): void => kasan.free(addr);
    if (isSleepable) rcuTasksTrace.call_rcu_tasks_trace('bpf_link_defer_dealloc_rcu_gp', free);
    else rcu.call_rcu('bpf_link_defer_dealloc_rcu_gp', free);
  }

  /** link_detach() */
  *detach(addr: number): Sim<number> {
    const { ops } = this.of(addr);
    if (!ops.canDetach) return -EOPNOTSUPP;
    if (this.progOf(addr) !== 0) yield* this.#release(addr);
    return 0;
  }

  /** Takes the program off whatever links hang it on, also off those that cannot be detached. */
  *detachAll(prog: number): Sim<void> {
    const hanging = [...this.registry.values()].filter(({ addr }) => this.progOf(addr) === prog);
    for (const { addr } of hanging) {
      if (this.#isGone(addr)) continue;
      yield* this.bpf_link_inc(addr);
      yield* this.#release(addr);
      yield* this.bpf_link_put(addr);
    }
  }

  #isGone(addr: number): boolean {
    if (!this.registry.get(addr)) return true;
    return this.#kernel.machine.memory.unwatched(() => this.at(addr).refcnt === 0n);
  }

  /** `old`: what must be there now, or undefined. The reference on `next` goes over on success. */
  *update(addr: number, next: ExecProgram, old: ExecProgram | undefined): Sim<number> {
    const { ops } = this.of(addr);
    if (!ops.update) return -EINVAL;
    const prev = this.progOf(addr);
    if (prev === 0) return -EBUSY;
    if (old && old.addr !== prev) return -EPERM;
    const made = ops.update(next, this.#programs.of(prev));
    const result = typeof made === 'number' ? made : yield* made;
    if (result < 0) return result;
    this.#kernel.machine.memory.unwatched(() => (this.at(addr).prog = next.addr));
    yield* this.#programs.bpf_prog_put(prev);
    return 0;
  }

  *#release(addr: number): Sim<void> {
    const prog = this.progOf(addr);
    if (prog === 0) return;
    const released = this.of(addr).ops.release();
    if (released) yield* released;
    this.#kernel.machine.memory.unwatched(() => (this.at(addr).prog = 0));
    yield* this.#programs.bpf_prog_put(prog);
  }
}

kernelText(Links);
