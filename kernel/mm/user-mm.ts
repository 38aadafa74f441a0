import { COST_NS } from '../../sim/cost.ts';
import { access, kernelText, READ, step, WRITE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EFAULT } from '../errno.ts';
import { PAGE_SIZE } from '../memory.ts';
import { access_ok } from './address-space.ts';
import { PageFaults } from './fault.ts';

/** The points of a copy: before a page fault, and before the bytes of one page move. */
interface CopySites {
  readonly fn: string;
  readonly fault: number;
  readonly copy: number;
}

const copySites = (fn: string): CopySites => ({
  fn,
  fault: site(fn, 'fault'),
  copy: site(fn, 'copy'),
});
const TO_USER = copySites('copy_to_user');
const FROM_USER = copySites('copy_from_user');
const STRNCPY = copySites('strncpy_from_user');
const PIN = site('pin_user_pages_fast', 'pin');
const USER_READ = copySites('user_read');
const USER_WRITE = copySites('user_write');

/** Moves `count` bytes between user page memory at `addr` and byte `done` of the kernel's side. */
type Move = (addr: number, done: number, count: number) => void;

/**
 * User memory of the current task, as the kernel and as user mode touch it. No spin lock may be
 * held across a copy, except the _nofault ones. lib/usercopy.c, mm/maccess.c
 */
export class UserMm extends PageFaults {
  /** How many bytes were NOT copied: 0 is success, anything else is -EFAULT to the caller. */
  *copy_to_user(addr: number, bytes: Uint8Array): Sim<number> {
    this.sched.mightSleep('copy_to_user'); // might_fault()
    const size = this.#sizeOf('copy_to_user', bytes.length);
    const left = yield* this.#transfer(TO_USER, addr, size, true, this.#writeOf(bytes));
    return bytes.length - size + left;
  }

  /** The bytes, or null where any of them cannot be read: -EFAULT to the caller. */
  *copy_from_user(addr: number, sizeBytes: number): Sim<Uint8Array | null> {
    this.sched.mightSleep('copy_from_user');
    const bytes = new Uint8Array(sizeBytes);
    const size = this.#sizeOf('copy_from_user', sizeBytes);
    const left = yield* this.#transfer(FROM_USER, addr, size, false, this.#readOf(bytes));
    return left === 0 && size === sizeBytes ? bytes : null;
  }

  /**
   * The text up to its NUL, which is looked for in the first `max` bytes; `max` characters where
   * it is not among them; -EFAULT. lib/strncpy_from_user.c
   */
  *strncpy_from_user(addr: number, max: number): Sim<string | number> {
    this.sched.mightSleep('strncpy_from_user');
    let text = '';
    while (text.length < max) {
      const at = addr + text.length;
      const bytes = new Uint8Array(Math.min(max - text.length, PAGE_SIZE - (at % PAGE_SIZE)));
      const left = yield* this.#transfer(STRNCPY, at, bytes.length, false, this.#readOf(bytes));
      if (left > 0) return -EFAULT;
      const end = bytes.indexOf(0);
      text += String.fromCharCode(...(end < 0 ? bytes : bytes.subarray(0, end)));
      if (end >= 0) return text;
    }
    return text;
  }

  /** As copy_from_user, but null rather than a fault; in any context. mm/maccess.c */
  copy_from_user_nofault(addr: number, sizeBytes: number): Uint8Array | null {
    const bytes = new Uint8Array(sizeBytes);
    return this.#nofault(addr, sizeBytes, false, this.#readOf(bytes)) ? bytes : null;
  }

  /** 0 or -EFAULT, without a fault. What stands before the page that is not there is written. */
  copy_to_user_nofault(addr: number, bytes: Uint8Array): number {
    return this.#nofault(addr, bytes.length, true, this.#writeOf(bytes)) ? 0 : -EFAULT;
  }

  /** The same with a point before each page: how many bytes were NOT copied. */
  *copy_to_user_inatomic(at: number, addr: number, bytes: Uint8Array): Sim<number> {
    const size = bytes.length;
    if (!access_ok(addr, size)) return size;
    const mm = this.#currentMm();
    for (let done = 0; done < size;) {
      const here = addr + done;
      const inPage = here % PAGE_SIZE;
      const count = Math.min(size - done, PAGE_SIZE - inPage);
      const page = this.translate(mm, here, true);
      if (page === 0) return size - done;
      yield* access(at, page + inPage, count, WRITE);
      if (this.translate(mm, here, true) !== page) continue; // unmapped meanwhile
      this.#writeOf(bytes)(page + inPage, done, count);
      done += count;
    }
    return 0;
  }

  /** A load in user mode, which is no kernel text: null where it raised SIGSEGV. */
  userRead(addr: number, sizeBytes: number): Sim<Uint8Array | null> {
    return this.#load(addr, sizeBytes);
  }

  /** A store in user mode: false where it raised SIGSEGV. */
  userWrite(addr: number, bytes: Uint8Array): Sim<boolean> {
    return this.#store(addr, bytes);
  }

  /**
   * Pins the page of an address of the current task, writable, for as long as anybody likes: the
   * page, or -EFAULT. FOLL_LONGTERM | FOLL_WRITE. mm/gup.c
   */
  *pin_user_pages_fast(addr: number): Sim<number> {
    this.sched.mightSleep('pin_user_pages_fast');
    const mm = this.#currentMm();
    for (;;) {
      yield* step(PIN);
      const page = access_ok(addr, 1) ? this.translate(mm, addr, true) : 0;
      if (page !== 0) {
        this.pages.pin(page);
        return page;
      }
      if ((yield* this.handle_mm_fault(mm, addr, true)) !== 0) return -EFAULT;
    }
  }

  /** Makes the page of an address of the current task usable: 0 or -EFAULT. */
  *prefault(addr: number, write: boolean): Sim<number> {
    const mm = this.#currentMm();
    while (this.translate(mm, addr, write) === 0) {
      if ((yield* this.handle_mm_fault(mm, addr, write)) !== 0) return -EFAULT;
    }
    return 0;
  }

  *#load(addr: number, sizeBytes: number): Sim<Uint8Array | null> {
    const bytes = new Uint8Array(sizeBytes);
    const left = yield* this.#transfer(USER_READ, addr, sizeBytes, false, this.#readOf(bytes));
    if (left === 0) return bytes;
    this.hooks.segfault(this.sched.current, addr + sizeBytes - left);
    return null;
  }

  *#store(addr: number, bytes: Uint8Array): Sim<boolean> {
    const left = yield* this.#transfer(USER_WRITE, addr, bytes.length, true, this.#writeOf(bytes));
    if (left === 0) return true;
    this.hooks.segfault(this.sched.current, addr + bytes.length - left);
    return false;
  }

  /** The page is read back from where it was put: do_swap_page(). 0, or -EFAULT for the killed. */
  *#swapIn(mm: number, addr: number, write: boolean): Sim<number> {
    yield* this.handle_userfault(mm, this.pteOf(mm, addr)!.addr, addr, write);
    return this.hooks.fatalSignalPending(this.sched.current) ? -EFAULT : 0;
  }

  /** How much of it a copy moves at most: all, nothing or half. */
  #sizeOf(fn: string, sizeBytes: number): number {
    if (sizeBytes === 0) return 0;
    const way = this.machine.goesWrong('short-copy', fn, sizeBytes > 1 ? 2 : 1);
    return way === 0 ? sizeBytes : way === 1 ? 0 : sizeBytes >> 1;
  }

  /** Page by page: a fault where it is needed, then the move. Gives the bytes not moved. */
  *#transfer(at: CopySites, addr: number, size: number, write: boolean, move: Move): Sim<number> {
    if (!access_ok(addr, size)) return size;
    const mm = this.#currentMm();
    /** Where a page was waited for last: it is not reclaimed again at once. */
    let awaited = -1;
    for (let done = 0; done < size;) {
      const here = addr + done;
      const inPage = here % PAGE_SIZE;
      const count = Math.min(size - done, PAGE_SIZE - inPage);
      const page = this.translate(mm, here, write);
      if (page === 0 || (done > awaited && this.machine.goesWrong('major-fault', at.fn) > 0)) {
        awaited = done;
        yield* step(at.fault);
        const isGone = page === 0;
        const fault = isGone
          ? this.handle_mm_fault(mm, here, write)
          : this.#swapIn(mm, here, write);
        if ((yield* fault) !== 0) return size - done;
        continue;
      }
      yield* access(at.copy, page + inPage, count, write ? WRITE : READ);
      if (this.translate(mm, here, write) !== page) continue; // unmapped or copied meanwhile
      this.machine.engine.cpu.nowNs += (COST_NS.copyPerPage * count) / PAGE_SIZE;
      move(page + inPage, done, count);
      done += count;
    }
    return 0;
  }

  #nofault(addr: number, size: number, write: boolean, move: Move): boolean {
    if (!access_ok(addr, size)) return false;
    const mm = this.#currentMm();
    for (let done = 0; done < size;) {
      const here = addr + done;
      const page = this.translate(mm, here, write);
      if (page === 0) return false;
      const count = Math.min(size - done, PAGE_SIZE - (here % PAGE_SIZE));
      move(page + (here % PAGE_SIZE), done, count);
      done += count;
    }
    return true;
  }

  /** 0 for a kernel thread. */
  #currentMm(): number {
    return this.machine.memory.unwatched(() => this.sched.current.s.mm);
  }

  #writeOf(bytes: Uint8Array): Move {
    return (addr, done, count) =>
      this.machine.memory.rawCopyIn(addr, bytes.subarray(done, done + count));
  }

  #readOf(bytes: Uint8Array): Move {
    return (addr, done, count) => bytes.set(this.machine.memory.rawCopyOut(addr, count), done);
  }
}

kernelText(UserMm);
