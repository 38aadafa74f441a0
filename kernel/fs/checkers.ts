import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';

/** What fdget() gives: struct fd. `file` is 0 where the descriptor is bad. */
export interface Fd {
  readonly file: number;
  /** A reference was taken, and fdput() drops it; otherwise the pointer is borrowed. */
  readonly cloned: boolean;
  readonly fd: number;
  /** Which allocation stood at `file` then: tells a recycled file from the one looked up. */
  readonly generation: number;
  /** The table it was found in. */
  readonly files: number;
}

export const NO_FD: Fd = { file: 0, cloned: false, fd: -1, generation: 0, files: 0 };

/** What a user program believes a descriptor to be. */
export interface Handle {
  readonly fd: number;
  readonly file: number;
  readonly generation: number;
}

/**
 * Watches the rules that callers of fdget() and of close(2) live by, and reports a breach even
 * where no memory is corrupted by it. Not part of the simulated kernel.
 */
export class FdCheckers {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  #borrows = new Map<Task, Fd[]>();
  #expected = new Map<Task, Handle>();

  constructor(machine: Machine, cpus: Cpus) {
    this.#machine = machine;
    this.#cpus = cpus;
  }

  reset(): void {
    if (this.#borrows.size > 0) this.#borrows = new Map();
    if (this.#expected.size > 0) this.#expected = new Map();
  }

  borrowed(fd: Fd): void {
    const task = this.#cpus.current;
    const held = this.#borrows.get(task);
    if (held) held.push(fd);
    else this.#borrows.set(task, [fd]);
  }

  returned(fd: Fd): void {
    const held = this.#borrows.get(this.#cpus.current);
    const at = held?.indexOf(fd) ?? -1;
    if (at >= 0) held!.splice(at, 1);
  }

  /** The borrows that a task has not given back. */
  outstanding(task: Task): readonly Fd[] {
    return this.#borrows.get(task) ?? [];
  }

  /** Spec 00 R17 (b), R49: called where the current task removes `fd` from `files`. */
  removing(files: number, fd: number): void {
    if (this.#borrows.size === 0) return;
    const held = this.outstanding(this.#cpus.current).find((borrow) => borrow.files === files);
    if (!held) return;
    this.#breach(`descriptor ${fd} removed from the table inside fdget(${held.fd})`, held);
  }

  /** Spec 00 R17 (c): called where the current task's table becomes shared. */
  sharing(): void {
    const held = this.outstanding(this.#cpus.current)[0];
    if (held) this.#breach(`table shared inside fdget(${held.fd})`, held);
  }

  /** Spec 00 R17 (a): called on the way to user mode. */
  leaving(task: Task): void {
    const held = this.#borrows.size === 0 ? undefined : this.outstanding(task)[0];
    if (held) this.#breach(`return to user mode inside fdget(${held.fd})`, held);
  }

  /** A pointer from fdget() is about to be used: it must still be the file that was looked up. */
  using(fd: Fd): void {
    const { slab } = this.#machine;
    if (slab.generationOf(fd.file) === fd.generation) return;
    const object = slab.objectOf(fd.file);
    if (object?.freed) return; // the access itself is reported, by KASAN
    this.#machine.fail({
      kind: 'recycled-object',
      title: `BUG: type confusion: descriptor ${fd.fd} used as the file it was, now another`,
      lines: [
        `The file looked up by task ${this.#machine.who()} was freed while it was borrowed;`,
        `its memory is now the file allocated by ${object?.allocated.task ?? 'nobody'}.`,
        ...this.#machine.traceLines(),
      ],
      objects: [{ type: 'file', addr: fd.file }],
    });
  }

  /** The current task's next close is meant for this file, whatever the number stands for then. */
  expectClose(handle: Handle): void {
    this.#expected.set(this.#cpus.current, handle);
  }

  /** The close that was announced has closed nothing: the number stood for nothing. */
  forget(): void {
    this.#expected.delete(this.#cpus.current);
  }

  /** Spec 00 H8: called where the current task has taken `file` out of slot `fd`. */
  closed(fd: number, file: number): void {
    if (this.#expected.size === 0) return;
    const task = this.#cpus.current;
    const meant = this.#expected.get(task);
    if (!meant || meant.fd !== fd) return;
    this.#expected.delete(task);
    const generation = this.#machine.slab.generationOf(file);
    if (file === meant.file && generation === meant.generation) return;
    this.#machine.fail({
      kind: 'fd-misuse',
      title: `BUG: fd misuse: close(${fd}) by ${this.#machine.who()} closes a foreign file`,
      lines: [
        'The number was closed and given out again since the caller last looked.',
        ...this.#machine.traceLines(),
      ],
      objects: [{ type: 'file', addr: file }],
    });
  }

  /** A descriptor was looked up, and something else came back. Spec 00 R13, H6. */
  foreign(fd: number, file: number): void {
    this.#machine.fail({
      kind: 'fd-misuse',
      title: `BUG: fd misuse: lookup of descriptor ${fd} returned a foreign file`,
      lines: [
        'The file was freed and its memory reused between the load of the slot and the get.',
        ...this.#machine.traceLines(),
      ],
      objects: [{ type: 'file', addr: file }],
    });
  }

  /** The function of the system call that is going on, if any: `__x64_sys_ioctl`. */
  #systemCall(): string[] {
    const names = this.#machine.stack().map(({ symbol }) => symbol.name);
    return names.slice(0, Math.max(0, names.indexOf('do_syscall_64'))).slice(-1);
  }

  #breach(what: string, held: Fd): void {
    this.#machine.fail({
      kind: 'borrow-rule',
      title: `WARNING: borrow rule: ${what}`,
      lines: [
        `Task ${this.#machine.who()} holds a borrowed pointer to the file of descriptor ` +
          `${held.fd}; nothing keeps that file now.`,
        ...this.#machine.traceLines(),
      ],
      objects: [{ type: 'file', addr: held.file }],
      // Many calls get to close_fd(): whose borrow it broke, tells one bug from another.
      sites: [this.#machine.place(), ...this.#systemCall()],
      fatal: false,
    });
  }
}
