import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import bomb from './bomb.bpf.o';

const MS = 1_000_000;
const SECOND = 1_000 * MS;
/** BPF_F_LOCK: include/uapi/linux/bpf.h */
const BPF_F_LOCK = 4;
/** Of struct value: bomb.bpf.c */
const VALUE_BYTES = 8;
/** Tasks that share the CPU with the bomb, where it lets them. */
const NEIGHBOURS = 7;

/** What of the loader's the worker uses. */
interface Shared {
  readonly pipe: number;
  readonly values: number;
}

/** How long the worker looks on before it does the variant's last thing: in seconds. */
const WATCHED: Readonly<Record<string, number>> = {
  'preempt-off': 30,
  rcu: 30,
  sleepable: 250,
};

/** Loads and attaches the program of the variant, and sets it off. */
function* load(p: Proc): Sim<void> {
  const object = p.openObject(bomb, 'bomb.bpf.o');
  const program = object.program(p.variant.replace('-', '_'));
  program.isWanted = true;
  object.mapOf('armed').preset('armed', yield* p.getpid());
  yield* object.load();
  const [read, write] = p.ok(yield* p.pipe());
  const shared = { pipe: write, values: object.map('values').fd };
  p.ok(yield* p.fork((child) => work(child, shared), 'worker'));
  if (p.variant === 'sleepable') {
    for (let i = 0; i < NEIGHBOURS; i++) p.ok(yield* p.fork(neighbour, `neighbour${i}`));
  }
  yield* program.attach();
  p.note('attached', true);
  // Who hangs on system calls is met here, who hangs on switches where the loader sleeps.
  p.ok(yield* p.dup(0));
  yield* p.read(read, 1);
}

/** Uses its share of a CPU, whoever else is there. */
function* neighbour(p: Proc): Sim<void> {
  for (let turns = 1; ; turns++) {
    yield* p.compute(10 * MS);
    p.note(`turns of ${p.path}`, turns);
  }
}

/** On the other CPU: what goes on there is noted, until it needs something of the loader's. */
function* work(p: Proc, { pipe, values }: Shared): Sim<void> {
  while (p.noted('attached') !== true) yield* p.compute(MS);
  if (p.variant === 'rcu') p.ok(yield* p.wait(p.ok(yield* p.fork(function* () {}, 'brief'))));
  if (p.variant === 'sleepable') p.ok(yield* p.fork(detach, 'detacher'));
  for (let second = 1; second <= (WATCHED[p.variant] ?? 1); second++) {
    // Where every switch sets the bomb off, it does not sleep.
    if (p.variant in WATCHED) p.ok(yield* p.nanosleep(SECOND));
    else yield* p.compute(SECOND);
    p.note('seconds worked', second);
  }
  if (p.variant in WATCHED) yield* p.reboot();
  else if (p.variant === 'lock') yield* p.calls.mapLookup(values, key, VALUE_BYTES, BPF_F_LOCK);
  else yield* p.write(pipe, '.');
}

const key = new Uint8Array(4);

/** Takes a program off a tracepoint: which waits for every sleepable program that runs. */
function* detach(p: Proc): Sim<void> {
  const object = p.openObject(bomb, 'bomb.bpf.o');
  const program = object.program('bystander');
  program.isWanted = true;
  yield* object.load();
  yield* program.attach();
  yield* object.destroy();
  p.note('detached', true);
}

/**
 * Spec 03 R1: the bomb. The verifier takes it in every kind of context, and what the kernel says of
 * it goes by the state of the CPU: R3. No policy stops it here.
 */
export default scenario({
  name: 'bpf-bomb',
  about: 'Two nested loops of 100,000 and a print: the verifier takes it, and it is never over',
  cpus: 2,
  timed: true,
  stepsMax: 1_000_000,
  processes: { loader: load },
  variants: {
    plain: {
      about: "in sched_switch: interrupts are off, and the run queue's lock is held",
      expect: ['hard-lockup'],
    },
    reference: { about: 'the same, and it holds a task', expect: ['hard-lockup'] },
    lock: { about: 'the same, and it holds a bpf_spin_lock', expect: ['hard-lockup'] },
    'preempt-off': { about: 'preemption is off, interrupts come', expect: ['soft-lockup'] },
    rcu: { about: 'preemptible, in an RCU section', expect: ['rcu-stall'] },
    sleepable: {
      about: 'may sleep: nothing is said until another task has waited for 120 s',
      expect: ['hung-task'],
    },
  },
});
