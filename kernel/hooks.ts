import type { Sim } from '../sim/request.ts';

/** What mmap(2) is asked for. */
export interface WantedArea {
  readonly addr: number;
  readonly sizeBytes: number;
  /** In pages. */
  readonly pgoff: number;
  /** The lowest address of so many bytes that are free, `addr` if it may be; or -ENOMEM. */
  find(sizeBytes: number): number;
}

/**
 * What a kind of file can do: struct file_operations, include/linux/fs.h. `file` is the address of
 * its struct file, `buf` a user address. All return as the kernel's do: a count, 0, or -errno. A
 * missing operation has Linux's meaning: no read is -EINVAL, no ioctl -ENOTTY, no flush is 0.
 */
export interface FileOps {
  /** The Linux name of the table: `pipefifo_fops`. */
  readonly name: string;
  /** The module that holds it and its code, '' for the kernel itself. */
  readonly module: string;
  open?(file: number): Sim<number>;
  read?(file: number, buf: number, count: number): Sim<number>;
  write?(file: number, buf: number, count: number): Sim<number>;
  unlocked_ioctl?(file: number, cmd: number, arg: number): Sim<number>;
  /**
   * mmap(2): fills a mapping, by the address of its struct vm_area_struct, before anybody sees it.
   * Absent: -ENODEV.
   */
  mmap?(file: number, vma: number): Sim<number>;
  /** Where a mapping of it is to be, or -errno. Absent: wherever there is room. */
  get_unmapped_area?(file: number, wanted: WantedArea): number;
  /**
   * On each close of a descriptor, before the reference goes. `files` is the closer's files_struct.
   */
  flush?(file: number, files: number): Sim<number>;
  /** On the last put. May sleep. */
  release?(file: number): Sim<number>;
  /** Absent: -ESPIPE. */
  llseek?(file: number, offset: number, whence: number): Sim<number>;
  /** A directory: its position is locked however many references there are. fdget_pos() */
  readonly iterates?: boolean;
  /** Poll mask without waiting: POLLIN 1, POLLOUT 4, POLLERR 8, POLLHUP 0x10. */
  poll?(file: number): number;
}

/** One system call: its x86-64 number, and what it does. Arguments are register values. */
export interface SyscallRow {
  readonly nr: number;
  readonly name: string;
  /** Names of the arguments, for traces. */
  readonly args: readonly string[];
  run(...args: number[]): Sim<number>;
}

/** What can be opened by a path: the inode behind it. */
export interface InodeKind {
  /** `/dev/null`, or a directory prefix ending in `/`. */
  readonly path: string;
  readonly ops: FileOps;
  /** S_IFCHR, S_IFREG, …; include/uapi/linux/stat.h */
  readonly type: number;
  /** What its files begin with as private_data: i_private. Default 0. */
  readonly privateData?: number;
}
