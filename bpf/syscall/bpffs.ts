import { chars, ptr, struct, u32 } from '../../base/layout.ts';
import { EISDIR, ENAMETOOLONG, ENOENT, ENOMEM } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Registry } from '../registry.ts';

/** Where the file system of pinned objects is mounted. */
export const BPFFS = '/sys/fs/bpf';
const NAME_MAX = 255;

/** A name in bpffs, and the reference that it holds. kernel/bpf/inode.c: its inode */
const pin = struct('bpf_inode', {
  kind: u32, // which of PIN_KINDS
  object: ptr('void'), // inode->i_private
  name: chars(256),
});

export const PIN_KINDS = ['prog', 'map', 'link'] as const;
export type PinKind = (typeof PIN_KINDS)[number];

/** Pinned objects: one directory, without further ones in it. kernel/bpf/inode.c */
export class BpfFs {
  readonly registry = new Registry<number>();
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The name within bpffs; -ENOENT where the path leads elsewhere, -EISDIR for its root. */
  nameOf(path: string): string | number {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const root = BPFFS.split('/').slice(1);
    if (root.some((name, i) => names[i] !== name)) return -ENOENT;
    if (names.length === root.length) return -EISDIR;
    const name = names[root.length]!;
    if (name.length > NAME_MAX) return -ENAMETOOLONG;
    return names.length === root.length + 1 ? name : -ENOENT;
  }

  find(name: string): { kind: PinKind; object: number; addr: number } | undefined {
    const { memory } = this.#kernel.machine;
    return memory.unwatched(() => {
      for (const addr of this.registry.values()) {
        const entry = pin.at(memory, addr);
        if (entry.name === name)
          return { kind: PIN_KINDS[entry.kind]!, object: entry.object, addr };
      }
      return undefined;
    });
  }

  /** 0 or -ENOMEM; the caller's reference is the name's then. */
  add(name: string, kind: PinKind, object: number): number {
    const { memory, slab } = this.#kernel.machine;
    const addr = slab.kzalloc(pin.sizeBytes);
    if (addr === 0) return -ENOMEM;
    memory.unwatched(() =>
      Object.assign(pin.at(memory, addr), { name, kind: PIN_KINDS.indexOf(kind), object }),
    );
    this.registry.set(addr, addr);
    return 0;
  }

  remove(addr: number): void {
    this.registry.delete(addr);
    this.#kernel.kasan.free(addr);
  }
}
