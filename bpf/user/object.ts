import { ESRCH } from '../../kernel/errno.ts';
import { InputError } from '../../base/errors.ts';
import type { Sim } from '../../sim/request.ts';
import type { Btf } from '../btf/types.ts';
import { kconfigData, type Kconfig } from '../object/kconfig.ts';
import { kernelSymbols } from '../object/ksyms.ts';
import type { MapDefinition } from '../object/maps.ts';
import type { OpenedObject } from '../object/open.ts';
import { Relocator } from '../object/relocate.ts';
import type { StructOpsSpec } from '../object/spec.ts';
import { kernelOps } from '../object/struct-ops.ts';
import { MAP_TYPE } from '../uapi.ts';
import { Attacher } from './attach.ts';
import type { BpfCalls, Loaded, MapCreate } from './calls.ts';
import { ProgramLoader, type LoadOptions } from './load-program.ts';
import { LoadError } from './load-error.ts';
import { ObjectMap } from './object-map.ts';
import { ObjectProgram } from './object-program.ts';

const LOG_LEVEL = 1;

/** Types of maps that are made without saying what is in them. bpf_object__create_map() */
const WITHOUT_TYPES: readonly number[] = [
  MAP_TYPE.PERF_EVENT_ARRAY,
  MAP_TYPE.CGROUP_ARRAY,
  MAP_TYPE.STACK_TRACE,
  MAP_TYPE.ARRAY_OF_MAPS,
  MAP_TYPE.HASH_OF_MAPS,
  MAP_TYPE.DEVMAP,
  MAP_TYPE.DEVMAP_HASH,
  MAP_TYPE.CPUMAP,
  MAP_TYPE.XSKMAP,
  MAP_TYPE.SOCKMAP,
  MAP_TYPE.SOCKHASH,
  MAP_TYPE.QUEUE,
  MAP_TYPE.STACK,
  MAP_TYPE.ARENA,
];

/** What a loader reads of the kernel that it loads into. */
export interface LoaderKernel {
  /** /sys/kernel/btf/vmlinux */
  readonly btf: Btf;
  /** /proc/config.gz, and the kernel's version. */
  readonly kconfig: Kconfig;
  /** /proc/kallsyms */
  addressOf(symbol: string): bigint | undefined;
}

/**
 * An object in its life: opened, loaded, attached, gone. All by system calls of the process that
 * owns it. tools/lib/bpf/libbpf.c: struct bpf_object
 */
export class BpfObject {
  readonly spec: OpenedObject;
  readonly #calls: BpfCalls;
  readonly #kernel: LoaderKernel;
  readonly #maps: readonly ObjectMap[];
  readonly #programs: readonly ObjectProgram[];
  #btfFd = 0;

  constructor(calls: BpfCalls, spec: OpenedObject, kernel: LoaderKernel) {
    this.spec = spec;
    this.#calls = calls;
    this.#kernel = kernel;
    const attacher = new Attacher(calls);
    this.#maps = spec.maps.map((map) => new ObjectMap(calls, map));
    this.#programs = spec.programs.map((program) => new ObjectProgram(calls, program, attacher));
  }

  get name(): string {
    return this.spec.name;
  }

  /** Of its types, once it is loaded; 0: it has none. bpf_object__btf_fd() */
  get btfFd(): number {
    return this.#btfFd;
  }

  get maps(): readonly ObjectMap[] {
    return this.#maps;
  }

  get programs(): readonly ObjectProgram[] {
    return this.#programs;
  }

  /** By its name in the source; of data also by its section: `.bss`. */
  map(name: string): ObjectMap {
    const found = this.#maps.find(
      ({ spec }) => spec.definition.name === name || (spec.kind !== 'map' && spec.section === name),
    );
    return (
      found ??
      this.#unknown(
        'map',
        name,
        this.#maps.map((map) => map.name),
      )
    );
  }

  program(name: string): ObjectProgram {
    const found = this.#programs.find((program) => program.name === name);
    return (
      found ??
      this.#unknown(
        'program',
        name,
        this.#programs.map((program) => program.name),
      )
    );
  }

  /** The map of data that a variable stands in. */
  mapOf(variable: string): ObjectMap {
    const found = this.#maps.find(({ spec }) => spec.variables.has(variable));
    return (
      found ??
      this.#unknown(
        'variable',
        variable,
        this.#maps.flatMap(({ spec }) => [...spec.variables.keys()]),
      )
    );
  }

  /** Before load(): the value that a variable of .rodata, .data or .bss begins with. */
  set(variable: string, value: number | bigint | Uint8Array): void {
    this.mapOf(variable).preset(variable, value);
  }

  #unknown(what: string, name: string, known: readonly string[]): never {
    throw new InputError(
      `object ${this.name}: no ${what} '${name}', expected ${known.join(', ') || 'none'}`,
    );
  }

  /** Makes the maps and loads the programs; on failure nothing is left. bpf_object__load() */
  *load(): Sim<this> {
    try {
      yield* this.prepare();
      yield* this.#loadPrograms();
      yield* this.fillProgArrays();
    } catch (error) {
      if (error instanceof InputError) yield* this.destroy();
      throw error;
    }
    return this;
  }

  /** Makes the maps alone. bpf_object__prepare() */
  *prepare(): Sim<void> {
    yield* this.#loadBtf();
    for (const map of this.#maps) yield* this.#createMap(map);
    for (const map of this.#maps) yield* this.#fillData(map);
    for (const map of this.#maps) yield* this.#fillMaps(map);
  }

  /**
   * After prepare(): loads one program, whatever the kernel says to it. The descriptor is the
   * program's, or -errno.
   */
  *loadProgram(name: string, options: LoadOptions = {}): Sim<Loaded> {
    const program = this.program(name);
    const loaded = yield* this.#loader().load(program.spec, options);
    if (loaded.fd >= 0) program.fd = loaded.fd;
    return loaded;
  }

  /** Attaches every program whose section says where. bpf_object__attach_skeleton() */
  *attach(): Sim<this> {
    for (const program of this.#programs) {
      if (program.fd > 0 && program.spec.info!.attach !== 'none') yield* program.attach();
    }
    return this;
  }

  /** Closes all that it has: links first. */
  *destroy(): Sim<void> {
    for (const program of this.#programs) yield* program.close();
    for (const map of this.#maps) yield* map.close();
    if (this.#btfFd > 0) yield* this.#calls.port.sys('close', this.#btfFd);
    this.#btfFd = 0;
  }

  *#loadBtf(): Sim<void> {
    const { btfBytes } = this.spec;
    if (!btfBytes) return;
    const { fd } = yield* this.#calls.btfLoad(btfBytes);
    if (fd >= 0) {
      this.#btfFd = fd;
      return;
    }
    // Others do without: the kernel may not like it, or not from this user.
    const isMandatory = this.spec.maps.some(({ kind }) => kind === 'struct_ops');
    if (!isMandatory) return;
    const { log } = yield* this.#calls.btfLoad(btfBytes, LOG_LEVEL);
    throw new LoadError(`object ${this.name}: BTF is not loaded`, fd, log);
  }

  *#createMap(map: ObjectMap): Sim<void> {
    const { definition, structOps } = map.spec;
    if (!map.isWanted) return;
    if (structOps) {
      yield* this.#createStructOps(map, structOps);
      return;
    }
    const { inner } = definition;
    const innerMapFd = inner ? yield* this.#mustCreate(this.#request(inner), inner.name) : 0;
    const request = { ...this.#request(definition), innerMapFd };
    try {
      map.fd = yield* this.#mustCreate(request, definition.name);
      const failed = map.isArena ? yield* map.mmapArena() : 0;
      if (failed < 0) {
        throw new LoadError(`object ${this.name}: map '${map.name}' is not mapped`, failed);
      }
    } finally {
      if (innerMapFd > 0) yield* this.#calls.port.sys('close', innerMapFd);
    }
  }

  /** In the kernel's own shape. bpf_map__init_kern_struct_ops() */
  *#createStructOps(map: ObjectMap, structOps: StructOpsSpec): Sim<void> {
    if (!structOps.isWanted) return;
    const { definition } = map.spec;
    const ops = kernelOps(this.#kernel.btf, structOps);
    if (!ops) {
      const what = `struct_ops '${definition.name}': struct ${structOps.struct} is not found`;
      throw new LoadError(`object ${this.name}: ${what} in kernel BTF`, -ESRCH);
    }
    const { valueTypeId, valueSize } = ops;
    const request = { ...definition, valueSize, btfVmlinuxValueTypeId: valueTypeId };
    map.fd = yield* this.#mustCreate(request, definition.name);
  }

  #request(definition: MapDefinition): MapCreate {
    const isTyped = definition.keyTypeId !== 0 || definition.valueTypeId !== 0;
    const hasTypes = this.#btfFd > 0 && isTyped && !WITHOUT_TYPES.includes(definition.type);
    const { type, maxEntries } = definition;
    const isPerCpu = type === MAP_TYPE.PERF_EVENT_ARRAY && maxEntries === 0;
    return {
      ...definition,
      maxEntries: isPerCpu ? this.#calls.port.cpuCount : ringbufSize(type, maxEntries),
      extra: definition.extra,
      btfFd: hasTypes ? this.#btfFd : 0,
      btfKeyTypeId: hasTypes ? definition.keyTypeId : 0,
      btfValueTypeId: hasTypes ? definition.valueTypeId : 0,
    };
  }

  *#mustCreate(request: MapCreate, name: string): Sim<number> {
    let fd = yield* this.#calls.mapCreate(request);
    if (fd < 0 && (request.btfFd ?? 0) > 0) {
      const plain = { ...request, btfFd: 0, btfKeyTypeId: 0, btfValueTypeId: 0 };
      fd = yield* this.#calls.mapCreate(plain);
    }
    if (fd < 0) throw new LoadError(`object ${this.name}: map '${name}' is not created`, fd);
    return fd;
  }

  /** bpf_object__populate_internal_map() */
  *#fillData(map: ObjectMap): Sim<void> {
    const { kind, data } = map.spec;
    if (!data || kind === 'struct_ops' || map.isArena || map.fd === 0) return;
    const value = kind === 'kconfig' ? kconfigData(this.spec, this.#kernel.kconfig) : map.initial;
    let result = 0;
    if (kind !== 'bss' || value.some((byte) => byte !== 0)) {
      result = yield* this.#calls.mapUpdate(map.fd, new Uint8Array(4), value);
    }
    const isConst = kind === 'rodata' || kind === 'kconfig';
    if (result === 0 && isConst) result = yield* this.#calls.mapFreeze(map.fd);
    if (result < 0)
      throw new LoadError(`object ${this.name}: map '${map.name}' is not filled`, result);
  }

  /** The first slots of a map of maps. init_map_in_map_slots() */
  *#fillMaps(map: ObjectMap): Sim<void> {
    if (map.fd === 0) return;
    for (const { key, target } of map.spec.slots) {
      if ('map' in target) yield* this.#fillSlot(map, key, this.#maps[target.map]!.fd);
    }
  }

  /** After the programs are loaded: what prog arrays begin with. init_prog_array_slots() */
  *fillProgArrays(): Sim<void> {
    for (const map of this.#maps) yield* this.#fillPrograms(map);
  }

  *#fillPrograms(map: ObjectMap): Sim<void> {
    if (map.fd === 0) return;
    for (const { key, target } of map.spec.slots) {
      if ('map' in target) continue;
      const { fd } = this.program(target.program);
      if (fd > 0) yield* this.#fillSlot(map, key, fd);
    }
  }

  *#fillSlot(map: ObjectMap, key: number, fd: number): Sim<void> {
    const word = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
    const result = yield* this.#calls.mapUpdate(map.fd, word(key), word(fd));
    if (result < 0) {
      throw new LoadError(`object ${this.name}: map '${map.name}': slot ${key} is not set`, result);
    }
  }

  *#loadPrograms(): Sim<void> {
    const loader = this.#loader();
    for (const program of this.#programs) {
      if (!program.isWanted) continue;
      const { fd, log } = yield* loader.load(program.spec);
      if (fd < 0) {
        throw new LoadError(`object ${this.name}: prog '${program.name}' is not loaded`, fd, log);
      }
      program.fd = fd;
    }
  }

  #loader(): ProgramLoader {
    const { btf, addressOf } = this.#kernel;
    const relocator = new Relocator(this.spec, {
      btf,
      mapFds: this.#maps.map(({ fd }) => fd),
      ksym: kernelSymbols(btf, addressOf),
    });
    return new ProgramLoader({
      calls: this.#calls,
      spec: this.spec,
      relocator,
      btf,
      btfFd: this.#btfFd,
    });
  }
}

const PAGE_BYTES = 4096;

/** Of ring buffers: as many pages as a power of two, at least as asked for. adjust_ringbuf_sz() */
function ringbufSize(type: number, size: number): number {
  const isRingbuf = type === MAP_TYPE.RINGBUF || type === MAP_TYPE.USER_RINGBUF;
  if (!isRingbuf || size === 0) return size;
  return Math.max(PAGE_BYTES, 2 ** Math.ceil(Math.log2(size)));
}
