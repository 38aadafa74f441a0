import { EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP, EPERM } from '../../kernel/errno.ts';
import type { ProfileFacts } from '../../kernel/profile.ts';
import * as field from '../btf/field-types.ts';
import { OLD_TAGS } from '../btf/find-fields.ts';
import { btfParseFields, MAP_FIELDS, type BtfRecord } from '../btf/record.ts';
import { resolve, resolveId, sizeOf } from '../btf/resolve.ts';
import { btfCheckFields } from '../btf/struct-meta.ts';
import type { Btf, BtfType } from '../btf/types.ts';
import { MAP_TYPE } from '../uapi.ts';
import * as flag from './flags.ts';

/** What BPF_MAP_CREATE says of a map's types. */
export interface TypedMap {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
}

const STORAGE = [
  MAP_TYPE.SK_STORAGE,
  MAP_TYPE.INODE_STORAGE,
  MAP_TYPE.TASK_STORAGE,
  MAP_TYPE.CGRP_STORAGE,
] as const;
const PLAIN = [MAP_TYPE.HASH, MAP_TYPE.ARRAY] as const;

/** Special fields, and the types of maps whose values may have them. */
interface FieldMaps {
  readonly mask: number;
  readonly maps: readonly number[];
  /** Those of v6.1, where they are fewer. */
  readonly oldMaps?: readonly number[];
}

const FIELD_MAPS: readonly FieldMaps[] = [
  {
    mask: field.BPF_SPIN_LOCK | field.BPF_RES_SPIN_LOCK,
    maps: [...PLAIN, MAP_TYPE.RHASH, MAP_TYPE.CGROUP_STORAGE, ...STORAGE],
  },
  {
    mask: field.BPF_TIMER | field.BPF_WORKQUEUE | field.BPF_TASK_WORK,
    maps: [...PLAIN, MAP_TYPE.RHASH, MAP_TYPE.LRU_HASH],
  },
  {
    mask: field.BPF_KPTR | field.BPF_REFCOUNT,
    maps: [
      ...PLAIN,
      MAP_TYPE.RHASH,
      MAP_TYPE.PERCPU_HASH,
      MAP_TYPE.LRU_HASH,
      MAP_TYPE.LRU_PERCPU_HASH,
      MAP_TYPE.PERCPU_ARRAY,
      ...STORAGE,
    ],
    oldMaps: [...PLAIN, MAP_TYPE.LRU_HASH, MAP_TYPE.PERCPU_ARRAY],
  },
  { mask: field.BPF_UPTR, maps: [MAP_TYPE.TASK_STORAGE] },
  { mask: field.BPF_GRAPH_ROOT, maps: [...PLAIN, MAP_TYPE.LRU_HASH] },
];

/** What a map's types are judged by, beside themselves. */
interface MapJudge {
  readonly facts: ProfileFacts;
  /** The user has CAP_BPF. */
  readonly isBpfCapable: boolean;
}

function mayHave(row: FieldMaps, type: number, fieldMask: number, facts: ProfileFacts): boolean {
  const maps = facts.kptrsInAllMaps ? row.maps : (row.oldMaps ?? row.maps);
  return (fieldMask & row.mask) === 0 || maps.includes(type);
}

const ARRAYS: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY];

/** Whether a map may have keys and values of these types: 0 or -errno. map_check_btf() */
export function map_check_btf(
  btf: Btf,
  map: TypedMap,
  record: BtfRecord | undefined,
  { facts, isBpfCapable }: MapJudge,
): number {
  const { btfKeyTypeId, btfValueTypeId, type } = map;
  const key = resolve(btf, btfKeyTypeId);
  const isArray = ARRAYS.includes(type);
  if (btfKeyTypeId !== 0 && sizeOf(btf, btfKeyTypeId) !== map.keySize) return -EINVAL;
  if (btfKeyTypeId === 0 && !isArray && type !== MAP_TYPE.BLOOM_FILTER) return -EINVAL;
  if (sizeOf(btf, btfValueTypeId) !== map.valueSize) return -EINVAL;
  if (record) {
    if (!isBpfCapable) return -EPERM;
    if ((map.flags & (flag.RDONLY_PROG | flag.WRONLY_PROG)) !== 0) return -EACCES;
    if (FIELD_MAPS.some((row) => !mayHave(row, type, record.fieldMask, facts))) return -EOPNOTSUPP;
    const wrong = btfCheckFields(record);
    if (wrong < 0) return wrong;
  }
  if (isArray) return array_map_check_btf(map, key, resolve(btf, btfValueTypeId));
  if (WITHOUT_TYPES.includes(type)) return -ENOTSUPP;
  return KEYS.get(type)?.(key) === false ? -EINVAL : 0;
}

/** Types of maps that nothing may be said of. map_check_no_btf() */
const WITHOUT_TYPES: readonly number[] = [
  MAP_TYPE.STACK_TRACE,
  MAP_TYPE.PERF_EVENT_ARRAY,
  MAP_TYPE.CGROUP_ARRAY,
  MAP_TYPE.ARRAY_OF_MAPS,
  MAP_TYPE.HASH_OF_MAPS,
  MAP_TYPE.DEVMAP,
  MAP_TYPE.DEVMAP_HASH,
  MAP_TYPE.CPUMAP,
];

/** What keys may be. struct bpf_map_ops: map_check_btf */
const KEYS: ReadonlyMap<number, (key: BtfType | undefined) => boolean> = new Map([
  ...STORAGE.map((type) => [type, isI32] as const),
  [MAP_TYPE.LPM_TRIE, (key) => key?.kind === 'struct'],
  [MAP_TYPE.CGROUP_STORAGE, isCgroupKey],
  [MAP_TYPE.PERCPU_CGROUP_STORAGE, isCgroupKey],
  [MAP_TYPE.INSN_ARRAY, isI32],
]);

/** A cgroup's number, or that and an attach type. cgroup_storage_check_btf() */
function isCgroupKey(key: BtfType | undefined): boolean {
  if (key?.kind === 'struct') return key.members.length === 2 && key.members[1]!.bitOffset === 64;
  return key?.kind === 'int' && key.sizeBytes === 8;
}

/** Without a type of keys only where the one element holds a program's variables. */
function array_map_check_btf(
  { type, maxEntries }: TypedMap,
  key: BtfType | undefined,
  value: BtfType | undefined,
): number {
  if (key) return isI32(key) ? 0 : -EINVAL;
  const isData = type === MAP_TYPE.ARRAY && maxEntries === 1 && value?.kind === 'datasec';
  return isData ? 0 : -EINVAL;
}

/** btf_type_is_i32() */
function isI32(type: BtfType | undefined): boolean {
  return type?.kind === 'int' && type.sizeBytes === 4;
}

/** The special fields of a map's values; what the kernel cannot make sense of is none. */
export function recordOf(
  btf: Btf,
  { btfValueTypeId, valueSize }: TypedMap,
  kernelBtf: () => Btf,
  { kptrTagOwns }: ProfileFacts,
): BtfRecord | undefined {
  const typeId = resolveId(btf, btfValueTypeId);
  const tags = kptrTagOwns ? undefined : OLD_TAGS;
  const record = btfParseFields({ btf, typeId, mask: MAP_FIELDS, valueSize, kernelBtf, tags });
  return typeof record === 'object' ? record : undefined;
}
