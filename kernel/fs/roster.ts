import { ptr, s32, struct, u32 } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EFAULT } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Kasan } from '../kasan.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Sched } from '../sched.ts';
import { S_IFCHR } from './uapi.ts';

const LOCK = site('roster_lock', 'lock');
const UNLOCK = site('roster_unlock', 'unlock');
const NEXT = site('roster_read', 'next');
const PUT = site('roster_put', 'dec');
const roster_list_lock = lockClass('&roster->lock', 'spin');

/** One entry of the list: whoever made it holds it, the list does not. */
export const roster_entry = struct('roster_entry', {
  next: ptr('struct roster_entry'),
  refcnt: s32,
  number: u32,
});

/** What stands for the lock being held. */
export const roster_lock = struct('roster_lock', { lock: u32 });

/** Something whose last put sleeps. */
export const roster_file = struct('roster_file', { refcnt: s32 });

export interface RosterParts {
  readonly user: Pick<UserMm, 'copy_to_user'>;
  readonly spinlocks: Spinlocks;
  readonly kasan: Kasan;
  /** Reports where the present context may not sleep. */
  readonly mightSleep: Sched['mightSleep'];
}

/**
 * /dev/roster: not a device of Linux, but what spec 03 H7 and H8 ask for: objects on a list that
 * its lock guards, where the last put takes them off and frees them, and the caller of that holds
 * the lock; and an object whose last put sleeps. Programs have them through kfuncs
 * (bpf/kfuncs/roster.ts); reading the device walks the list.
 */
export class Roster {
  readonly #machine: Machine;
  readonly #parts: RosterParts;
  /** struct roster_lock, and the head of the list behind it. */
  readonly #lock: number;
  readonly #head: number;
  readonly ops: FileOps = {
    name: 'roster_fops',
    module: '',
    read: (_file, buf, count) => this.roster_read(buf, count),
  };
  readonly kinds: readonly InodeKind[] = [{ path: '/dev/roster', ops: this.ops, type: S_IFCHR }];

  constructor(machine: Machine, parts: RosterParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#lock = machine.slab.kzalloc(16);
    this.#head = this.#lock + 8;
  }

  *roster_lock(): Sim<number> {
    yield* this.#parts.spinlocks.spin_lock(roster_list_lock, this.#lock, LOCK);
    return this.#lock;
  }

  *roster_unlock(): Sim<void> {
    yield* this.#parts.spinlocks.spin_unlock(roster_list_lock, this.#lock, UNLOCK);
  }

  /** A new entry, on the list, held by the caller, who has the lock; or 0. */
  roster_add(number: number): number {
    const { memory, slab } = this.#machine;
    const addr = slab.kzalloc(roster_entry.sizeBytes);
    if (addr === 0) return 0;
    const entry = roster_entry.at(memory, addr);
    entry.refcnt = 1;
    entry.number = number;
    entry.next = memory.ptr(this.#head);
    memory.setPtr(this.#head, addr);
    return addr;
  }

  /** The last one takes it off the list: under the lock, which is for the caller to hold. */
  *roster_put(addr: number): Sim<void> {
    const { memory } = this.#machine;
    yield* step(PUT);
    const entry = roster_entry.at(memory, addr);
    entry.refcnt--;
    if (entry.refcnt > 0) return;
    let link = this.#head;
    while (memory.ptr(link) !== addr) link = memory.ptr(link) + roster_entry.off.next;
    memory.setPtr(link, entry.next);
    this.#parts.kasan.free(addr);
  }

  /** The numbers of all entries, as a u32 each. */
  *roster_read(buf: number, count: number): Sim<number> {
    const { memory } = this.#machine;
    const numbers: number[] = [];
    yield* this.roster_lock();
    for (let addr = memory.ptr(this.#head); addr !== 0;) {
      yield* step(NEXT);
      const entry = roster_entry.at(memory, addr);
      numbers.push(entry.number);
      addr = entry.next;
    }
    yield* this.roster_unlock();
    const bytes = new Uint8Array(Uint32Array.from(numbers).buffer).subarray(0, count);
    return (yield* this.#parts.user.copy_to_user(buf, bytes)) > 0 ? -EFAULT : bytes.length;
  }

  /** One reference, or 0. */
  roster_open(): number {
    const { memory, slab } = this.#machine;
    const addr = slab.kzalloc(roster_file.sizeBytes);
    if (addr !== 0) memory.setS32(addr + roster_file.off.refcnt, 1);
    return addr;
  }

  /** The last one waits for whoever still uses it. */
  *roster_close(addr: number): Sim<void> {
    this.#parts.mightSleep('roster_close');
    const { memory } = this.#machine;
    yield* step(PUT);
    const left = memory.s32(addr + roster_file.off.refcnt) - 1;
    memory.setS32(addr + roster_file.off.refcnt, left);
    if (left === 0) this.#parts.kasan.free(addr);
  }
}

kernelText(Roster);
