import type { Sim } from '../sim/request.ts';
import type { Machine } from './machine.ts';
import { linux_binprm } from './structs.ts';
import type { Task } from './task.ts';
import { task_rename } from './trace-events.ts';

/** A NUL-terminated string in kernel memory, or 0. kstrdup() */
function kstrdup(machine: Machine, text: string): number {
  const size = text.length + 1;
  const addr = machine.slab.kmalloc(size);
  if (addr !== 0) machine.memory.unwatched(() => machine.memory.setChars(addr, size, text));
  return addr;
}

/** A task is about to be called `name`. fs/exec.c: __set_task_comm() */
export function* traceRename(machine: Machine, task: Task, name: string): Sim<void> {
  const addr = kstrdup(machine, name);
  if (addr === 0) return;
  yield* machine.tracepoints.trace(task_rename, [task.addr, addr]);
  machine.slab.free(addr);
}

/** The struct linux_binprm of an exec, for those who ask for it: or 0. fs/exec.c: alloc_bprm() */
export class BprmMemory {
  #addr = 0;
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get(path: string, argc: number, { mm, cred }: { mm: number; cred: number }): number {
    const { slab, memory } = this.#machine;
    if (this.#addr !== 0) return this.#addr;
    const filename = kstrdup(this.#machine, path);
    const addr = filename === 0 ? 0 : slab.kzalloc(linux_binprm.sizeBytes);
    if (addr === 0) {
      if (filename !== 0) slab.free(filename);
      return 0;
    }
    memory.unwatched(() => {
      const bprm = linux_binprm.at(memory, addr);
      Object.assign(bprm, { mm, cred, argc, filename, interp: filename });
    });
    this.#addr = addr;
    return addr;
  }

  /** free_bprm() */
  free(): void {
    if (this.#addr === 0) return;
    const { slab, memory } = this.#machine;
    slab.free(memory.unwatched(() => linux_binprm.at(memory, this.#addr).filename));
    slab.free(this.#addr);
    this.#addr = 0;
  }
}
