import { traceableFunctions } from '../kernel/functions.ts';
import type { SyscallRow } from '../kernel/hooks.ts';
import { TRACE_EVENTS } from '../kernel/trace-events.ts';
import { KERNEL_STRUCTS } from '../kernel/vmlinux-structs.ts';
import { BPF_ANY, BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST } from './maps/base.ts';
import * as flag from './maps/flags.ts';
import type { Btf } from './btf/types.ts';
import { vmlinuxBtf, type EnumRow } from './btf/vmlinux.ts';
import { DECLARATIONS } from './kernel-types/index.ts';
import { PERCPU_VARIABLES } from './kernel-types/extra.ts';
import { FUNC } from './helpers/func-ids.ts';
import { OLD_KFUNC_DECLARATIONS } from './kfuncs/declared-old.ts';
import { KFUNC_DECLARATIONS, KFUNC_TAGS } from './kfuncs/declared.ts';
import type { ProfileFacts } from '../kernel/profile.ts';
import { bpf_map } from './maps/map.ts';
import { bpf_prog, bpf_prog_aux } from './prog/program.ts';
import { __sk_buff } from './prog/sk-buff.ts';
import * as uapi from './uapi.ts';
import { UAPI_STRUCTS } from './uapi-structs.ts';
import type { Fields, StructType } from '../base/layout.ts';

/** Every struct that the simulated kernel's BTF has. */
export const BTF_STRUCTS: readonly StructType<Fields>[] = [
  ...KERNEL_STRUCTS,
  ...([bpf_map, bpf_prog, bpf_prog_aux, __sk_buff] as unknown as StructType<Fields>[]),
  ...UAPI_STRUCTS,
];

function enumOf(name: string, prefix: string, values: Readonly<Record<string, number>>): EnumRow {
  const rows = Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]);
  return { name, values: Object.fromEntries(rows) as Record<string, number> };
}

/** What programs and maps are made with. */
const ENUMS: readonly EnumRow[] = [
  enumOf('bpf_cmd', 'BPF_', uapi.CMD),
  enumOf('bpf_map_type', 'BPF_MAP_TYPE_', uapi.MAP_TYPE),
  enumOf('bpf_prog_type', 'BPF_PROG_TYPE_', uapi.PROG_TYPE),
  enumOf('bpf_attach_type', 'BPF_', uapi.ATTACH_TYPE),
  enumOf('bpf_func_id', 'BPF_FUNC_', FUNC),
  enumOf('bpf_link_type', 'BPF_LINK_TYPE_', uapi.LINK_TYPE),
  { name: '', values: { false: 0, true: 1 } },
  { name: '', values: { BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK } },
  enumOf('', 'BPF_F_', {
    NO_PREALLOC: flag.NO_PREALLOC,
    NO_COMMON_LRU: flag.NO_COMMON_LRU,
    NUMA_NODE: flag.NUMA_NODE,
    RDONLY: flag.RDONLY,
    WRONLY: flag.WRONLY,
    ZERO_SEED: flag.ZERO_SEED,
    RDONLY_PROG: flag.RDONLY_PROG,
    WRONLY_PROG: flag.WRONLY_PROG,
    CLONE: flag.CLONE,
    MMAPABLE: flag.MMAPABLE,
    PRESERVE_ELEMS: flag.PRESERVE_ELEMS,
    INNER_MAP: flag.INNER_MAP,
  }),
  { name: '', values: { BPF_RB_NO_WAKEUP: 1, BPF_RB_FORCE_WAKEUP: 2 } },
  {
    name: '',
    values: { BPF_RB_AVAIL_DATA: 0, BPF_RB_RING_SIZE: 1, BPF_RB_CONS_POS: 2, BPF_RB_PROD_POS: 3 },
  },
  { name: '', values: { BPF_LOCAL_STORAGE_GET_F_CREATE: 1 } },
];

/** By the names of system calls: kernels with the same have the same types. */
const made = new Map<string, Btf>();

/** The types of the simulated kernel with these system calls. */
export function kernelBtf(
  syscalls: readonly SyscallRow[],
  { kptrGet }: Pick<ProfileFacts, 'kptrGet'>,
): Btf {
  const key = `${kptrGet} ${syscalls.map(({ name }) => name).join()}`;
  const known = made.get(key);
  if (known) return known;
  const types = newKernelBtf(syscalls, kptrGet);
  made.set(key, types);
  return types;
}

function newKernelBtf(syscalls: readonly SyscallRow[], kptrGet: boolean): Btf {
  return vmlinuxBtf({
    structs: BTF_STRUCTS,
    events: TRACE_EVENTS,
    functions: traceableFunctions(syscalls),
    enums: ENUMS,
    declarations: DECLARATIONS,
    kfuncs: kptrGet ? KFUNC_DECLARATIONS + OLD_KFUNC_DECLARATIONS : KFUNC_DECLARATIONS,
    tags: KFUNC_TAGS,
    percpu: PERCPU_VARIABLES,
  });
}
