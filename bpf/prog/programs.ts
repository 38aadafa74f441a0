import type { Kernel } from '../../kernel/kernel.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Ids } from '../ids.ts';
import type { BpfMap } from '../maps/map.ts';
import { Registry } from '../registry.ts';
import type { ExecProgram } from './exec-program.ts';
import { bpf_prog, bpf_prog_aux } from './program.ts';
import { streamsOf } from './streams.ts';

const INC = site('bpf_prog_inc', 'inc');
const GET = site('bpf_prog_get', 'inc');
const PUT = site('bpf_prog_put', 'dec');
const { off } = bpf_prog_aux;

/** What a new program is made of. */
export type ProgramInit = Omit<ExecProgram, 'addr'> & {
  readonly attachBtfId: number;
  readonly stackDepth: number;
  /** Bytes of the context that it reaches to. */
  readonly ctxBytes: number;
};

export interface ProgramsParts {
  readonly kernel: Kernel;
  /** Drops a program's reference on a map. */
  putMap(map: BpfMap): Sim<void>;
  /** And on BTF. */
  putBtf(addr: number): Sim<void>;
}

/**
 * Loaded programs: struct bpf_prog and its aux in memory, alive as long as somebody has a
 * reference: descriptors, links, prog arrays, runs. kernel/bpf/syscall.c, core.c
 */
export class Programs {
  readonly registry = new Registry<ExecProgram>();
  readonly ids: Ids;
  readonly #parts: ProgramsParts;

  constructor(parts: ProgramsParts) {
    this.#parts = parts;
    this.ids = new Ids(parts.kernel.machine);
  }

  /** With one reference and an id, or undefined where memory is exhausted. */
  create(init: ProgramInit): ExecProgram | undefined {
    const { machine } = this.#parts.kernel;
    const { memory, slab } = machine;
    const addr = machine.mayAlloc('bpf_prog') ? slab.kzalloc(bpf_prog.sizeBytes) : 0;
    if (addr === 0) return undefined;
    const auxAddr = machine.mayAlloc('bpf_prog_aux') ? slab.kzalloc(bpf_prog_aux.sizeBytes) : 0;
    if (auxAddr === 0) {
      this.#parts.kernel.kasan.free(addr);
      return undefined;
    }
    const streams = streamsOf(this.#parts.kernel).alloc();
    if (streams === 0) {
      for (const each of [auxAddr, addr]) this.#parts.kernel.kasan.free(each);
      return undefined;
    }
    const program: ExecProgram = { ...init, addr, streams };
    memory.unwatched(() => {
      const s = bpf_prog.at(memory, addr);
      s.type = init.type;
      s.expected_attach_type = init.expectedAttachType;
      s.gpl_compatible = init.gplCompatible ? 1 : 0;
      s.jited = 1;
      s.len = init.insns.length;
      s.jited_len = init.insns.length * 8;
      for (let i = 0; i < 8; i++) {
        memory.setU8(s.tag + i, Number.parseInt(init.tag.slice(i * 2, i * 2 + 2), 16));
      }
      s.aux = auxAddr;
      const aux = bpf_prog_aux.at(memory, auxAddr);
      aux.refcnt = 1n;
      aux.used_map_cnt = init.usedMaps.length;
      aux.max_ctx_offset = init.ctxBytes;
      aux.stack_depth = init.stackDepth;
      aux.attach_btf_id = init.attachBtfId;
      aux.sleepable = init.sleepable ? 1 : 0;
      aux.name = init.name;
      aux.load_time = BigInt(Math.floor(machine.engine.cpu.nowNs));
      aux.verified_insns = init.verifiedInsns;
      aux.prog = addr;
      aux.id = this.ids.next();
    });
    this.registry.set(addr, program);
    return program;
  }

  aux(prog: number): ReturnType<typeof bpf_prog_aux.at> {
    const { memory } = this.#parts.kernel.machine;
    return bpf_prog_aux.at(
      memory,
      memory.unwatched(() => bpf_prog.at(memory, prog).aux),
    );
  }

  of(addr: number): ExecProgram {
    return this.registry.get(addr)!;
  }

  idOf({ addr }: ExecProgram): number {
    const { memory } = this.#parts.kernel.machine;
    return memory.unwatched(() => this.aux(addr).id);
  }

  /** By id, those that still have one. */
  byId(id: number): ExecProgram | undefined {
    for (const program of this.registry.values()) if (this.idOf(program) === id) return program;
    return undefined;
  }

  /** The reference of a descriptor's user. */
  *bpf_prog_get(addr: number): Sim<ExecProgram> {
    return yield* this.#inc(addr, GET);
  }

  *bpf_prog_inc(addr: number): Sim<ExecProgram> {
    return yield* this.#inc(addr, INC);
  }

  /**
   * With the last reference the id goes at once; the program and its maps when nobody can be
   * running it any more.
   */
  *bpf_prog_put(addr: number): Sim<void> {
    const { kernel } = this.#parts;
    const refcnt = this.aux(addr).addr + off.refcnt;
    if ((yield* kernel.atomics.add64(PUT, refcnt, -1n)) !== 0n) return;
    const program = this.of(addr);
    kernel.machine.memory.unwatched(() => (this.aux(addr).id = 0));
    const free = (): void => {
      kernel.workqueues.schedule_work('bpf_prog_free_deferred', () =>
        this.bpf_prog_free_deferred(program),
      );
    };
    if (program.sleepable) kernel.rcuTasksTrace.call_rcu_tasks_trace('__bpf_prog_put_rcu', free);
    else kernel.rcu.call_rcu('__bpf_prog_put_rcu', free);
  }

  *bpf_prog_free_deferred(program: ExecProgram): Sim<void> {
    const { kernel } = this.#parts;
    for (const map of program.usedMaps) yield* this.#parts.putMap(map);
    if (program.btfObject !== 0) yield* this.#parts.putBtf(program.btfObject);
    if (program.streams) streamsOf(kernel).free(program.streams);
    this.registry.delete(program.addr);
    kernel.kasan.free(this.aux(program.addr).addr);
    kernel.kasan.free(program.addr);
  }

  *#inc(addr: number, at: number): Sim<ExecProgram> {
    const { atomics } = this.#parts.kernel;
    yield* atomics.add64(at, this.aux(addr).addr + off.refcnt, 1n);
    return this.of(addr);
  }
}

kernelText(Programs);
