import type { Sim } from '../../sim/request.ts';
import { DESIGN_NAMES, DESIGNS, type Design, type DesignName } from '../compare/design.ts';
import { scenario } from '../dsl.ts';
import type { Pair, Proc } from '../proc.ts';
import { wordAt, words } from '../user-memory.ts';
import array from './waiters-array.bpf.o';
import regwrite from './waiters-regwrite.bpf.o';
import storage from './waiters-storage.bpf.o';
import uptr from './waiters-uptr.bpf.o';

const ROUNDS = 2;
const WORK_NS = 50_000;

const OBJECTS: Readonly<Record<DesignName, Uint8Array>> = {
  regwrite,
  'mmap-array': array,
  'task-storage-mmap': storage,
  uptr,
};

const ABOUT: Readonly<Record<DesignName, string>> = {
  regwrite: 'the worker has registered the word, and the program writes to it by address',
  'mmap-array': 'the worker has a slot in an array that it has in its memory',
  'task-storage-mmap': 'the worker has its own value of a map of task storage in its memory',
  uptr: 'the worker has given the page to its own value of a map of task storage',
};

function designOf({ variant }: Proc): Design {
  return DESIGNS[variant as DesignName];
}

/** In setup: the programs that tell of wake-ups and switches, and what they stand on. */
function* load(init: Proc): Sim<void> {
  const design = designOf(init);
  const object = init.openObject(OBJECTS[design.name], `waiters of ${design.name}`);
  yield* object.load();
  yield* object.attach();
  for (const [note, name] of Object.entries(design.maps)) init.note(note, object.map(name).fd);
}

/**
 * Spec 05 R1: what it is all for. A worker that asks, as often as it likes, whether somebody waits
 * for its CPU, at the price of one load and one compare; then it gives the CPU away in time.
 */
export default scenario({
  name: 'cpu-waiters',
  about: 'Programs tell the process that runs, in its own memory, that somebody waits for its CPU',
  cpus: 1,
  *setup(init) {
    yield* load(init);
    init.note('work', init.ok(yield* init.pipe()));
    init.note('told', 0);
    init.note('served', 0);
  },
  processes: {
    *waiter(p) {
      const [work] = p.noted('work') as Pair;
      for (let round = 1; round <= ROUNDS; round++) {
        p.ok(yield* p.read(work, 1));
        p.note('served', round);
      }
    },
    *worker(p) {
      const [, work] = p.noted('work') as Pair;
      const word = yield* designOf(p).register(p);
      yield* p.poke(word, words(0)); // the page is there
      for (let round = 1; round <= ROUNDS; round++) {
        p.ok(yield* p.write(work, '.'));
        yield* p.compute(WORK_NS);
        const waits = (yield* p.peek(word, 8))!;
        if (wordAt(waits, 0) === 0) continue; // it has had the CPU since, or did not sleep yet
        p.check((p.noted('served') as number) < round, 'told of somebody who does not wait');
        p.note('told', (p.noted('told') as number) + 1);
        yield* p.sched_yield();
      }
    },
  },
  variants: Object.fromEntries(
    DESIGN_NAMES.map((name) => [name, { about: ABOUT[name], mutations: DESIGNS[name].features }]),
  ),
});
