import {
  array,
  embed,
  long,
  ptr,
  s32,
  struct,
  u32,
  u64,
  u8,
  unsimulated,
} from '../../base/layout.ts';
import { mutex, wait_queue_head } from '../structs.ts';

/** The structs of descriptors and files: include/linux/fdtable.h, fs.h. Offsets are ours. */

export const NR_OPEN_DEFAULT = 64; // BITS_PER_LONG: slots of the embedded table

/** A size, the slots, and two bitmaps of `max_fds` bits. */
export const fdtable = struct('fdtable', {
  max_fds: u32,
  fd: ptr('struct file *'), // rcu: current fd array
  close_on_exec: ptr('unsigned long'),
  open_fds: ptr('unsigned long'),
  unsimulated: unsimulated(24),
});

export const files_struct = struct('files_struct', {
  count: s32, // atomic_t: tasks that share this table
  resize_in_progress: u8,
  resize_wait: embed(wait_queue_head),
  fdt: ptr('struct fdtable'), // rcu
  fdtab: embed(fdtable), // the first table
  file_lock: u32, // spinlock_t: slots and bitmaps
  next_fd: u32, // no free slot below this
  close_on_exec_init: u64,
  open_fds_init: u64,
  fd_array: array(ptr('struct file'), NR_OPEN_DEFAULT),
});

export const file = struct('file', {
  f_count: u64, // v6.1: atomic_long_t, references. v7.2: file_ref_t, references - 1
  f_lock: u32,
  f_mode: u32, // FMODE_*
  f_op: ptr('struct file_operations'),
  private_data: ptr('void'),
  f_inode: ptr('struct inode'),
  f_flags: u32, // O_*
  f_owner_pid: s32,
  f_pos: long,
  f_pos_lock: embed(mutex),
  unsimulated: unsimulated(112),
});

/** What a table of operations looks like in memory: enough to see that it is gone. */
export const file_operations = struct('file_operations', {
  owner: ptr('struct module'),
  id: u32, // which FileOps it stands for
  unsimulated: unsimulated(192),
});

export const inode = struct('inode', {
  i_count: s32,
  i_mode: u32,
  i_size: long,
  i_writecount: s32,
  i_private: ptr('void'),
  unsimulated: unsimulated(296),
});

/** include/linux/fs.h */
export const FMODE_READ = 0x1;
export const FMODE_WRITE = 0x2;
export const FMODE_LSEEK = 0x4;
export const FMODE_PREAD = 0x8;
export const FMODE_PATH = 0x4000;
export const FMODE_ATOMIC_POS = 0x8000;
export const FMODE_STREAM = 0x20_0000;
export const FMODE_OPENED = 0x8_0000;
