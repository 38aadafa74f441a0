import type { Fields, StructType } from '../base/layout.ts';
import { dentry } from './fs/ramfs.ts';
import { roster_entry, roster_file, roster_lock } from './fs/roster.ts';
import { fdtable, file, file_operations, files_struct, inode } from './fs/structs.ts';
import { FUNCTION_STRUCTS } from './functions.ts';
import { mm_struct, vm_area_struct } from './mm/structs.ts';
import {
  cred,
  fs_struct,
  mutex,
  sighand_struct,
  signal_struct,
  task_struct,
  wait_queue_head,
} from './structs.ts';
import { TRACE_STRUCTS } from './trace-events.ts';

/** The kernel's structs that programs may see, each once: whence its BTF. */
export const KERNEL_STRUCTS: readonly StructType<Fields>[] = [
  task_struct,
  signal_struct,
  sighand_struct,
  cred,
  fs_struct,
  files_struct,
  fdtable,
  file,
  file_operations,
  inode,
  dentry,
  mm_struct,
  vm_area_struct,
  mutex,
  wait_queue_head,
  ...FUNCTION_STRUCTS,
  ...TRACE_STRUCTS,
  roster_lock,
  roster_entry,
  roster_file,
] as readonly StructType<Fields>[];
