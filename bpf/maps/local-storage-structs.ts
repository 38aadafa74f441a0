import { embed, ptr, struct, u32 } from '../../base/layout.ts';
import { hlist_node } from './hlist.ts';

/** kernel/bpf/bpf_local_storage.c, behind the struct bpf_map */
export const bpf_local_storage_map = struct('bpf_local_storage_map', {
  buckets: ptr('struct bpf_local_storage_map_bucket'),
  bucket_log: u32,
  elem_size: u32,
  cache_idx: u32,
});

export const map_bucket = struct('bpf_local_storage_map_bucket', {
  list: ptr('struct bpf_local_storage_elem'), // by map_node
  lock: u32,
  pad: u32,
});

/** The value stands behind it: from `smap` on it is a struct bpf_local_storage_data. */
export const bpf_local_storage_elem = struct('bpf_local_storage_elem', {
  snode: embed(hlist_node), // among the owner's
  map_node: embed(hlist_node), // among the map's
  local_storage: ptr('struct bpf_local_storage'),
  state: u32, // SELEM_*
  pages: u32, // that the value has to itself, for user space to map: map-mmap.ts; 0: none
  smap: ptr('struct bpf_local_storage_map'),
});

export const ELEM_BYTES = bpf_local_storage_elem.sizeBytes;
