import type { Cpus } from '../cpu.ts';
import type { Kasan } from '../kasan.ts';
import type { Mutexes } from '../locks/mutex.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Task } from '../task.ts';
import type { Waits } from '../wait.ts';
import type { FdTables } from './fdtable.ts';
import type { FileTable } from './file.ts';
import { file as fileStruct } from './structs.ts';
import { O_NONBLOCK } from './uapi.ts';

/** What every kind of file stands on: as much of each part as it uses. */
export interface DriverParts {
  readonly cpus: Cpus;
  readonly kasan: Pick<Kasan, 'free'>;
  readonly waits: Pick<Waits, 'wait_event_interruptible' | 'wake_up' | 'waiting'>;
  readonly mutexes: Pick<Mutexes, 'mutex_lock' | 'mutex_unlock'>;
  readonly spinlocks: Pick<
    Spinlocks,
    'spin_lock' | 'spin_unlock' | 'spin_lock_irq' | 'spin_unlock_irq'
  >;
  readonly user: Pick<UserMm, 'copy_to_user' | 'copy_from_user'>;
  readonly tables: Pick<FdTables, 'get_unused_fd_flags' | 'put_unused_fd' | 'fd_install'>;
  readonly files: Pick<FileTable, 'alloc_file' | 'get_file' | 'fput' | 'count'>;
  /** kernel/signal.ts */
  readonly signals: { send_sig(sig: number, task: Task): unknown };
}

export const SIGPIPE = 13;

/** include/uapi/asm-generic/ioctls.h */
export const FIONREAD = 0x541b;
export const FIONBIO = 0x5421;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;

/** Poll masks: include/uapi/asm-generic/poll.h */
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;

/** f_flags, which Linux reads without a lock too. */
export function flagsOf(machine: Machine, file: number): number {
  return machine.memory.unwatched(() => fileStruct.at(machine.memory, file).f_flags);
}

export function isNonblocking(machine: Machine, file: number): boolean {
  return (flagsOf(machine, file) & O_NONBLOCK) !== 0;
}

export function privateOf(machine: Machine, file: number): number {
  return fileStruct.at(machine.memory, file).private_data;
}

/** A little-endian int, as put_user() would store it. */
export function intBytes(value: number): Uint8Array {
  return Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
}

export function longBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  for (let i = 0; i < 8; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}

/** The little-endian number of up to eight bytes at `at`. */
export function unsignedAt(bytes: Uint8Array, at: number, size: 4 | 8): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  return value;
}

export function intAt(bytes: Uint8Array, at: number): number {
  return Number(BigInt.asIntN(32, unsignedAt(bytes, at, 4)));
}
