import { ptr, s32, struct } from '../../base/layout.ts';
import {
  ACQUIRE,
  READ,
  RELAXED,
  RELEASE,
  RMW,
  Request,
  SPIN,
  STEP,
  WRITE,
  kernelText,
  type Order,
  type Sim,
} from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { EDEADLK, ETIMEDOUT } from '../errno.ts';
import type { Machine, Report } from '../machine.ts';
import type { Memory } from '../memory.ts';
import type { Sched } from '../sched.ts';
import { HeldLocks } from './rqspinlock-held.ts';
import { ResWaits } from './rqspinlock-wait.ts';
import { countersOnly, type InterruptControl } from './spinlock.ts';

const SLOW = 'resilient_queued_spin_lock_slowpath';
const HANDOVER = site(SLOW, 'handover');
const SET_PENDING = site(SLOW, 'set_pending');
const CLEAR_PENDING = site(SLOW, 'clear_pending');
const OWNER = site(SLOW, 'wait_owner');
const PENDING_LOCKED = site(SLOW, 'clear_pending_set_locked');
const TRYLOCK = site(SLOW, 'trylock');
const XCHG_TAIL = site(SLOW, 'xchg_tail');
const LINK = site(SLOW, 'link');
const NODE = site(SLOW, 'wait_node');
const HEAD = site(SLOW, 'wait_head');
const CLAIM = site(SLOW, 'claim');
const CMPXCHG_TAIL = site(SLOW, 'cmpxchg_tail');
const NEXT = site(SLOW, 'wait_next');
const HAND_OVER = site(SLOW, 'hand_over');
const FAILED = site(SLOW, 'release_entry');
const TAS = site('resilient_tas_spin_lock', 'wait');
const TAS_FAILED = site('resilient_tas_spin_lock', 'release_entry');

/** include/asm-generic/qspinlock_types.h */
const LOCKED = 1;
const LOCKED_MASK = 0xff;
const PENDING = 0x100;
const PENDING_MASK = 0xff00;
const LOCKED_PENDING_MASK = 0xffff;
const TAIL_MASK = 0xffff_0000;
const TAIL_IDX_OFFSET = 16;
const TAIL_CPU_OFFSET = 18;
const MAX_NODES = 4;

/** include/asm-generic/rqspinlock.h: RES_DEF_TIMEOUT, what a holder may take. */
export const RES_DEF_TIMEOUT = 250_000_000;
/** Where waiters do not queue. */
const TAS_TIMEOUT = 1_000_000_000;
/** What a node is told: that it is at the head; or that all who queue give up. */
const AT_HEAD = 1;
const RES_TIMEOUT_VAL = 2;

/** One for each context that may nest on a CPU. kernel/locking/mcs_spinlock.h */
const qnode = struct('qnode', { next: ptr('struct qnode'), locked: s32, count: s32 });

/** What is off beside preemption while it is held. */
export type ResMode = 'plain' | 'irqsave';

type Effect<T> = (request: Request<unknown>) => T;

/**
 * Resilient queued spin locks: a u32, of which one byte says that it is held, one that somebody is
 * next, and the rest who queued last. A wait ends with -EDEADLK where it is for a lock of one's own
 * or closes a circle of two, and with -ETIMEDOUT after its time; whoever is first in the queue then
 * sends all away. Lockdep knows nothing of them, as in Linux. kernel/bpf/rqspinlock.c
 */
export class RqSpinlocks {
  readonly held: HeldLocks;
  readonly #machine: Machine;
  readonly #memory: Memory;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #waits: ResWaits;
  readonly #nodes: number;
  interrupts: InterruptControl;
  /** A guest without paravirtual locks: waiters do not queue. virt_spin_lock_key */
  isVirt = false;

  constructor(machine: Machine, cpus: Cpus, sched: Sched) {
    const { slab, memory } = machine;
    this.#machine = machine;
    this.#memory = memory;
    this.#cpus = cpus;
    this.#sched = sched;
    this.interrupts = countersOnly(cpus);
    this.held = new HeldLocks(machine, cpus);
    this.#waits = new ResWaits(machine, cpus, this.held);
    const bytes = qnode.sizeBytes * MAX_NODES * cpus.all.length;
    this.#nodes = slab.zalloc(slab.cache('rqnodes', bytes));
  }

  reset(): void {
    this.#waits.reset();
  }

  /** For Sched.hooks.idle. */
  idle(): boolean {
    return this.#waits.idle();
  }

  /** Where nothing can run any more since CPUs spin, and nothing ends that: to be reported. */
  describeWaiters(): Report | undefined {
    return this.#waits.describe();
  }

  /** 0, -EDEADLK or -ETIMEDOUT. Also the irqsave variant: disabling nests. */
  raw_res_spin_lock(lock: number, at: number, mode: ResMode = 'irqsave'): Sim<number> {
    return this.#rawLock(lock, at, mode);
  }

  /** The same, but where it fails preemption and interrupts stay off, until leave(). */
  res_spin_lock(lock: number, at: number, mode: ResMode): Sim<number> {
    return this.#lock(lock, at, mode);
  }

  *#rawLock(lock: number, at: number, mode: ResMode): Sim<number> {
    const word = yield* this.#first(lock, at, mode);
    if (word === 0) return 0;
    const result = yield* this.#slow(lock, word);
    if (result !== 0) this.leave(mode);
    return result;
  }

  *#lock(lock: number, at: number, mode: ResMode): Sim<number> {
    const word = yield* this.#first(lock, at, mode);
    return word === 0 ? 0 : yield* this.#slow(lock, word);
  }

  /** The word before: 0 where it could be taken. */
  #first(lock: number, at: number, mode: ResMode): Sim<number> {
    const request = new Request<number>(STEP, at, lock, 4, RMW, RqSpinlocks.#firstEffect);
    request.a = mode === 'irqsave' ? 1 : 0;
    request.order = ACQUIRE;
    request.target = this;
    return request as unknown as Sim<number>;
  }

  #slow(lock: number, word: number): Sim<number> {
    if (this.isVirt) return this.resilient_tas_spin_lock(lock);
    return this.resilient_queued_spin_lock_slowpath(lock, word);
  }

  /** A single request, at the place of the caller. */
  raw_res_spin_unlock(lock: number, at: number, mode: ResMode = 'irqsave'): Sim<void> {
    const request = new Request<void>(STEP, at, lock, 4, WRITE, RqSpinlocks.#unlockEffect);
    request.a = mode === 'irqsave' ? 1 : 0;
    request.order = RELEASE;
    request.target = this;
    return request as unknown as Sim<void>;
  }

  /** Allows what an attempt that has failed had switched off. */
  leave(mode: ResMode): void {
    if (mode === 'irqsave') this.interrupts.local_irq_enable();
    this.#sched.preemptEnable();
  }

  static readonly #firstEffect: Effect<number> = ({ target, addr, a }) => {
    const locks = target as RqSpinlocks;
    if (a === 1) locks.interrupts.local_irq_disable();
    locks.#sched.preemptDisable();
    locks.held.grab(addr);
    const word = locks.#memory.u32(addr);
    if (word === 0) locks.#memory.setU32(addr, LOCKED);
    return word;
  };

  static readonly #unlockEffect: Effect<void> = ({ target, addr, a }) => {
    const locks = target as RqSpinlocks;
    locks.#memory.setU8(addr, 0);
    locks.held.release();
    locks.#machine.engine.unspin(addr);
    locks.leave(a === 1 ? 'irqsave' : 'plain');
  };

  /** Where waiters do not queue: whoever comes first when it is free. */
  *resilient_tas_spin_lock(lock: number): Sim<number> {
    const attempt = { lock, site: TAS, mask: -1, durationNs: TAS_TIMEOUT, takes: true };
    const word = yield* this.#waits.wait(attempt);
    return word < 0 ? yield* this.#failed(TAS_FAILED, word) : 0;
  }

  /** `word`: what the first attempt has found. The entry of the held table is there already. */
  *resilient_queued_spin_lock_slowpath(lock: number, word: number): Sim<number> {
    let seen = word;
    // Somebody is between being next and holding it.
    if (seen === PENDING) seen = yield* this.#rmw(HANDOVER, lock, RELAXED, (now) => now);
    if ((seen & ~LOCKED_MASK) === 0) {
      seen = yield* this.#rmw(SET_PENDING, lock, ACQUIRE, (now) => now | PENDING);
      if ((seen & ~LOCKED_MASK) === 0) return yield* this.#waitAsNext(lock, seen);
      if ((seen & PENDING_MASK) === 0) yield* this.#clearPending(lock);
    }
    return yield* this.#waitInQueue(lock);
  }

  /** As the only one who waits: for the owner alone. */
  *#waitAsNext(lock: number, word: number): Sim<number> {
    if ((word & LOCKED_MASK) !== 0) {
      const [mask, durationNs] = [LOCKED_MASK, RES_DEF_TIMEOUT];
      const attempt = { lock, site: OWNER, mask, durationNs, takes: false };
      const result = yield* this.#waits.wait(attempt);
      if (result < 0) {
        yield* this.#clearPending(lock);
        return yield* this.#failed(FAILED, result);
      }
    }
    yield* this.#rmw(PENDING_LOCKED, lock, RELAXED, (now) => (now & ~PENDING_MASK) | LOCKED);
    return 0;
  }

  *#waitInQueue(lock: number): Sim<number> {
    if (this.#isResilient && this.held.holdsTwice(lock)) {
      return yield* this.#failed(FAILED, -EDEADLK);
    }
    const cpu = this.#cpus.this.id;
    const idx = this.#countNodes(cpu, 1);
    const result = yield* this.#queue(lock, cpu, idx);
    this.#countNodes(cpu, -1);
    return result < 0 ? yield* this.#failed(FAILED, result) : 0;
  }

  *#queue(lock: number, cpu: number, idx: number): Sim<number> {
    const isNmi = this.#cpus.context?.kind === 'nmi';
    if (idx >= MAX_NODES || (isNmi && idx > 0)) {
      return (yield* this.#trylock(lock)) ? 0 : -EDEADLK;
    }
    const node = this.#node(cpu, idx);
    this.#memory.marked(() => Object.assign(this.#at(node), { next: 0, locked: 0 }));
    if (yield* this.#trylock(lock)) return 0;
    const tail = (((cpu + 1) << TAIL_CPU_OFFSET) | (idx << TAIL_IDX_OFFSET)) >>> 0;
    const old = yield* this.#rmw(
      XCHG_TAIL,
      lock,
      RELEASE,
      (now) => (now & LOCKED_PENDING_MASK) | tail,
    );
    if ((old & TAIL_MASK) !== 0) {
      yield* this.#link(this.#decode(old), node);
      const told = yield* this.#until(NODE, node + qnode.off.locked, 4);
      if (told === RES_TIMEOUT_VAL) return yield* this.#flush(lock, tail, node);
    }
    return yield* this.#waitAtHead(lock, tail, node);
  }

  /** First in the queue: for the owner, and for who is next. */
  *#waitAtHead(lock: number, tail: number, node: number): Sim<number> {
    const [mask, durationNs] = [LOCKED_PENDING_MASK, 2 * RES_DEF_TIMEOUT];
    const word = yield* this.#waits.wait({
      lock,
      site: HEAD,
      mask,
      durationNs,
      takes: false,
    });
    if (word === -ETIMEDOUT) return yield* this.#flush(lock, tail, node);
    if (word < 0) {
      if (!(yield* this.#leaveTail(lock, tail))) yield* this.#handOver(node, AT_HEAD);
      return word;
    }
    // Alone in the queue where it is the last, and nobody has come meanwhile.
    const isLast = (now: number): boolean => now === word && (word & TAIL_MASK) >>> 0 === tail;
    const found = yield* this.#rmw(CLAIM, lock, RELAXED, (now) =>
      isLast(now) ? LOCKED : now | LOCKED,
    );
    if (!isLast(found)) yield* this.#handOver(node, AT_HEAD);
    return 0;
  }

  /** All who queue give up, one after another. */
  *#flush(lock: number, tail: number, node: number): Sim<number> {
    if (!(yield* this.#leaveTail(lock, tail))) yield* this.#handOver(node, RES_TIMEOUT_VAL);
    return -ETIMEDOUT;
  }

  /** Empties the queue where this one is the last of it. try_cmpxchg_tail() */
  *#leaveTail(lock: number, tail: number): Sim<boolean> {
    const isTail = (now: number): boolean => (now & TAIL_MASK) >>> 0 === tail;
    const found = yield* this.#rmw(CMPXCHG_TAIL, lock, RELAXED, (now) =>
      isTail(now) ? now & LOCKED_PENDING_MASK : now,
    );
    return isTail(found);
  }

  *#handOver(node: number, value: number): Sim<void> {
    yield* this.#until(NEXT, node + qnode.off.next, 8);
    const next = this.#memory.marked(() => this.#at(node).next);
    yield* this.#store(HAND_OVER, next + qnode.off.locked, 4, () => {
      this.#at(next).locked = value;
    });
  }

  *#link(prev: number, node: number): Sim<void> {
    yield* this.#store(LINK, prev + qnode.off.next, 8, () => {
      this.#at(prev).next = node;
    });
  }

  *#failed(at: number, result: number): Sim<number> {
    const count = this.held.countAddr(this.#cpus.this.id);
    yield* this.#store(at, count, 4, () => this.held.release());
    return result;
  }

  // Steps.

  *#trylock(lock: number): Sim<boolean> {
    const found = yield* this.#rmw(TRYLOCK, lock, ACQUIRE, (now) => (now === 0 ? LOCKED : now));
    return found === 0;
  }

  *#clearPending(lock: number): Sim<void> {
    yield* this.#rmw(CLEAR_PENDING, lock, RELAXED, (now) => now & ~PENDING_MASK);
  }

  /** The word before. Who spins for it looks again where a bit has gone. */
  #rmw(at: number, lock: number, order: Order, change: (word: number) => number): Request<number> {
    const memory = this.#memory;
    const request = new Request<number>(STEP, at, lock, 4, RMW, () => {
      const word = memory.u32(lock);
      const changed = change(word) >>> 0;
      if (changed !== word) memory.setU32(lock, changed);
      if ((word & ~changed & LOCKED_PENDING_MASK) !== 0) this.#machine.engine.unspin(lock);
      return word;
    });
    request.order = order;
    return request;
  }

  #store(at: number, addr: number, size: 4 | 8, act: () => void): Request<void> {
    const request = new Request<void>(STEP, at, addr, size, WRITE, () => {
      this.#memory.marked(act);
      this.#machine.engine.unspin(addr);
    });
    request.order = RELEASE;
    return request;
  }

  /** Spins until a word of a node is not 0: its low half. */
  #until(at: number, addr: number, size: 4 | 8): Request<number> {
    const look: Effect<number> = (request) => {
      const value = this.#memory.u32(addr);
      if (value === 0) request.goOn(SPIN, READ, look);
      return value;
    };
    const request = new Request<number>(STEP, at, addr, size, READ, look);
    request.order = ACQUIRE;
    return request;
  }

  get #isResilient(): boolean {
    return !this.#machine.mutated('rqspinlock.no-deadlock-check');
  }

  // Nodes: four a CPU, the first of which counts.

  #countNodes(cpu: number, by: 1 | -1): number {
    return this.#memory.marked(() => {
      const first = this.#at(this.#node(cpu, 0));
      const before = first.count;
      first.count = before + by;
      return before;
    });
  }

  #node(cpu: number, idx: number): number {
    return this.#nodes + qnode.sizeBytes * (cpu * MAX_NODES + idx);
  }

  #decode(word: number): number {
    const cpu = (word >>> TAIL_CPU_OFFSET) - 1;
    return this.#node(cpu, (word >>> TAIL_IDX_OFFSET) & (MAX_NODES - 1));
  }

  #at(node: number): ReturnType<typeof qnode.at> {
    return qnode.at(this.#memory, node);
  }
}

kernelText(RqSpinlocks);
