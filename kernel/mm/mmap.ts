import { alignUp } from '../../base/layout.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { EACCES, EBADF, EEXIST, EINVAL, ENODEV, ENOMEM, EOVERFLOW, EPERM } from '../errno.ts';
import type { FileTable } from '../fs/file.ts';
import type { Lookup } from '../fs/lookup.ts';
import { file as fileStruct, FMODE_READ, FMODE_WRITE } from '../fs/structs.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory.ts';
import type { FileHolder } from '../quiesce.ts';
import type { Sched } from '../sched.ts';
import type { Security } from '../security.ts';
import type { Task } from '../task.ts';
import { access_ok } from './address-space.ts';
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_TYPE,
  mm_struct,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  PTE_BYTES,
  PTE_PRESENT,
  PTE_WRITE,
  TASK_SIZE,
  VM_MAYEXEC,
  VM_MAYREAD,
  VM_MAYSHARE,
  VM_MAYWRITE,
  VM_SHARED,
  VM_WRITE,
} from './structs.ts';
import type { UserMm } from './user-mm.ts';
import type { VmOps } from './vm-ops.ts';

export interface MmapParts {
  readonly sched: Pick<Sched, 'current'>;
  readonly mm: UserMm;
  readonly files: Pick<FileTable, 'opsOf' | 'fput'>;
  readonly lookup: Pick<Lookup, 'fget'>;
  readonly security: Security;
  readonly allTasks: () => Iterable<Task>;
}

/** What mmap(2) is asked for; the length in whole pages. */
interface Wanted {
  readonly addr: number;
  readonly sizeBytes: number;
  readonly prot: number;
  readonly flags: number;
  readonly pgoff: number;
  /** 0: anonymous memory. */
  readonly file: number;
}

/** mmap(2) and munmap(2). mm/mmap.c, mm/vma.c */
export class Mmap {
  readonly #machine: Machine;
  readonly #parts: MmapParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, parts: MmapParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 9,
        name: 'mmap',
        args: ['addr', 'len', 'prot', 'flags', 'fd', 'off'],
        run: (addr, len, prot, flags, fd, off) =>
          this.ksys_mmap(addr!, len!, prot!, flags!, fd! | 0, off!),
      },
      {
        nr: 11,
        name: 'munmap',
        args: ['addr', 'len'],
        run: (addr, len) => this.vm_munmap(addr!, len!),
      },
    ];
  }

  /** A page of a file's object at `index` of a mapping under way; it counts the page. */
  vm_insert_page(vma: number, index: number, page: number): void {
    const { memory } = this.#machine;
    const { mm } = this.#parts;
    memory.unwatched(() => {
      const { vm_flags, vm_ptes } = mm.vmas.at(vma);
      mm.pages.get(page);
      const writable = vm_flags & VM_WRITE ? PTE_WRITE : 0;
      memory.setU32(vm_ptes + index * PTE_BYTES, page | PTE_PRESENT | writable);
    });
  }

  /** In ->mmap(): what the object does for this mapping from now on, and a word of its own. */
  setOps(vma: number, ops: VmOps, privateData = 0): void {
    const { vmas } = this.#parts.mm;
    this.#machine.memory.unwatched(() => {
      const s = vmas.at(vma);
      s.vm_ops = vmas.ops.addrOf(ops);
      s.vm_private_data = privateData;
    });
  }

  *ksys_mmap(
    addr: number,
    len: number,
    prot: number,
    flags: number,
    fd: number,
    off: number,
  ): Sim<number> {
    if (off % PAGE_SIZE !== 0) return -EINVAL;
    const wanted = { addr, sizeBytes: len, prot, flags, pgoff: off / PAGE_SIZE };
    if (flags & MAP_ANONYMOUS) return yield* this.vm_mmap_pgoff({ ...wanted, pgoff: 0, file: 0 });
    const file = yield* this.#parts.lookup.fget(fd);
    if (file === 0) return -EBADF;
    const result = yield* this.vm_mmap_pgoff({ ...wanted, file });
    yield* this.#parts.files.fput(file);
    return result;
  }

  *vm_mmap_pgoff(wanted: Wanted): Sim<number> {
    const { security } = this.#parts;
    const { file, prot, flags } = wanted;
    const refused = security.isOn ? yield* security.security_mmap_file(file, prot, flags) : 0;
    return refused !== 0 ? refused : yield* this.do_mmap(wanted);
  }

  /** The address, or -errno. */
  *do_mmap(asked: Wanted): Sim<number> {
    const { addr, flags, pgoff, file } = asked;
    if (asked.sizeBytes === 0) return -EINVAL;
    const sizeBytes = alignUp(asked.sizeBytes, PAGE_SIZE);
    const wanted = { ...asked, sizeBytes };
    if (sizeBytes <= 0 || sizeBytes > TASK_SIZE) return -ENOMEM;
    if (pgoff + sizeBytes / PAGE_SIZE > 2 ** 52) return -EOVERFLOW;
    const isFixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) !== 0;
    if (isFixed && addr % PAGE_SIZE !== 0) return -EINVAL;
    if (isFixed && !access_ok(addr, sizeBytes)) return -ENOMEM;
    if (isFixed && addr < PAGE_SIZE) return -EPERM; // mmap_min_addr
    const { mm } = this.#parts;
    const space = this.#space();
    const isTaken = (): boolean =>
      this.#atomic(() => mm.vmas.overlapping(space, addr, addr + sizeBytes) !== 0);
    if (flags & MAP_FIXED_NOREPLACE && isTaken()) return -EEXIST;
    const find = (size: number): number => (isFixed ? addr : this.#unmappedArea(space, addr, size));
    const area = { addr, sizeBytes, pgoff, find };
    const given = file === 0 ? undefined : this.#opsOf(file).get_unmapped_area?.(file, area);
    if (given !== undefined && given < 0) return given;
    const vm_flags = this.#flags(wanted);
    if (vm_flags < 0) return vm_flags;
    if (isFixed && isTaken()) {
      const cleared = yield* mm.munmap(space, addr, sizeBytes);
      if (cleared < 0) return cleared;
    }
    const start = given ?? find(sizeBytes);
    if (start < 0) return start;
    const made = yield* this.mmap_region(space, { ...wanted, addr: start, file }, vm_flags);
    if (made >= 0 && flags & MAP_POPULATE) yield* this.mm_populate(made, sizeBytes, vm_flags);
    return made;
  }

  /** VM_*, or -errno. */
  #flags({ prot, flags, file }: Wanted): number {
    const type = flags & MAP_TYPE;
    const isShared = type === MAP_SHARED || type === MAP_SHARED_VALIDATE;
    if (!isShared && type !== MAP_PRIVATE) return -EINVAL;
    let vm_flags = prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    vm_flags |= VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    if (isShared) vm_flags |= VM_SHARED | VM_MAYSHARE;
    if (file === 0) return vm_flags;
    const { f_mode, f_inode } = this.#atomic(() => {
      const { f_mode, f_inode } = fileStruct.at(this.#machine.memory, file);
      return { f_mode, f_inode };
    });
    if (isShared && (f_mode & FMODE_WRITE) === 0) {
      if (prot & PROT_WRITE) return -EACCES;
      vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
    }
    if ((f_mode & FMODE_READ) === 0) return -EACCES;
    // What has no path is on a file system that executes nothing: anon_inodefs
    if (f_inode === 0) {
      if (prot & PROT_EXEC) return -EPERM;
      vm_flags &= ~VM_MAYEXEC;
    }
    return this.#opsOf(file).mmap ? vm_flags : -ENODEV;
  }

  /** Below the last one, unless there is room where it is wanted. get_unmapped_area() */
  #unmappedArea(space: number, hint: number, sizeBytes: number): number {
    const { mm } = this.#parts;
    return this.#atomic(() => {
      const at = hint - (hint % PAGE_SIZE);
      const isFree = at > 0 && access_ok(at, sizeBytes);
      if (isFree && mm.vmas.overlapping(space, at, at + sizeBytes) === 0) return at;
      const s = mm_struct.at(this.#machine.memory, space);
      const start = s.mmap_base - sizeBytes;
      if (start < PAGE_SIZE) return -ENOMEM;
      if (mm.vmas.overlapping(space, start, start + sizeBytes) !== 0) return -ENOMEM;
      s.mmap_base = start - PAGE_SIZE; // taken, whatever else yields before it is mapped
      return start;
    });
  }

  *mmap_region(space: number, wanted: Wanted, vm_flags: number): Sim<number> {
    const { addr, sizeBytes, pgoff, file } = wanted;
    const { vmas } = this.#parts.mm;
    if (file === 0) return this.#anonymous(space, addr, sizeBytes, vm_flags);
    const vma = this.#atomic(() => vmas.alloc(space, addr, addr + sizeBytes, vm_flags));
    if (vma === 0) return -ENOMEM;
    this.#atomic(() => {
      vmas.at(vma).vm_pgoff = pgoff;
      vmas.at(vma).vm_file = file;
      vmas.files.get(file);
    });
    const result = yield* this.#opsOf(file).mmap!(file, vma);
    if (result < 0) {
      this.#atomic(() => vmas.discard(vma));
      yield* this.#parts.files.fput(file);
      return result;
    }
    this.#atomic(() => vmas.link(vma));
    return addr;
  }

  #anonymous(space: number, addr: number, sizeBytes: number, vm_flags: number): number {
    const { mm } = this.#parts;
    const prot = vm_flags & (PROT_READ | PROT_WRITE | PROT_EXEC);
    return mm.mmap(space, sizeBytes, { addr, prot, shared: (vm_flags & VM_SHARED) !== 0 });
  }

  /** Makes the pages of a new mapping present, as far as they can be. mm/gup.c */
  *mm_populate(addr: number, sizeBytes: number, vm_flags: number): Sim<void> {
    const write = (vm_flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
    for (let at = addr; at < addr + sizeBytes; at += PAGE_SIZE) {
      if ((yield* this.#parts.mm.prefault(at, write)) !== 0) return;
    }
  }

  *vm_munmap(addr: number, len: number): Sim<number> {
    return yield* this.#parts.mm.munmap(this.#space(), addr, len);
  }

  /** Mappings hold the files that they are of. */
  fileHolders(): readonly FileHolder[] {
    const { vmas } = this.#parts.mm;
    return this.#atomic(() => {
      const held: FileHolder[] = [];
      const seen = new Set<number>([0]);
      for (const task of this.#parts.allTasks()) {
        const { mm } = task.s;
        if (seen.has(mm)) continue;
        seen.add(mm);
        const { exe_file } = mm_struct.at(this.#machine.memory, mm);
        if (exe_file !== 0) held.push({ file: exe_file, what: `executable of ${task.comm}` });
        for (const vma of vmas.of(mm)) {
          const { vm_file, vm_start } = vmas.at(vma);
          const what = `mapping 0x${vm_start.toString(16)} of ${task.comm}/${task.pid}`;
          if (vm_file !== 0) held.push({ file: vm_file, what });
        }
      }
      return held;
    });
  }

  #space(): number {
    return this.#atomic(() => this.#parts.sched.current.s.mm);
  }

  #opsOf(file: number): FileOps {
    return this.#atomic(() => this.#parts.files.opsOf(file));
  }

  #atomic<T>(region: () => T): T {
    return this.#machine.memory.unwatched(region);
  }
}

kernelText(Mmap);

/** Of a mapping in pages, where it shows its object from its `vm_pgoff` on. */
export function vmaPages({ vm_start, vm_end }: { vm_start: number; vm_end: number }): number {
  return (vm_end - vm_start) >>> PAGE_SHIFT;
}
