import { assert } from '../base/assert.ts';
import { COST_NS } from '../sim/cost.ts';
import type { Engine } from '../sim/engine.ts';
import type { Cpu } from '../sim/host.ts';
import { step, type Sim } from '../sim/request.ts';
import { kernelSymbol, site, type KernelSymbol } from '../sim/site.ts';
import type { ExecContext } from './context.ts';
import type { KernelCpu } from './cpu.ts';
import type { Machine } from './machine.ts';
import type { Sched } from './sched.ts';

const NEXT = site('handle_softirqs', 'next');
const handle_softirqs = kernelSymbol('handle_softirqs');

/** One symbol a name, whatever the number of machines and runs. */
const symbols = new Map<string, KernelSymbol>();

/** An interrupt's code: `*` where others may run meanwhile, plain where it is one step. */
export type Handler = () => Sim<void>;

interface Pending {
  readonly name: string;
  /** Runs as an interrupt of its own. */
  readonly handler: Handler | null;
  /** Or: is done on the spot. */
  readonly act: (() => void) | null;
}

/** Does `act` as if on `cpu`, which is not in the middle of a step. */
export function onCpu<T>(engine: Engine, cpu: Cpu, act: () => T): T {
  const { cpu: otherCpu, fiber } = engine;
  engine.cpu = cpu;
  engine.fiber = cpu.fiber;
  try {
    return act();
  } finally {
    engine.cpu = otherCpu;
    engine.fiber = fiber;
  }
}

/**
 * Deferred interrupt work: runs on its CPU once no interrupt is in progress there, with
 * interrupts and bottom halves on. kernel/softirq.c. There is no ksoftirqd: what is raised by a
 * task runs at once, as if an interrupt had raised it.
 */
export class Softirqs {
  readonly #sched: Sched;
  /** By CPU, oldest first. */
  readonly #pending: Pending[][];

  constructor(sched: Sched) {
    this.#sched = sched;
    this.#pending = sched.cpus.all.map(() => []);
  }

  reset(): void {
    for (const list of this.#pending) list.length = 0;
  }

  get pending(): number {
    return this.#pending.reduce((sum, list) => sum + list.length, 0);
  }

  /** Marks work as due on a CPU. raise_softirq() */
  raise(cpuId: number, name: string, run: Handler): void {
    this.#pending[cpuId]!.push({ name, handler: run, act: null });
    this.deliver(this.#sched.cpus.all[cpuId]!);
  }

  /** Begins with what is due on the CPU where that is possible now. invoke_softirq() */
  deliver(cpu: KernelCpu): void {
    if (this.#pending[cpu.id]!.length === 0) return;
    if (cpu.inInterrupt || cpu.irqsOff > 0 || cpu.bhOff > 0) return;
    this.#sched.interrupt(cpu, contextOn(cpu, 'softirq'), this.#handle(cpu.id), handle_softirqs);
  }

  /** Until nothing is due: what is raised meanwhile comes last. */
  *#handle(cpuId: number): Sim<void> {
    const list = this.#pending[cpuId]!;
    for (let first = true; list.length > 0; first = false) {
      if (!first) yield* step(NEXT);
      yield* list.shift()!.handler!();
    }
  }
}

/**
 * Interrupts: taken at once, or when the CPU allows them again. A hardware interrupt waits while
 * they are off or another is in progress; an NMI waits only for an NMI. kernel/irq, arch/x86
 */
export class Irqs {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #softirqs: Softirqs;
  readonly #pending: Pending[][];
  readonly #pendingNmis: Pending[][];

  constructor(machine: Machine, sched: Sched, softirqs: Softirqs) {
    this.#machine = machine;
    this.#sched = sched;
    this.#softirqs = softirqs;
    this.#pending = sched.cpus.all.map(() => []);
    this.#pendingNmis = sched.cpus.all.map(() => []);
    sched.hooks.afterInterrupt = (cpu) => this.deliver(cpu);
  }

  reset(): void {
    for (const list of [...this.#pending, ...this.#pendingNmis]) list.length = 0;
    this.#softirqs.reset();
  }

  /** Interrupts that wait to be taken. */
  get pending(): number {
    return [...this.#pending, ...this.#pendingNmis].reduce((sum, { length }) => sum + length, 0);
  }

  /** An interrupt comes in on a CPU. `name` is the handler's. */
  raise(cpuId: number, name: string, handler: Handler, options: { nmi?: boolean } = {}): void {
    const list = options.nmi ? this.#pendingNmis : this.#pending;
    list[cpuId]!.push({ name, handler, act: null });
    this.deliver(this.#sched.cpus.all[cpuId]!);
  }

  /** The same for a handler that is one step: no interrupt is entered for it. */
  raiseShort(cpuId: number, name: string, act: () => void): void {
    this.#pending[cpuId]!.push({ name, handler: null, act });
    this.deliver(this.#sched.cpus.all[cpuId]!);
  }

  /** Whether one with this handler waits to be taken. irq_work_is_busy() */
  isRaised(cpuId: number, name: string): boolean {
    return this.#pending[cpuId]!.some((irq) => irq.name === name);
  }

  /** After each interrupt, and wherever a CPU allows more than before. */
  deliver(cpu: KernelCpu): void {
    const nmis = this.#pendingNmis[cpu.id]!;
    if (nmis.length > 0 && kindOn(cpu) !== 'nmi') {
      this.#enter(cpu, nmis.shift()!, 'nmi');
      return;
    }
    const list = this.#pending[cpu.id]!;
    while (list.length > 0 && this.areOn(cpu)) {
      const irq = list.shift()!;
      if (irq.act) onCpu(this.#machine.engine, cpu.sim, irq.act);
      else this.#enter(cpu, irq, 'hardirq');
    }
    this.#softirqs.deliver(cpu);
  }

  /** Whether the CPU would take a hardware interrupt now. */
  areOn(cpu: KernelCpu): boolean {
    const kind = kindOn(cpu);
    return cpu.irqsOff === 0 && kind !== 'hardirq' && kind !== 'nmi';
  }

  /** On the present CPU. Pairs nest, as with local_irq_save(). */
  local_irq_disable(): void {
    const cpu = this.#sched.cpus.this;
    cpu.irqsOff++;
    cpu.refresh();
  }

  local_irq_enable(): void {
    const cpu = this.#sched.cpus.this;
    assert(cpu.irqsOff > 0, 'local_irq_enable without local_irq_disable');
    cpu.irqsOff--;
    cpu.refresh();
    if (cpu.irqsOff === 0) this.deliver(cpu);
  }

  local_bh_disable(): void {
    const cpu = this.#sched.cpus.this;
    cpu.bhOff++;
    cpu.refresh();
  }

  local_bh_enable(): void {
    const cpu = this.#sched.cpus.this;
    assert(cpu.bhOff > 0, 'local_bh_enable without local_bh_disable');
    cpu.bhOff--;
    cpu.refresh();
    if (cpu.bhOff === 0) this.#softirqs.deliver(cpu);
  }

  #enter(cpu: KernelCpu, { name, handler }: Pending, kind: 'hardirq' | 'nmi'): void {
    this.#sched.interrupt(cpu, contextOn(cpu, kind), handler!(), symbolFor(name));
    cpu.sim.nowNs += COST_NS.irq;
  }
}

function kindOn(cpu: KernelCpu): ExecContext['kind'] | undefined {
  return (cpu.sim.fiber?.owner as ExecContext | undefined)?.kind;
}

function contextOn(cpu: KernelCpu, kind: ExecContext['kind']): ExecContext {
  const { pid, comm } = cpu.current ?? { pid: 0, comm: `swapper/${cpu.id}` };
  return { kind, pid, comm, held: [], rcuDepth: 0, rcuTraceDepth: 0 };
}

function symbolFor(name: string): KernelSymbol {
  let symbol = symbols.get(name);
  if (!symbol) symbols.set(name, (symbol = kernelSymbol(name)));
  return symbol;
}
