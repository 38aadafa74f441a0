import { alignUp, type StructType } from '../../base/layout.ts';
import { EINVAL, EOPNOTSUPP } from '../../kernel/errno.ts';
import { CAP_SYS_ADMIN } from '../../kernel/cred.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { VmOps } from '../../kernel/mm/vm-ops.ts';
import type { Task } from '../../kernel/task.ts';
import { BPF_SPIN_LOCK } from './lock.ts';
import type { BtfRecord } from '../btf/record.ts';
import type { Btf } from '../btf/types.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { bpf_map, type BpfMap } from './map.ts';
import { holdsThings, objectsOf } from '../objects/objects.ts';
import { ValueFields } from './value-fields.ts';
import type { Registry } from '../registry.ts';
import type { ExecProgram } from '../prog/exec-program.ts';

/** include/uapi/linux/bpf.h */
export const BPF_ANY = 0;
export const BPF_NOEXIST = 1;
export const BPF_EXIST = 2;
export const BPF_F_LOCK = 4;

const CAP_PERFMON = 38;

const LOCK = site('copy_map_value_locked', 'lock');
const UNLOCK = site('copy_map_value_locked', 'unlock');

/** What bpf(2) asks a map to be, as far as its type may refuse that. */
export interface CheckedAttr {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  readonly btfVmlinuxValueTypeId: number;
  readonly extra: bigint;
}

export interface MapAttr extends CheckedAttr {
  readonly name: string;
  /** Of a map of maps: what its elements are like. */
  readonly inner: BpfMap | undefined;
  readonly btf?: Btf | undefined;
  readonly record?: BtfRecord | undefined;
  /** Offset of a struct bpf_spin_lock in the value, or -1. */
  readonly spinLockOff: number;
}

/** What maps need of others: descriptors, and references to what they hold. */
export interface MapPorts {
  /** The map behind a descriptor, with a reference; or -errno. */
  mapFromFd(fd: number): Sim<BpfMap | number>;
  bpf_map_put(map: BpfMap): Sim<void>;
  mapAt(addr: number): BpfMap;
  mapIdOf(map: BpfMap): number;
  progFromFd(fd: number): Sim<ExecProgram | number>;
  bpf_prog_put(addr: number): Sim<void>;
  progAt(addr: number): ExecProgram;
  progIdOf(prog: ExecProgram): number;
  /** The file of a perf event's descriptor, with a reference; or -errno. */
  perf_event_get(fd: number): Sim<number>;
  fput(file: number): Sim<void>;
  /** A record of the event that such a file is of: 0 or -errno. */
  perf_event_output(file: number, from: number, size: number): Sim<number>;
  /** The task that a pidfd is of, with a reference; or -errno. */
  taskFromPidfd(fd: number): Sim<Task | number>;
}

export interface MapWorld {
  readonly kernel: Kernel;
  readonly ports: MapPorts;
  /** All that there are. */
  readonly maps: Registry<BpfMap>;
  /** What arenas do for their mappings. */
  readonly arenaVmOps?: VmOps;
}

/** Whether a map may be made so: 0 or -errno. struct bpf_map_ops: map_alloc_check */
export type AllocCheck = (attr: CheckedAttr, kernel: Kernel) => number;

/** What all types of maps share. Its struct, which begins with struct bpf_map, is zeroed memory. */
export abstract class MapBase implements BpfMap {
  readonly addr: number;
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly spinLockOff: number;
  readonly btf: Btf | undefined;
  readonly record: BtfRecord | undefined;
  readonly bypassesSpecV1: boolean = false;
  protected readonly world: MapWorld;
  readonly #fields: ValueFields;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    this.world = world;
    this.addr = addr;
    this.type = attr.type;
    this.name = attr.name;
    this.keySize = attr.keySize;
    this.valueSize = attr.valueSize;
    this.maxEntries = attr.maxEntries;
    this.flags = attr.flags;
    this.spinLockOff = attr.spinLockOff;
    this.btf = attr.btf;
    this.record = attr.record;
    this.#fields = new ValueFields(attr);
  }

  /** bpf_bypass_spec_v1() */
  protected get mayBypassSpecV1(): boolean {
    const { creds } = this.kernel;
    return creds.capable(CAP_PERFMON) || creds.capable(CAP_SYS_ADMIN);
  }

  protected get kernel(): Kernel {
    return this.world.kernel;
  }

  protected get memory() {
    return this.world.kernel.machine.memory;
  }

  get userValueSize(): number {
    return this.valueSize;
  }

  abstract map_lookup_elem(key: number): number | Sim<number>;
  abstract map_update_elem(key: number, value: number, flags: number): number | Sim<number>;
  abstract map_delete_elem(key: number): number | Sim<number>;
  abstract map_get_next_key(key: number, next: number): Sim<number>;
  abstract bpf_map_copy_value(key: number, value: number, flags: number): Sim<number>;
  abstract map_free(): Sim<void>;

  *bpf_map_update_value(key: number, value: number, flags: number, _mapFile?: number): Sim<number> {
    return yield* done(this.map_update_elem(key, value, flags));
  }

  *bpf_map_delete_key(key: number): Sim<number> {
    return yield* done(this.map_delete_elem(key));
  }

  *map_for_each_callback(_each: (key: number, value: number) => Sim<bigint>): Sim<number> {
    return -EOPNOTSUPP;
  }

  /** Of an update: -EINVAL where they make no sense here. */
  protected checkFlags(flags: number): number {
    if ((flags & ~BPF_F_LOCK) > BPF_EXIST) return -EINVAL;
    return flags & BPF_F_LOCK && this.spinLockOff < 0 ? -EINVAL : 0;
  }

  /** Copies a value to or from an element, without its special fields. copy_map_value() */
  copyValue(to: number, from: number): void {
    this.#fields.copy(this.memory, to, from);
  }

  /** What the special fields of an element's value hold goes. bpf_obj_free_fields() */
  *freeFields(value: number): Sim<void> {
    if (!holdsThings(this.record)) return;
    yield* objectsOf(this.kernel).bpf_obj_free_fields(this.record, value);
  }

  /**
   * Whether what an element holds goes when the element is overwritten or deleted. If not, it stays
   * in the memory until that is freed. Spec 02 R18, R19
   */
  protected get isEager(): boolean {
    return this.kernel.machine.facts.eagerFields && holdsThings(this.record);
  }

  /** The same under the element's own lock. `locked` is the element's value. */
  *copyValueLocked(to: number, from: number, locked: number): Sim<void> {
    const { spinlocks } = this.kernel;
    yield* spinlocks.spin_lock_irq(BPF_SPIN_LOCK, locked + this.spinLockOff, LOCK);
    this.copyValue(to, from);
    yield* spinlocks.spin_unlock_irq(BPF_SPIN_LOCK, locked + this.spinLockOff, UNLOCK);
  }

  /** Of a look-up by bpf(2): -EINVAL where they make no sense here. bpf_map_check_op_flags() */
  protected checkCopyFlags(flags: number): number {
    if (flags & ~BPF_F_LOCK) return -EINVAL;
    return flags & BPF_F_LOCK && this.spinLockOff < 0 ? -EINVAL : 0;
  }

  /** The value for bpf(2), its special fields as they begin. check_and_init_map_value() */
  protected *copyOut(value: number, element: number, flags: number): Sim<number> {
    if (flags & BPF_F_LOCK) yield* this.copyValueLocked(value, element, element);
    else this.copyValue(value, element);
    objectsOf(this.kernel).init(this.record, value);
    return 0;
  }
}

/** The result of what may or may not have had to yield. */
export function* done<T>(result: T | Sim<T>): Sim<T> {
  return isSim(result) ? yield* result : result;
}

function isSim<T>(result: T | Sim<T>): result is Sim<T> {
  return typeof result === 'object' && result !== null && 'next' in result;
}

/**
 * Where a map's own struct continues behind its struct bpf_map. Worked out at each use, since a
 * foreign kernel's layout may make struct bpf_map longer.
 */
export function behindMap(addr: number): number {
  return addr + alignUp(bpf_map.sizeBytes, 8);
}

/**
 * A zeroed struct bpf_map, filled in, with room behind it for what its type has beside; 0: memory
 * is exhausted. bpf_map_init_from_attr()
 */
export function allocMap(
  world: MapWorld,
  own: Pick<StructType<{}>, 'name' | 'sizeBytes'>,
  attr: MapAttr,
): number {
  const { machine } = world.kernel;
  const size = behindMap(0) + own.sizeBytes;
  const addr = machine.mayAlloc(own.name) ? machine.slab.kzalloc(size) : 0;
  if (addr === 0) return 0;
  machine.memory.unwatched(() => {
    const s = bpf_map.at(machine.memory, addr);
    s.map_type = attr.type;
    s.key_size = attr.keySize;
    s.value_size = attr.valueSize;
    s.max_entries = attr.maxEntries;
    s.map_flags = attr.flags;
    s.map_extra = attr.extra;
    s.name = attr.name;
    s.spin_lock_off = attr.spinLockOff;
  });
  return addr;
}

/** Zeroed memory for a map's elements, or 0. bpf_map_area_alloc() */
export function allocArea({ kernel }: MapWorld, name: string, bytes: number): number {
  const { machine } = kernel;
  const isPossible = bytes < machine.memory.sizeBytes && machine.mayAlloc(name);
  return isPossible ? machine.slab.kzalloc(bytes) : 0;
}
