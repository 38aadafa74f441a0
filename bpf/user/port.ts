import type { Sim } from '../../sim/request.ts';
import type { PerfRecord } from '../attach/perf-buffer.ts';

/** Buffers that user space reads through a mapping, not by system calls. */
export interface MappedBuffers {
  /** The records of a ring buffer that are ready. */
  consumeRingbuf(fd: number): Sim<Uint8Array[]>;
  /** Gives the buffer of a perf event so many pages: mmap(2). 0 or -errno. */
  perf_mmap(fd: number, pages: number): Sim<number>;
  /** What such a buffer has ready. -errno */
  consumePerf(fd: number): Sim<PerfRecord[] | number>;
}

/**
 * What user code needs to make system calls with structs in memory: as much of a C library as
 * libbpf stands on.
 */
export interface UserPort {
  /** Forgets the arguments of the call before. */
  begin(): void;
  /** The address of a copy of `bytes`, good until the next begin(). */
  put(bytes: Uint8Array): Sim<number>;
  /** The address of so many bytes for a result, good until the next begin(). */
  reserve(sizeBytes: number): number;
  /** What stands at such an address now. */
  take(addr: number, sizeBytes: number): Uint8Array;
  /** A load by user code, without a system call; null where it raised SIGSEGV. */
  peek(addr: number, sizeBytes: number): Sim<Uint8Array | null>;
  /** A store; false likewise. */
  poke(addr: number, bytes: Uint8Array): Sim<boolean>;
  /** CPUs that the kernel may use: as many values has a per-CPU element. */
  readonly cpuCount: number;
  /** What is read through mappings. */
  readonly mapped: MappedBuffers;
  /** The result of a system call, -errno included. */
  sys(name: string, ...registers: readonly number[]): Sim<number>;
}
