import { EACCES, EINVAL, EOPNOTSUPP } from '../../kernel/errno.ts';
import { resolve, sizeOf } from '../btf/resolve.ts';
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

/** Types of maps whose values may have a struct bpf_spin_lock. */
const LOCKABLE: readonly number[] = [
  MAP_TYPE.HASH,
  MAP_TYPE.ARRAY,
  MAP_TYPE.CGROUP_STORAGE,
  MAP_TYPE.SK_STORAGE,
  MAP_TYPE.INODE_STORAGE,
  MAP_TYPE.TASK_STORAGE,
  MAP_TYPE.CGRP_STORAGE,
];
const ARRAYS: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY];

/** Whether a map may have keys and values of these types: 0 or -errno. map_check_btf() */
export function map_check_btf(btf: Btf, map: TypedMap, spinLockOff: number): number {
  const { btfKeyTypeId, btfValueTypeId, type } = map;
  const key = resolve(btf, btfKeyTypeId);
  const isArray = ARRAYS.includes(type);
  if (btfKeyTypeId !== 0 && sizeOf(btf, btfKeyTypeId) !== map.keySize) return -EINVAL;
  if (btfKeyTypeId === 0 && !isArray) return -EINVAL;
  if (sizeOf(btf, btfValueTypeId) !== map.valueSize) return -EINVAL;
  if (spinLockOff >= 0) {
    if ((map.flags & (flag.RDONLY_PROG | flag.WRONLY_PROG)) !== 0) return -EACCES;
    if (!LOCKABLE.includes(type)) return -EOPNOTSUPP;
  }
  if (isArray) return array_map_check_btf(map, key, resolve(btf, btfValueTypeId));
  return type === MAP_TYPE.TASK_STORAGE && !isI32(key) ? -EINVAL : 0;
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

/** Where a value's struct bpf_spin_lock stands, or -1. btf_find_field() */
export function spinLockIn(btf: Btf, valueTypeId: number): number {
  const value = resolve(btf, valueTypeId);
  if (value?.kind !== 'struct') return -1;
  for (const { type, bitOffset } of value.members) {
    const member = resolve(btf, type);
    if (member?.kind === 'struct' && member.name === 'bpf_spin_lock') return bitOffset / 8;
  }
  return -1;
}
