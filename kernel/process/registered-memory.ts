import { access, kernelText, step, WRITE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM, EOPNOTSUPP, EPERM } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import { access_ok } from '../mm/address-space.ts';
import { mayWriteUser } from '../mm/uaccess.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Rcu } from '../rcu/rcu.ts';
import type { Sched } from '../sched.ts';
import { task_struct } from '../structs.ts';
import type { Task } from '../task.ts';
import { RegisteredArray } from './registered-array.ts';
import { RegistrationChecker } from './registered-checker.ts';
import { arrayBytes, ENTRY_BYTES, entryAddr } from './registered-structs.ts';
import { CLONE_VM } from './uapi.ts';

const REG1 = site('bpf_user_writable_register', 'REG1');
const REG2 = site('bpf_user_writable_register', 'REG2');
const REG3 = site('bpf_user_writable_register', 'REG3');
const REG4 = site('bpf_user_writable_register', 'REG4');
const REG5 = site('bpf_user_writable_register', 'REG5');
const REG6 = site('bpf_user_writable_register', 'REG6');
const UNR1 = site('bpf_user_writable_unregister', 'UNR1');
const UNR2 = site('bpf_user_writable_unregister', 'UNR2');
const UNR3 = site('bpf_user_writable_unregister', 'UNR3');
const COPY = site('bpf_user_writable_copy', 'Kc');
const WR1 = site('bpf_probe_write_user_registered', 'WR1');
const WR2 = site('bpf_probe_write_user_registered', 'WR2');
const WR3 = site('bpf_probe_write_user_registered', 'WR3');
const WR4 = site('bpf_probe_write_user_registered', 'WR4');

export interface RegisteredParts {
  readonly cpus: Pick<Cpus, 'this' | 'context'>;
  readonly kasan: Pick<Kasan, 'free'>;
  readonly rcu: Pick<Rcu, 'call_rcu'>;
  readonly user: Pick<UserMm, 'copy_to_user_inatomic' | 'onUnmap'>;
}

/** One of them: what may be written, and by whom. */
interface Region {
  readonly start: number;
  readonly size: number;
  readonly tag: number;
}

/**
 * User memory that threads have registered for programs to write to, by prctl(2): the feature
 * `regwrite`, a patch that was never merged, with its defects; `regwrite.fixed` has none of them.
 * 20240404190146.1898103-1-elver@google.com, spec 05
 */
export class RegisteredMemory {
  readonly checker: RegistrationChecker;
  readonly #machine: Machine;
  readonly #sched: Pick<Sched, 'current'>;
  readonly #parts: RegisteredParts;
  readonly #array: RegisteredArray;

  constructor(machine: Machine, sched: Pick<Sched, 'current'>, parts: RegisteredParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.#array = new RegisteredArray(machine.memory);
    this.checker = new RegistrationChecker(machine);
    if (this.isOn) parts.user.onUnmap = (...range) => this.checker.unmapped(...range);
  }

  /** Whether this kernel has the patch. */
  get isOn(): boolean {
    return this.#machine.mutated('regwrite');
  }

  get isFixed(): boolean {
    return this.#machine.mutated('regwrite.fixed');
  }

  /** PR_BPF_REGISTER_WRITABLE. Spec 05 R4 */
  *bpf_user_writable_register(start: number, size: number, tag: number): Sim<number> {
    const refused = this.#refused();
    if (refused !== 0) return refused;
    const task = this.#sched.current;
    // What is below zero here is a size beyond all memory there.
    if (start === 0 || size <= 0 || !access_ok(start, size)) return -EFAULT;
    const region = { start, size, tag };
    yield* step(REG1);
    if (this.#isTaken(this.#of(task), region)) return -EEXIST;
    const meant = this.checker.entering(task, start, size, tag);
    const result = yield* this.isFixed ? this.#replace(task, region) : this.#append(task, region);
    this.checker.end(task, meant, result === 0);
    return result;
  }

  /** PR_BPF_UNREGISTER_WRITABLE. Spec 05 R5 */
  *bpf_user_writable_unregister(start: number, size: number): Sim<number> {
    const refused = this.#refused();
    if (refused !== 0) return refused;
    const task = this.#sched.current;
    yield* step(UNR1);
    const array = this.#of(task);
    const found = this.#array.find(array, start, size);
    const entry = this.#array.entry(found);
    if (found === 0 || entry.start !== start || entry.size !== size) return -ENOENT;
    const meant = this.checker.leaving(task, start, size)!;
    const result = yield* this.isFixed
      ? this.#replace(task, undefined, found)
      : this.#remove(array, found);
    this.checker.end(task, meant, result !== 0);
    return result;
  }

  /** A child's own, where it has an address space of its own: 0 or -ENOMEM. Spec 05 R18 */
  *bpf_user_writable_copy(child: Task, flags: number): Sim<number> {
    yield* step(COPY);
    const { memory } = this.#machine;
    const from = this.#of(this.#sched.current);
    this.#set(child, 0);
    if (from === 0 || flags & CLONE_VM) return 0;
    const { capacity } = this.#array.at(from);
    const copy = this.#alloc(capacity);
    if (copy === 0) return -ENOMEM;
    memory.copy(copy, from, arrayBytes(capacity));
    this.#set(child, copy);
    return 0;
  }

  /**
   * With the task_struct, or at exec. What hangs there is freed, whoever's it is: before its own
   * copy, a child has its parent's. Spec 05 R19, R20
   */
  bpf_user_writable_free(task: Task): void {
    const array = this.#of(task);
    if (array === 0) return;
    if (this.isFixed) this.#freeLater(array);
    else this.#parts.kasan.free(array);
    this.#set(task, 0);
    this.checker.forget(task);
  }

  /**
   * Writes to memory of the current task, where that has registered it: 0, -EPERM or -EFAULT, and
   * then what stands before the page that is not there is written. Spec 05 R9
   */
  *bpf_probe_write_user_registered(dst: number, bytes: Uint8Array, tag: number): Sim<number> {
    const task = this.#sched.current;
    const { isFixed, checker } = this;
    if (isFixed && !this.#isFit(task)) return -EPERM;
    yield* step(WR1);
    const found = this.#array.find(this.#of(task), dst, bytes.length);
    if (found === 0) {
      if (this.#isFit(task)) checker.notFound(task, dst, bytes.length, tag);
      return -EPERM;
    }
    yield* step(WR2);
    const wanted = this.#array.entry(found).tag;
    if (wanted !== 0 && wanted !== tag) {
      if (this.#isFit(task)) checker.notFound(task, dst, bytes.length, tag);
      return -EPERM;
    }
    yield* step(WR3);
    if (!isFixed && !this.#isFit(task)) return -EPERM;
    const left = yield* this.#parts.user.copy_to_user_inatomic(WR4, dst, bytes);
    if (left < bytes.length) checker.written(task, dst, bytes.length - left, tag);
    return left > 0 ? -EFAULT : 0;
  }

  #isFit(task: Task): boolean {
    return mayWriteUser(this.#machine, this.#parts.cpus, task);
  }

  #refused(): number {
    if (!this.isOn) return -EINVAL;
    return this.#machine.mutated('regwrite.not-configured') ? -EOPNOTSUPP : 0;
  }

  #isTaken(array: number, { start, size }: Region): boolean {
    if (this.isFixed) return this.#array.overlaps(array, start, size);
    const found = this.#array.find(array, start, 1);
    return found !== 0 && this.#array.entry(found).start === start;
  }

  /** As the patch has it: grows the array where it is full, puts the region last, and sorts. */
  *#append(task: Task, { start, size, tag }: Region): Sim<number> {
    let array = this.#of(task);
    if (array === 0 || this.#array.at(array).count === this.#array.at(array).capacity) {
      array = yield* this.#grow(task, array);
      if (array === 0) return -ENOMEM;
    }
    yield* step(REG6);
    const s = this.#array.at(array);
    Object.assign(this.#array.entry(entryAddr(array, s.count)), { start, size, tag });
    s.count++;
    yield* this.#array.sort(array);
    return 0;
  }

  /** Twice the room: the old one is freed before the new one can be found. Hazard 05-H2. */
  *#grow(task: Task, old: number): Sim<number> {
    const { memory } = this.#machine;
    yield* step(REG2);
    const count = old === 0 ? 0 : this.#array.at(old).count;
    const capacity = old === 0 ? 1 : 2 * this.#array.at(old).capacity;
    const array = this.#alloc(capacity);
    if (array === 0) return 0;
    Object.assign(this.#array.at(array), { capacity, count });
    if (old !== 0) {
      yield* step(REG3);
      memory.copy(entryAddr(array, 0), entryAddr(old, 0), count * ENTRY_BYTES);
      yield* step(REG4);
      this.#parts.kasan.free(old);
    }
    yield* this.#publish(task, array);
    return array;
  }

  *#remove(array: number, found: number): Sim<number> {
    const { memory } = this.#machine;
    const s = this.#array.at(array);
    yield* step(UNR2);
    const behind = entryAddr(array, s.count) - (found + ENTRY_BYTES);
    if (behind > 0) memory.copyIn(found, memory.copyOut(found + ENTRY_BYTES, behind));
    yield* step(UNR3);
    s.count--;
    return 0;
  }

  /**
   * Fixed: a new array, by start, with one region more, or without one; published by one store. The
   * old one is freed once no program can be looking at it.
   */
  *#replace(task: Task, added: Region | undefined, removed = 0): Sim<number> {
    const { memory } = this.#machine;
    const old = this.#of(task);
    const regions: Region[] = added ? [added] : [];
    for (let i = 0; old !== 0 && i < this.#array.at(old).count; i++) {
      const { addr, start, size, tag } = this.#array.entry(entryAddr(old, i));
      if (addr !== removed) regions.push({ start, size, tag });
    }
    regions.sort((a, b) => a.start - b.start);
    const capacity = Math.max(1, 2 ** Math.ceil(Math.log2(regions.length)));
    yield* step(REG2);
    const array = this.#alloc(capacity);
    if (array === 0) return -ENOMEM;
    yield* step(REG3);
    memory.unwatched(() => {
      Object.assign(this.#array.at(array), { capacity, count: regions.length });
      for (const [i, region] of regions.entries()) {
        Object.assign(this.#array.entry(entryAddr(array, i)), region);
      }
    });
    yield* this.#publish(task, array);
    if (old !== 0) this.#freeLater(old);
    return 0;
  }

  *#publish(task: Task, array: number): Sim<void> {
    const slot = task.addr + task_struct.off.bpf_user_writable;
    yield* access(REG5, slot, 8, WRITE, () => this.#machine.memory.setPtr(slot, array));
  }

  #freeLater(array: number): void {
    this.#parts.rcu.call_rcu('bpf_user_writable_free_rcu', () => this.#parts.kasan.free(array));
  }

  #alloc(capacity: number): number {
    const { slab } = this.#machine;
    return this.#machine.mayAlloc('bpf_user_writable') ? slab.kzalloc(arrayBytes(capacity)) : 0;
  }

  #of({ addr }: Task): number {
    return this.#machine.memory.ptr(addr + task_struct.off.bpf_user_writable);
  }

  #set({ addr }: Task, array: number): void {
    this.#machine.memory.setPtr(addr + task_struct.off.bpf_user_writable, array);
  }
}

kernelText(RegisteredMemory);
