import { COST_NS } from '../../sim/cost.ts';
import type { EventSource } from '../../sim/host.ts';
import { stackOf } from '../../sim/fiber.ts';
import { FAULTS_KEY } from '../../sim/keys.ts';
import { kernelText, WRITE, type Sim } from '../../sim/request.ts';
import { EFAULT } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { TASK_KILLABLE, TASK_RUNNING, type Task } from '../task.ts';
import { AddressSpaces, type Pte } from './address-space.ts';
import {
  PTE_BLOCKING,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_WRITE,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from './structs.ts';
import { pageOf } from './vma.ts';

/** What other parts know, for the list of what a blocked task holds. Set once, at boot. */
export interface FaultHooks {
  /** What the task has borrowed and not given back: `fd 6 → file ffff888000412a40`. */
  borrowsOf(task: Task): readonly string[];
  /** Whether somebody holds a reference to the module of this name. */
  isPinned(module: string): boolean;
  /** Whether the task is to die: then it does not go on sleeping. */
  fatalSignalPending(task: Task): boolean;
  /** User mode touched what it may not: SIGSEGV. */
  segfault(task: Task, addr: number): void;
}

/** A task asleep in a page fault, and what it keeps from others meanwhile. Spec 00, R46. */
export interface BlockedFault {
  readonly task: Task;
  /** The user address, and what was to be done there. */
  readonly addr: number;
  readonly write: boolean;
  /** Functions, innermost first. */
  readonly callChain: readonly string[];
  /** Classes of the locks held, in order of acquisition. */
  readonly locks: readonly string[];
  readonly borrows: readonly string[];
  /** Modules whose text it will return into: those that are not pinned may be gone by then. */
  readonly modules: readonly { readonly name: string; readonly pinned: boolean }[];
}

/** One page for which tasks wait. */
interface Awaited {
  readonly mm: number;
  /** Where its entry stands. */
  readonly pte: number;
  readonly waiters: BlockedFault[];
}

/** Page faults. arch/x86/mm/fault.c, mm/memory.c, fs/userfaultfd.c */
export class PageFaults extends AddressSpaces {
  readonly hooks: FaultHooks = {
    borrowsOf: () => [],
    isPinned: () => true,
    fatalSignalPending: () => false,
    segfault: () => {},
  };
  /** Fires when a blocking page arrives: any of those awaited. */
  readonly userFault: EventSource = {
    name: 'user-fault',
    ready: false,
    fire: () => this.#arrive(),
  };
  protected readonly sched: Sched;
  #awaited: Awaited[] = [];

  constructor(machine: Machine, sched: Sched, kasan: Kasan) {
    super(machine, kasan);
    this.sched = sched;
    machine.engine.sources.push(this.userFault);
  }

  /** The tasks asleep in page faults, longest first by page. */
  blocked(): readonly BlockedFault[] {
    return this.#awaited.flatMap(({ waiters }) => waiters);
  }

  reset(): void {
    this.#awaited = [];
    this.userFault.ready = false;
  }

  /** The page at a user address of `mm` as it can be used without a fault, or 0. */
  protected translate(mm: number, addr: number, write: boolean): number {
    const pte = this.pteOf(mm, addr);
    if (!pte || !allows(pte, write)) return 0;
    const wanted = write ? PTE_PRESENT | PTE_WRITE : PTE_PRESENT;
    return (pte.value & wanted) === wanted ? pageOf(pte.value) : 0;
  }

  /** Makes a page usable: 0, or -EFAULT where it cannot be, or where the task has been killed. */
  protected *handle_mm_fault(mm: number, addr: number, write: boolean): Sim<number> {
    this.machine.engine.cpu.nowNs += COST_NS.pageFault;
    for (;;) {
      const pte = this.pteOf(mm, addr);
      if (!pte || !allows(pte, write)) return -EFAULT;
      if ((pte.value & (PTE_BLOCKING | PTE_PRESENT)) === 0 && this.#isOfFile(pte.vma)) {
        return yield* this.do_fault(mm, addr, pte);
      }
      if ((pte.value & PTE_BLOCKING) === 0) return this.#makePresent(pte, write) ? 0 : -EFAULT;
      if (this.hooks.fatalSignalPending(this.sched.current)) return -EFAULT;
      yield* this.handle_userfault(mm, pte.addr, addr, write);
    }
  }

  /** The page comes from the object that is mapped there; without one it is SIGBUS. */
  protected *do_fault(mm: number, addr: number, { vma }: Pte): Sim<number> {
    const { memory } = this.machine;
    const ops = memory.unwatched(() => this.vmas.ops.at(this.vmas.at(vma).vm_ops));
    const page = ops?.fault ? yield* ops.fault(vma, addr) : -EFAULT;
    if (page < 0) return -EFAULT;
    const pte = this.pteOf(mm, addr);
    if (pte?.vma !== vma || pte.value & PTE_PRESENT) {
      this.pages.put(page); // somebody was faster
      return 0;
    }
    this.setPte(pte, page | PTE_PRESENT | (pte.flags & VM_WRITE ? PTE_WRITE : 0));
    return 0;
  }

  #isOfFile(vma: number): boolean {
    return this.machine.memory.unwatched(() => this.vmas.at(vma).vm_file !== 0);
  }

  /** Sleeps until the page has come or the task is killed, with no lock of its own. */
  protected *handle_userfault(mm: number, pte: number, addr: number, write: boolean): Sim<void> {
    const task = this.sched.current;
    const fault = this.#blockedFault(task, addr, write);
    this.machine.engine.touch(FAULTS_KEY, WRITE);
    let awaited = this.#awaited.find((page) => page.mm === mm && page.pte === pte);
    if (!awaited) {
      awaited = { mm, pte, waiters: [] };
      this.#awaited.push(awaited);
    }
    awaited.waiters.push(fault);
    this.userFault.ready = true;
    this.machine.remark(() => blockedText(fault));
    this.machine.memory.unwatched(() => (task.s.__state = TASK_KILLABLE));
    yield* this.sched.schedule();
    this.machine.memory.unwatched(() => (task.s.__state = TASK_RUNNING));
    this.#leave(awaited, fault); // killed: nobody else took it off
  }

  /**
   * A new page, one that was put away, a copy of a shared one, or the same made writable where
   * nobody shares it.
   */
  #makePresent(pte: Pte, write: boolean): boolean {
    if (pte.value & PTE_SWAP) return this.do_swap_page(pte, write);
    const writable = pte.flags & VM_WRITE ? PTE_WRITE : 0;
    if ((pte.value & PTE_PRESENT) === 0) {
      const page = this.pages.alloc();
      if (page !== 0) this.setPte(pte, page | PTE_PRESENT | writable);
      return page !== 0;
    }
    if (!write || pte.value & PTE_WRITE) return true;
    const shared = pageOf(pte.value);
    if (this.pages.count(shared) === 1) {
      this.setPte(pte, pte.value | PTE_WRITE);
      return true;
    }
    this.machine.engine.cpu.nowNs += COST_NS.copyPerPage;
    const copy = this.pages.copyOf(shared);
    if (copy === 0) return false;
    this.pages.put(shared);
    this.setPte(pte, copy | PTE_PRESENT | PTE_WRITE);
    return true;
  }

  /** What is there only for this entry can be written to at once. */
  protected do_swap_page(pte: Pte, write: boolean): boolean {
    const page = pageOf(pte.value);
    const isOwn = (pte.flags & VM_SHARED) !== 0 || this.pages.count(page) === 1;
    const value = page | PTE_PRESENT | (isOwn && pte.flags & VM_WRITE ? PTE_WRITE : 0);
    this.setPte(pte, value);
    return isOwn || !write || this.#makePresent({ ...pte, value }, write);
  }

  /** The strategy says which page comes first; all who wait for it go on. */
  #arrive(): void {
    const { machine } = this;
    machine.engine.touch(FAULTS_KEY, WRITE);
    const index = machine.engine.decide('user-fault', this.#awaited.length);
    const [page] = this.#awaited.splice(index, 1);
    this.userFault.ready = this.#awaited.length > 0;
    if (!page) return;
    const { memory } = machine;
    for (const { task, addr } of page.waiters) {
      // The mapping may have gone meanwhile; then the fault, taken again, fails.
      const pte = this.pteOf(page.mm, addr);
      if (pte && pte.value & PTE_BLOCKING) this.setPte(pte, pte.value & ~PTE_BLOCKING);
      memory.unwatched(() => this.sched.wake(task, TASK_KILLABLE));
    }
  }

  #leave(awaited: Awaited, fault: BlockedFault): void {
    const at = awaited.waiters.indexOf(fault);
    this.machine.engine.touch(FAULTS_KEY, WRITE);
    if (at >= 0) awaited.waiters.splice(at, 1);
    if (awaited.waiters.length > 0) return;
    this.#awaited = this.#awaited.filter((page) => page !== awaited);
    this.userFault.ready = this.#awaited.length > 0;
  }

  #blockedFault(task: Task, addr: number, write: boolean): BlockedFault {
    const chain = stackOf(task.fiber).map(({ symbol }) => symbol);
    const modules = new Set(chain.map(({ module }) => module).filter((name) => name !== ''));
    return {
      task,
      addr,
      write,
      callChain: chain.map(({ name }) => name),
      locks: task.held.map(({ className }) => className),
      borrows: this.hooks.borrowsOf(task),
      modules: [...modules].map((name) => ({ name, pinned: this.hooks.isPinned(name) })),
    };
  }
}

function allows(pte: Pte, write: boolean): boolean {
  return (pte.flags & (write ? VM_WRITE : VM_READ)) !== 0;
}

/** One line for the trace: who waits for which page, and what is held meanwhile. */
export function blockedText({ addr, callChain, locks, borrows, modules }: BlockedFault): string {
  const who = callChain.find((name) => /_user(_|$)/.test(name)) ?? 'user mode';
  const held: readonly (readonly [string, readonly string[]])[] = [
    ['holds', locks],
    ['borrows', borrows],
    ['in', modules.map(({ name, pinned }) => `${name} (${pinned ? 'pinned' : 'NOT pinned'})`)],
  ];
  const texts = held.map(([what, items]) =>
    items.length > 0 ? `; ${what} ${items.join(', ')}` : '',
  );
  return `${who}: page 0x${addr.toString(16)} not resident, blocks${texts.join('')}`;
}

kernelText(PageFaults);
