import { ENOSPC, ESRCH } from '../../kernel/errno.ts';
import { InputError } from '../../base/errors.ts';
import type { Sim } from '../../sim/request.ts';
import { FUNC_INFO_BYTES, LINE_INFO_BYTES } from '../btf/ext.ts';
import { idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { OpenedObject } from '../object/open.ts';
import { explainPoison } from '../object/poison-log.ts';
import type { JumpTable, RelocatedProgram, Relocator } from '../object/relocate.ts';
import type { ProgramSpec } from '../object/spec.ts';
import { kernelOps } from '../object/struct-ops.ts';
import { ATTACH_TYPE, MAP_TYPE, PROG_TYPE } from '../uapi.ts';
import type { BpfCalls, Loaded, ProgLoad } from './calls.ts';
import { LoadError } from './load-error.ts';

const BPF_F_SLEEPABLE = 1 << 4;
const BPF_F_XDP_HAS_FRAGS = 1 << 5;
const LOG_LEVEL = 1;
const INSN_BYTES = 8;
/** struct bpf_insn_array_value */
const JUMP_VALUE_BYTES = 16;

/** How a program is to be loaded, beside what its object says. */
export interface LoadOptions {
  /** More BPF_F_* */
  readonly flags?: number;
  /** Default: none, and a second try with 1 where the kernel refuses. */
  readonly logLevel?: number;
  /** The whole log of the last try, where the kernel's buffer may have been too small for it. */
  readonly wholeLog?: () => string | undefined;
}

/** What a program is loaded for: union bpf_attr. */
interface Target {
  readonly attachBtfId: number;
  readonly expectedAttachType: number;
}

export interface LoaderParts {
  readonly calls: BpfCalls;
  readonly spec: OpenedObject;
  readonly relocator: Relocator;
  /** The kernel's types. */
  readonly btf: Btf;
  /** Descriptor of the object's own, or 0. */
  readonly btfFd: number;
}

/** Loads programs of one object whose maps are made. libbpf.c: bpf_object_load_prog() */
export class ProgramLoader {
  readonly #parts: LoaderParts;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /** Throws what the loader itself has against the program. */
  *load(spec: ProgramSpec, options: LoadOptions = {}): Sim<Loaded> {
    const { relocator, calls } = this.#parts;
    this.#checkType(spec);
    const relocated = relocator.program(spec);
    const target = this.#target(spec);
    const tables = yield* this.#jumpTables(spec, relocated);
    const request = { ...this.#request(spec, relocated, options), ...target };
    const { logLevel = 0 } = options;
    let loaded = yield* calls.progLoad({ ...request, logLevel });
    if (loaded.fd < 0 && logLevel === 0) {
      const again = yield* calls.progLoad({ ...request, logLevel: LOG_LEVEL });
      loaded = again.fd === -ENOSPC ? { fd: loaded.fd, log: again.log } : again;
    }
    for (const fd of tables) yield* calls.port.sys('close', fd);
    const log = options.wholeLog?.() ?? loaded.log;
    return { fd: loaded.fd, log: explainPoison(log, relocated) };
  }

  #checkType({ name, section, info }: ProgramSpec): void {
    if (info) return;
    throw new InputError(
      `object ${this.#parts.spec.name}: prog '${name}': section '${section}' ` +
        'says nothing of its type',
    );
  }

  #request(
    { info, name }: ProgramSpec,
    relocated: RelocatedProgram,
    { flags = 0 }: LoadOptions,
  ): ProgLoad {
    const { btfFd, spec } = this.#parts;
    const hasInfo = btfFd > 0;
    const { funcInfo, lineInfo } = relocated;
    return {
      type: PROG_TYPE[info!.type as keyof typeof PROG_TYPE],
      insns: relocated.code,
      license: spec.license,
      name,
      flags:
        flags |
        (info!.sleepable ? BPF_F_SLEEPABLE : 0) |
        (info!.hasFrags ? BPF_F_XDP_HAS_FRAGS : 0),
      btfFd,
      funcInfo: hasInfo ? { recordBytes: FUNC_INFO_BYTES, bytes: funcInfo } : undefined,
      lineInfo: hasInfo ? { recordBytes: LINE_INFO_BYTES, bytes: lineInfo } : undefined,
    };
  }

  #target(program: ProgramSpec): Target {
    const { info } = program;
    if (info!.type === 'STRUCT_OPS') return this.#structOpsTarget(program);
    const attachType = info!.attachType as keyof typeof ATTACH_TYPE | '';
    return {
      attachBtfId: this.#attachBtfId(program),
      expectedAttachType: attachType === '' ? 0 : ATTACH_TYPE[attachType],
    };
  }

  /** The member of a table that the program stands in. bpf_object__collect_st_ops_relos() */
  #structOpsTarget({ name }: ProgramSpec): Target {
    const { spec, btf } = this.#parts;
    const table = spec.maps.find(({ structOps }) =>
      [...(structOps?.programs.values() ?? [])].includes(name),
    );
    if (!table) return { attachBtfId: 0, expectedAttachType: 0 };
    const ops = kernelOps(btf, table.structOps!);
    const member = ops?.members.get(name);
    if (!ops || member === undefined) {
      const { struct } = table.structOps!;
      const what = `prog '${name}': struct ${struct} has no such member, or is not in kernel BTF`;
      throw new LoadError(`object ${spec.name}: ${what}`, -ESRCH);
    }
    return { attachBtfId: ops.typeId, expectedAttachType: member };
  }

  /** libbpf_find_attach_btf_id() */
  #attachBtfId({ info, name }: ProgramSpec): number {
    const { spec, btf } = this.#parts;
    const { target, attachType } = info!;
    const prefix = BTF_TARGETS[attachType];
    if (prefix === undefined || target === '') return 0;
    const kind = attachType === 'TRACE_RAW_TP' ? 'typedef' : 'func';
    const id = idOf(btf, `${prefix}${target}`, kind);
    if (id !== 0) return id;
    const what = `prog '${name}': failed to find kernel BTF type ID of '${target}'`;
    throw new LoadError(`object ${spec.name}: ${what}`, -ESRCH);
  }

  /** A map for each table of jumps, and its descriptor into the code. create_jt_map() */
  *#jumpTables({ name }: ProgramSpec, { code, jumpTables }: RelocatedProgram): Sim<number[]> {
    const view = new DataView(code.buffer, code.byteOffset);
    const made: number[] = [];
    for (const table of jumpTables) {
      const fd = yield* this.#jumpTable(table);
      if (fd < 0) throw new LoadError(`prog '${name}': jump table is not created`, fd);
      made.push(fd);
      for (const slot of table.slots) view.setInt32(slot * INSN_BYTES + 4, fd, true);
    }
    return made;
  }

  *#jumpTable({ targets }: JumpTable): Sim<number> {
    const { calls } = this.#parts;
    const fd = yield* calls.mapCreate({
      type: MAP_TYPE.INSN_ARRAY,
      name: 'jt',
      keySize: 4,
      valueSize: JUMP_VALUE_BYTES,
      maxEntries: targets.length,
    });
    if (fd < 0) return fd;
    for (const [index, target] of targets.entries()) {
      const value = new Uint8Array(JUMP_VALUE_BYTES);
      new DataView(value.buffer).setUint32(0, target, true);
      const key = new Uint8Array(Uint32Array.of(index).buffer);
      const result = yield* calls.mapUpdate(fd, key, value);
      if (result < 0) return result;
    }
    const frozen = yield* calls.mapFreeze(fd);
    return frozen < 0 ? frozen : fd;
  }
}

/** By attach type: what stands before the target's name in the kernel's BTF. */
const BTF_TARGETS: Readonly<Record<string, string>> = {
  TRACE_RAW_TP: 'btf_trace_',
  TRACE_FENTRY: '',
  TRACE_FEXIT: '',
  MODIFY_RETURN: '',
  TRACE_FSESSION: '',
  LSM_MAC: 'bpf_lsm_',
  LSM_CGROUP: 'bpf_lsm_',
  TRACE_ITER: 'bpf_iter_',
};
