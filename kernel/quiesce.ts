import type { Machine } from './machine.ts';
import { pointerText } from './oops.ts';
import { file as fileStruct } from './fs/structs.ts';
import type { FdTables } from './fs/fdtable.ts';
import type { FileTable } from './fs/file.ts';

/** Who else holds a reference of a file: an in-flight message, queued work, a mapping. */
export interface FileHolder {
  readonly file: number;
  /** For the report: `SCM message on socket:3`. */
  readonly what: string;
}

export interface FileCensusParts {
  readonly tables: FdTables;
  readonly files: FileTable;
  /** Every descriptor table that a task has, each once. */
  readonly allTables: () => Iterable<{ files: number; owner: string }>;
  readonly holders: () => Iterable<FileHolder>;
}

/**
 * The invariant of spec 00 R4, checked when everything has come to rest: the references of a file
 * are its installed slots and its explicit holders, no more and no fewer. Not part of the kernel.
 */
export class FileCensus {
  readonly #machine: Machine;
  readonly #parts: FileCensusParts;

  constructor(machine: Machine, parts: FileCensusParts) {
    this.#machine = machine;
    this.#parts = parts;
  }

  check(): void {
    const held = this.#count();
    for (const object of this.#machine.slab.live('filp')) {
      const who = held.get(object.addr) ?? [];
      held.delete(object.addr);
      const count = this.#parts.files.count(object.addr);
      if (count === who.length) continue;
      this.#report(object.addr, count, who, [
        `Allocated by task ${object.allocated.pid}:`,
        ...object.allocated.stack.map((line) => ` ${line}`),
      ]);
    }
    for (const [file, who] of held) this.#report(file, 0, who, ['The file is freed.']);
  }

  /** By file: everybody who holds a reference. */
  #count(): Map<number, string[]> {
    const held = new Map<number, string[]>();
    const add = (file: number, what: string): void => {
      const list = held.get(file);
      if (list) list.push(what);
      else held.set(file, [what]);
    };
    for (const { files, owner } of this.#parts.allTables()) {
      for (const { fd, file } of this.#parts.tables.installed(files)) {
        add(file, `${owner} descriptor ${fd}`);
      }
    }
    for (const { file, what } of this.#parts.holders()) add(file, what);
    return held;
  }

  #report(file: number, count: number, who: readonly string[], more: readonly string[]): void {
    const freed = this.#machine.slab.objectOf(file)?.freed !== undefined;
    const ops = freed ? 'freed' : this.#parts.files.opsOf(file).name;
    const leak = count > who.length;
    this.#machine.fail({
      kind: leak ? 'leak' : 'refcount-underflow',
      title: leak
        ? `BUG: leak: struct file has ${count} references, ${who.length} holders`
        : `BUG: refcount underflow: struct file has ${count} references, ${who.length} holders`,
      lines: [
        `struct file at ${pointerText(file)} (f_op=${ops})`,
        ...(who.length === 0 ? ['held by nobody'] : who.map((line) => `held by ${line}`)),
        ...more,
      ],
      sites: [this.#machine.slab.objectOf(file)?.allocated.site ?? 'unknown'],
      objects: [{ type: fileStruct.name, addr: file }],
      fatal: false,
    });
  }
}
