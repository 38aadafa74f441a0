import { RaceMonitor, type Race, type RaceSide } from '../sim/race.ts';
import type { Machine } from './machine.ts';
import { pointerText, RULE, stackLines } from './oops.ts';
import { task_struct } from './structs.ts';

/** Fields of a task that the scheduler keeps in order by means that are not modelled. */
const SCHEDULERS: ReadonlySet<number> = new Set([
  task_struct.off.__state,
  task_struct.off.cpu,
  task_struct.off.wait_next,
  task_struct.off.wait_head,
]);

/**
 * The data-race detector, in KCSAN's words; what it goes by is happens-before, so that it needs
 * no luck. It costs much, so it listens only between install() and remove(). kernel/kcsan/report.c
 */
export class Kcsan {
  readonly #machine: Machine;
  readonly #monitor: RaceMonitor;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#monitor = new RaceMonitor(machine.engine, machine.memory, (race) => this.#found(race));
  }

  install(): void {
    this.#monitor.install();
    this.#machine.memory.onUnpoison = (addr, size) => this.#monitor.forget(addr, size);
  }

  remove(): void {
    this.#monitor.remove();
    this.#machine.memory.onUnpoison = null;
  }

  reset(): void {
    this.#monitor.reset();
  }

  #found({ earlier, later }: Race): void {
    const machine = this.#machine;
    const addr = Math.max(earlier.addr, later.addr);
    const object = machine.slab.objectOf(addr);
    if (object?.cache === 'task_struct' && SCHEDULERS.has(addr - object.addr)) return;
    const functions = [functionOf(earlier), functionOf(later)].toSorted();
    machine.fail({
      kind: 'data-race',
      title: `BUG: KCSAN: data-race in ${functions.join(' / ')}`,
      lines: [
        '',
        ...stanza(later),
        '',
        ...stanza(earlier),
        '',
        'Reported by Kernel Concurrency Sanitizer on:',
        machine.traceLines()[0]!,
        RULE,
      ],
      sites: [earlier.place, later.place].toSorted(),
      objects: object ? [{ type: object.cache, addr: object.addr }] : [],
      fatal: false,
    });
  }
}

/** get_access_type(), print_report() */
function stanza({ write, marked, addr, size, ordinal, cpu, stack }: RaceSide): string[] {
  const who = ordinal < 0 ? 'interrupt' : `task ${ordinal}`;
  return [
    `${write ? 'write' : 'read'}${marked ? ' (marked)' : ''} to 0x${pointerText(addr)} of ` +
      `${size} bytes by ${who} on cpu ${cpu}:`,
    ...stackLines(stack).map((line) => ` ${line}`),
  ];
}

function functionOf({ stack }: RaceSide): string {
  return stack[0]?.symbol.name ?? 'unknown';
}
