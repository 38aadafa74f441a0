import { PERF_COUNT_HW_CPU_CYCLES, PERF_TYPE_HARDWARE } from '../../bpf/uapi-perf.ts';
import type { BpfObject } from '../../bpf/user/object.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc, ProcBody } from '../proc.ts';
import bomb from './bomb.bpf.o';

const MS = 1_000_000;
const SECOND = 1_000 * MS;
/** BPF_F_LOCK: include/uapi/linux/bpf.h */
const BPF_F_LOCK = 4;
/** Of struct value: bomb.bpf.c */
const VALUE_BYTES = 8;
const FIRST_KEY = new Uint8Array(4);
/** Tasks that share a CPU with a bomb that lets them. */
const NEIGHBOURS = 15;

/** How often the worker looks for the program, which may not come, before it goes on without. */
const PATIENCE = 1_000;

/** An NMI to the loader in each millisecond in which it runs, at 3 GHz. */
const CYCLES = { type: PERF_TYPE_HARDWARE, config: PERF_COUNT_HW_CPU_CYCLES, sample: 3 * MS };

/** A program that is never over, or not soon. */
export interface Bomb {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly program: string;
  /** Where it goes off: in a switch of tasks, a system call of an armed task, or an NMI. */
  readonly in: 'switch' | 'call' | 'nmi';
  /** How long others look on, in seconds, before they give the machine up. Default: 1. */
  readonly watched?: number;
  /** What somebody wants meanwhile: memory back after a grace period; or a program taken off. */
  readonly meanwhile?: 'reclaim' | 'detach';
  /** Programs of the same object that are attached too. */
  readonly also?: readonly string[];
  /** What is done on the other CPU once a second. */
  readonly everySecond?: (p: Proc, object: BpfObject) => Sim<void>;
}

/** Those of bomb.bpf.c, by variants of scenarios. */
export const BOMBS = {
  plain: bombOf('plain', 'switch'),
  reference: bombOf('reference', 'switch'),
  lock: bombOf('lock', 'switch'),
  'preempt-off': bombOf('preempt_off', 'call', { watched: 30 }),
  rcu: bombOf('rcu', 'call', { watched: 30, meanwhile: 'reclaim' }),
  nmi: bombOf('nmi', 'nmi', { watched: 30, meanwhile: 'reclaim' }),
  sleepable: bombOf('sleepable', 'call', { watched: 250, meanwhile: 'detach' }),
} as const;

function bombOf(
  program: string,
  place: Bomb['in'],
  more: Pick<Bomb, 'watched' | 'meanwhile'> = {},
): Bomb {
  return { bytes: bomb, file: 'bomb.bpf.o', program, in: place, ...more };
}

/** What of the loader's the worker uses. */
interface Shared {
  readonly pipe: number;
  readonly values: number;
  readonly object: BpfObject;
}

/**
 * Loads and attaches it, and sets it off, on CPU 0. Others are on CPU 1, and note what they get
 * done. Where something stops the bomb, all of them come to their end.
 */
export function loader(bombOfLoader: Bomb): ProcBody {
  return function* (p) {
    const { bytes, file, program: name } = bombOfLoader;
    const object = p.openObject(bytes, file);
    const program = object.program(name);
    program.isWanted = true;
    const others = (bombOfLoader.also ?? []).map((other) => object.program(other));
    for (const other of others) other.isWanted = true;
    object.mapOf('armed').preset('armed', yield* p.getpid());
    yield* object.load();
    const [read, write] = p.ok(yield* p.pipe());
    const values = object.maps.find((map) => map.name === 'values')?.fd ?? -1;
    const shared = { pipe: write, values, object };
    p.ok(yield* p.fork((child) => work(child, bombOfLoader, shared), 'worker'));
    const neighbours = name === 'sleepable' ? NEIGHBOURS : 0;
    for (let i = 0; i < neighbours; i++) p.ok(yield* p.fork(neighbour, `neighbour${i}`));
    for (const other of others) yield* other.attach();
    const event = bombOfLoader.in === 'nmi' ? p.ok(yield* p.calls.perfEventOpen(CYCLES)) : -1;
    if (event >= 0) yield* program.attachPerfEvent(event);
    else yield* program.attach();
    p.note('attached', true);
    if (bombOfLoader.in === 'call') p.ok(yield* p.dup(0));
    else if (bombOfLoader.in === 'nmi') yield* p.compute(10 * MS);
    else yield* p.read(read, 1);
    p.note('over', true);
    // While it hangs there, who reads of it sets it off at each sleep, and it is told of again.
    yield* program.detach();
    p.note('stderr', yield* program.stream('stderr'));
    yield* object.destroy();
  };
}

/** Uses its share of a CPU, whoever else is there. */
function* neighbour(p: Proc): Sim<void> {
  for (let turns = 1; p.noted('over') !== true; turns++) {
    yield* p.compute(10 * MS);
    p.note(`turns of ${p.path}`, turns);
  }
}

/** What goes on elsewhere is noted, until it needs something of the loader's. */
function* work(p: Proc, bombThere: Bomb, shared: Shared): Sim<void> {
  const { program, in: place, watched = 1, meanwhile, everySecond } = bombThere;
  for (let i = 0; i < PATIENCE && p.noted('attached') !== true; i++) yield* p.compute(MS);
  if (meanwhile === 'detach') p.ok(yield* p.fork(detach, 'detacher'));
  if (meanwhile === 'reclaim') p.ok(yield* p.wait(p.ok(yield* p.fork(function* () {}, 'brief'))));
  for (let second = 1; second <= watched && p.noted('over') !== true; second++) {
    // Where every switch sets the bomb off, it does not sleep.
    if (place === 'switch') yield* p.compute(SECOND);
    else p.ok(yield* p.nanosleep(SECOND));
    p.note('seconds worked', second);
    if (everySecond) yield* everySecond(p, shared.object);
  }
  if (place === 'switch') {
    if (program === 'lock') {
      yield* p.calls.mapLookup(shared.values, FIRST_KEY, VALUE_BYTES, BPF_F_LOCK);
    }
    yield* p.write(shared.pipe, '.');
  } else if (p.noted('over') !== true) {
    yield* p.reboot();
  }
}

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
