import { EFAULT, EPERM } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';
import { wordAt, words } from '../user-memory.ts';
import { takeSlot, type Design } from './design.ts';
import { measure, type Lab } from './experiment.ts';

const PAGE = 4_096;
const MS = 1_000_000;
const MADV_PAGEOUT = 21;

/** The page goes out, as far as it can; then there is an event. */
export function swapped(design: Design): string {
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const { p } = lab;
        const addr = yield* lab.register();
        yield* p.poke(addr, words(1));
        p.note('before', yield* lab.event());
        const page = addr - (addr % PAGE);
        p.note('advice', yield* p.sys('madvise', page, PAGE, MADV_PAGEOUT));
        p.note('after', yield* lab.event());
        p.note('sees', yield* lab.sees(addr));
      },
    },
  });
  if (notes.get('before') !== 0 || notes.get('advice') !== 0) return 'not measured';
  if (notes.get('after') === -EFAULT) return '-EFAULT';
  return notes.get('after') === 0 && notes.get('sees') === true ? 'cannot' : 'lost';
}

/**
 * A process ends and clears nothing up. The agent gives what it had to the next one; then comes an
 * event that was meant for the first.
 */
export function wrongProcess(design: Design): string {
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const { p } = lab;
        const first = p.ok(
          yield* p.fork(function* (c) {
            const its = lab.of(c);
            const addr = yield* its.register();
            c.note('works', yield* isToldLate(its, addr, yield* c.getpid()));
          }),
        );
        p.ok(yield* p.wait(first));
        yield* p.nanosleep(50 * MS);
        const next = p.ok(
          yield* p.fork(function* (c) {
            const its = lab.of(c);
            const addr = yield* memoryOfNext(its);
            c.note('written', yield* isToldLate(its, addr, first));
          }),
        );
        p.ok(yield* p.wait(next));
      },
    },
  });
  if (notes.get('works') !== true) return 'not measured';
  if (notes.get('written') === false) return 'no';
  return design.name === 'mmap-array' ? 'possible (stale slot)' : 'possible';
}

/** Whether an event for the process `pid` changes a word of this one. */
function* isToldLate(lab: Lab, addr: number, pid: number): Sim<boolean> {
  yield* lab.p.poke(addr, words(0));
  yield* lab.run('late', { pid });
  return (yield* lab.word(addr)) !== 0;
}

/** The next process stands where the first one stood: with its slot, or with its address. */
function* memoryOfNext(lab: Lab): Sim<number> {
  if (lab.design.name === 'mmap-array') return yield* takeSlot(lab.p, 1);
  if (lab.design.name === 'regwrite') return lab.p.mmap();
  return yield* lab.register();
}

/** Without any capability: by itself, and with descriptors that an agent has given. */
export function unprivileged(design: Design): string {
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const { p } = lab;
        p.ok(yield* p.setuid(1_000));
        p.note('alone', yield* design.registerAlone(p));
        if (p.noted('alone') === 0) return;
        const addr = yield* lab.register();
        p.note('event', yield* lab.event());
        p.note('sees', yield* lab.sees(addr));
      },
    },
  });
  if ((notes.get('alone') as number) >= 0) return 'yes';
  return notes.get('event') === 0 && notes.get('sees') === true ? 'agent' : 'no';
}

/** The same program in an interrupt that hits the process. */
export function context(design: Design): string {
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const { p } = lab;
        const addr = yield* lab.register();
        yield* p.poke(addr, words(1));
        p.note('task', yield* lab.event());
        yield* p.compute(20 * MS);
        p.note('sees', yield* lab.sees(addr));
      },
      *B(lab) {
        yield* lab.p.nanosleep(10 * MS);
        yield* lab.run('in_irq', { cpu: 0 });
        lab.p.note('irq', yield* lab.result('irq'));
      },
    },
  });
  if (notes.get('task') !== 0) return 'none';
  if (notes.get('irq') === 0 && notes.get('sees') === true) return 'any';
  return notes.get('irq') === -EPERM ? 'task context, not IRQ' : 'not measured';
}

// The criteria of the author. Spec 05 R1

/** One program that hangs on the event tells the process of it. */
export function oneProgram(design: Design): string {
  const { notes, world } = measure(design, {
    processes: {
      *A(lab) {
        const addr = yield* lab.register();
        yield* lab.p.poke(addr, words(1));
        lab.p.note('told', (yield* lab.event()) === 0 && (yield* lab.sees(addr)));
      },
    },
  });
  const programs = [...world.bpf.links.registry.values()].length;
  return notes.get('told') === true && programs <= 1 ? 'yes' : 'no';
}

/** Whether another process finds what one was told, in memory that it has registered itself. */
export function notShared(design: Design): string {
  const SEQUENCES = 20;
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const { p } = lab;
        const addr = yield* lab.register();
        yield* p.poke(addr, words(1));
        for (let i = 0; i < SEQUENCES; i++) yield* lab.event();
        p.note('told', yield* lab.word(addr));
        yield* p.nanosleep(50 * MS);
      },
      *B(lab) {
        yield* lab.p.nanosleep(20 * MS);
        const addr = yield* lab.register();
        const bytes = yield* lab.p.peek(addr - (addr % PAGE), PAGE);
        const told = lab.p.noted('told') as number;
        lab.p.note('found', bytes !== null && wordsOf(bytes).includes(told));
      },
    },
  });
  if ((notes.get('told') as number) < SEQUENCES) return 'not measured';
  return notes.get('found') === true ? 'no' : 'yes';
}

function wordsOf(bytes: Uint8Array): readonly number[] {
  return Array.from({ length: bytes.length / 8 }, (_, i) => wordAt(bytes, 8 * i));
}

/** How many steps a reader's check takes: it loads one word, and compares. */
export function oneLoad(design: Design): string {
  const { notes } = measure(design, {
    processes: {
      *A(lab) {
        const addr = yield* lab.register();
        yield* lab.p.poke(addr, words(1));
        yield* lab.event();
        let calls = 0;
        lab.world.kernel.syscalls.afterEach = () => calls++;
        lab.p.note('loads', yield* loadsOf(lab.p, addr));
        lab.p.note('calls', calls);
      },
    },
  });
  return notes.get('loads') === 1 && notes.get('calls') === 0 ? 'yes' : 'no';
}

function* loadsOf(p: Proc, addr: number): Sim<number> {
  const check = p.peek(addr, 8);
  let loads = 0;
  let step = check.next(undefined as never);
  for (; !step.done; step = check.next((yield step.value) as never)) loads++;
  return loads;
}
