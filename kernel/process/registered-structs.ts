import { cType, long, struct, u32 } from '../../base/layout.ts';

/* The structs of registered user memory: a patch of 2024 that is in no kernel. Spec 05. */

/** One region of user memory that programs may write to. */
export const bpf_user_writable_entry = struct('bpf_user_writable_entry', {
  start: cType('void *', long), // user address
  size: cType('size_t', long),
  tag: u32, // 0: any
});

/** Those of one thread, by start: the entries stand behind it. Only their owner changes them. */
export const bpf_user_writable = struct('bpf_user_writable', {
  capacity: u32,
  count: u32,
});

export const ENTRY_BYTES = bpf_user_writable_entry.sizeBytes;

/** Where the entry of an array stands. */
export function entryAddr(array: number, index: number): number {
  return array + bpf_user_writable.sizeBytes + index * ENTRY_BYTES;
}

/** struct_size() */
export function arrayBytes(capacity: number): number {
  return entryAddr(0, capacity);
}
