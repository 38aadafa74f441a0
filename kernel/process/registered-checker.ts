import type { FailureKind } from '../../sim/failure.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';

/** What a thread has registered, and for which address space. */
export interface Meant {
  readonly mm: number;
  /** Tells the address space from a later one in the same memory. */
  readonly generation: number;
  readonly start: number;
  readonly size: number;
  readonly tag: number;
  /** On its way in, or out: programs may write there, and need not. */
  state: 'entering' | 'here' | 'leaving';
  /** What was mapped there has been unmapped since. */
  isStale: boolean;
}

/**
 * What processes have registered and what they mean by it, whatever the kernel's arrays say: a
 * write of a program must be to such memory, and what is registered must be found. It knows what
 * no kernel could: that the memory behind an address is not the one that was meant.
 */
export class RegistrationChecker {
  readonly #machine: Machine;
  #meant = new Map<Task, readonly Meant[]>();
  #kept: ReadonlyMap<Task, readonly Meant[]> = new Map();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  checkpoint(): void {
    this.#kept = new Map(this.#meant);
  }

  reset(): void {
    this.#meant = new Map();
    for (const [task, list] of this.#kept) {
      this.#meant.set(
        task,
        list.map((each) => ({ ...each })),
      );
    }
  }

  /** A region is about to be registered: what becomes of it, end() is told. */
  entering(task: Task, start: number, size: number, tag: number): Meant {
    const meant: Meant = {
      ...this.#space(task),
      start,
      size,
      tag,
      state: 'entering',
      isStale: false,
    };
    this.#meant.set(task, [...this.#of(task), meant]);
    return meant;
  }

  /** One is about to be unregistered; undefined where there is none. */
  leaving(task: Task, start: number, size: number): Meant | undefined {
    const meant = this.#of(task).find((each) => each.start === start && each.size === size);
    if (meant) meant.state = 'leaving';
    return meant;
  }

  /** What was under way is over: the region is there, or not. */
  end(task: Task, meant: Meant, isThere: boolean): void {
    meant.state = 'here';
    if (isThere) return;
    this.#meant.set(
      task,
      this.#of(task).filter((each) => each !== meant),
    );
  }

  /** A child has inherited what its parent has registered. */
  forked(parent: Task, child: Task): void {
    const list = this.#of(parent);
    if (list.length === 0) return;
    const own = this.#space(child);
    this.#meant.set(
      child,
      list.map((each) => ({ ...each, ...own })),
    );
  }

  forget(task: Task): void {
    this.#meant.delete(task);
  }

  /** Whatever was mapped there is gone. */
  unmapped(mm: number, start: number, end: number): void {
    for (const list of this.#meant.values()) {
      for (const each of list) {
        if (each.mm === mm && start < each.start + each.size && each.start < end) {
          each.isStale = true;
        }
      }
    }
  }

  /** A program has written to memory of this task. */
  written(task: Task, start: number, size: number, tag: number): void {
    const { mm, generation } = this.#space(task);
    const fit = this.#fitting(task, start, size, tag);
    const present = fit.filter((each) => each.mm === mm && each.generation === generation);
    if (present.some(({ isStale }) => !isStale)) return;
    const what =
      present.length > 0
        ? 'write to reused memory'
        : fit.length > 0
          ? 'write to unregistered memory of new image'
          : 'write outside registered memory';
    this.#report('unregistered-write', what, task, start, size);
  }

  /**
   * A program was told that this memory is not registered. Where regions overlap, the search may
   * miss one: that is how it was made.
   */
  notFound(task: Task, start: number, size: number, tag: number): void {
    const all = this.#of(task);
    const { mm } = this.#space(task);
    const lost = this.#fitting(task, start, size, tag).some(
      (each) =>
        each.state === 'here' &&
        each.mm === mm &&
        !all.some((one) => one !== each && meet(one, each)),
    );
    if (lost) this.#report('lost-update', 'lost region', task, start, size);
  }

  #fitting(task: Task, start: number, size: number, tag: number): readonly Meant[] {
    return this.#of(task).filter(
      (each) =>
        start >= each.start &&
        start + size <= each.start + each.size &&
        (each.tag === 0 || each.tag === tag),
    );
  }

  #of(task: Task): readonly Meant[] {
    return this.#meant.get(task) ?? [];
  }

  #space(task: Task): Pick<Meant, 'mm' | 'generation'> {
    const { memory, slab } = this.#machine;
    const mm = memory.unwatched(() => task.s.mm);
    return { mm, generation: mm === 0 ? 0 : slab.generationOf(mm) };
  }

  #report(kind: FailureKind, what: string, task: Task, start: number, size: number): void {
    const machine = this.#machine;
    const regions = this.#of(task).map(
      (each) => `[0x${each.start.toString(16)}, +${each.size}) tag 0x${each.tag.toString(16)}`,
    );
    machine.fail({
      kind,
      title: `BUG: ${what} in bpf_probe_write_user_registered`,
      sites: [what],
      lines: [
        `Write of size ${size} at user address 0x${start.toString(16)} of task ` +
          `${task.comm}/${task.pid}`,
        `It has registered: ${regions.length > 0 ? regions.join(', ') : 'nothing'}`,
        ...machine.traceLines(),
      ],
    });
  }
}

function meet(a: Meant, b: Meant): boolean {
  return a.start < b.start + b.size && b.start < a.start + a.size;
}
