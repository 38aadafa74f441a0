import { kernelText, type Sim } from '../sim/request.ts';
import { ERESTARTSYS } from './errno.ts';
import type { Machine } from './machine.ts';
import type { Sched } from './sched.ts';
import { task_struct, wait_queue_head } from './structs.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE, type Task } from './task.ts';

/** What stands for the queue's own lock: the word at its start may be a lock of its owner's. */
const LIST = wait_queue_head.off.head;

/**
 * Wait queues. A queue is a wait_queue_head in memory: the tasks on it hang together by their
 * task_structs, so that waking up on freed memory is seen. A task waits on one queue at a time.
 * kernel/sched/wait.c
 */
export class Waits {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #taskAt: (addr: number) => Task;
  /** Whether a signal is pending that ends an interruptible sleep. */
  signalPending: (task: Task) => boolean = () => false;

  /** `taskAt` gives the task whose task_struct stands at an address. */
  constructor(machine: Machine, sched: Sched, taskAt: (addr: number) => Task) {
    this.#machine = machine;
    this.#sched = sched;
    this.#taskAt = taskAt;
  }

  /**
   * Sleeps until `condition` holds; nothing but a wake-up of `queue` looks at it again.
   * wait_event()
   */
  *wait_event(queue: number, condition: () => boolean): Sim<void> {
    this.#sched.mightSleep('wait_event');
    for (;;) {
      this.#prepare(queue, TASK_UNINTERRUPTIBLE);
      if (condition()) break;
      yield* this.#sleep(condition);
    }
    this.#finish(queue);
  }

  /** 0, or -ERESTARTSYS where a signal came first. wait_event_interruptible() */
  *wait_event_interruptible(queue: number, condition: () => boolean): Sim<number> {
    this.#sched.mightSleep('wait_event_interruptible');
    const task = this.#sched.current;
    let result = 0;
    for (;;) {
      this.#prepare(queue, TASK_INTERRUPTIBLE);
      if (condition()) break;
      if (this.signalPending(task) || this.#interrupted(task)) {
        result = -ERESTARTSYS;
        break;
      }
      yield* this.#sleep(condition);
    }
    this.#finish(queue);
    return result;
  }

  /** Whether a signal comes that nobody has sent. */
  #interrupted(task: Task): boolean {
    if (task.s.mm === 0 || this.#machine.goesWrong('eintr', this.#machine.place()) === 0) {
      return false;
    }
    task.interrupted = true;
    return true;
  }

  *#sleep(condition: () => boolean): Sim<void> {
    const task = this.#sched.current;
    task.waitsFor = condition;
    yield* this.#sched.schedule();
    task.waitsFor = null;
  }

  /** Wakes up to `count` tasks of the queue, those first that have waited longest. __wake_up() */
  wake_up(queue: number, count = Infinity): number {
    const { memory, engine } = this.#machine;
    engine.ordering?.acquire(queue + LIST);
    let woken = 0;
    let addr = memory.ptr(queue + wait_queue_head.off.head);
    while (addr !== 0 && woken < count) {
      const next = memory.ptr(addr + task_struct.off.wait_next);
      if (this.#sched.wake(this.#taskAt(addr))) woken++;
      addr = next;
    }
    engine.ordering?.release(queue + LIST);
    return woken;
  }

  /** Looks without the lock, as a marked read does. waitqueue_active() */
  waiting(queue: number): boolean {
    const { memory } = this.#machine;
    return memory.unwatched(() => memory.ptr(queue + wait_queue_head.off.head)) !== 0;
  }

  /**
   * Each of these is atomic, as under the queue's own lock: hence the edges for the race monitor.
   */
  #prepare(queue: number, state: number): void {
    const task = this.#sched.current;
    const { memory, engine } = this.#machine;
    engine.ordering?.acquire(queue + LIST);
    if (task.s.wait_head === 0) {
      let slot = queue + wait_queue_head.off.head;
      for (let at = memory.ptr(slot); at !== 0; at = memory.ptr(slot)) {
        slot = at + task_struct.off.wait_next;
      }
      memory.setPtr(slot, task.addr);
      task.s.wait_next = 0;
      task.s.wait_head = queue;
    }
    task.s.__state = state;
    engine.ordering?.release(queue + LIST);
  }

  #finish(queue: number): void {
    const task = this.#sched.current;
    task.s.__state = TASK_RUNNING;
    const { memory, engine } = this.#machine;
    engine.ordering?.acquire(queue + LIST);
    let slot = queue + wait_queue_head.off.head;
    while (memory.ptr(slot) !== task.addr) slot = memory.ptr(slot) + task_struct.off.wait_next;
    memory.setPtr(slot, task.s.wait_next);
    task.s.wait_next = 0;
    task.s.wait_head = 0;
    engine.ordering?.release(queue + LIST);
  }
}

kernelText(Waits);
