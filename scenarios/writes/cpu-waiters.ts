import { scenario, type ScenarioDefinition } from '../dsl.ts';
import type { Pair } from '../proc.ts';
import { wordAt } from '../user-memory.ts';
import { DESIGNS, loadDesign, type Design, type DesignName } from './designs/design.ts';

/** By variant: the design, and what the kernel has beside what that needs. */
const VARIANTS: Readonly<Record<string, readonly [DesignName, ...string[]]>> = {
  regwrite: ['regwrite'],
  'mmap-array': ['mmap-array'],
  'task-storage-mmap': ['task-storage-mmap'],
  'task-storage-share': ['task-storage-mmap', 'task-storage-mmap.share'],
  'task-storage-clone': ['task-storage-mmap', 'task-storage-mmap.clone'],
  uptr: ['uptr'],
};

function variantsOf(): NonNullable<ScenarioDefinition['variants']> {
  return Object.fromEntries(
    Object.entries(VARIANTS).map(([variant, [name, ...features]]) => [
      variant,
      {
        about: `by ${[name, ...features].join(' with ')}`,
        mutations: [...DESIGNS[name].features, ...features],
      },
    ]),
  );
}

function designOf(variant: string): Design {
  return DESIGNS[VARIANTS[variant]![0]];
}

/**
 * What registered writes are for: a process that works learns that somebody waits for its CPU, from
 * a program on the scheduler's events, by one load and a compare; then it makes room.
 */
export default scenario({
  name: 'cpu-waiters',
  about: 'A program tells the running process that somebody waits for its CPU, in its own memory',
  cpus: 1,
  *setup(init) {
    const object = yield* loadDesign(init, designOf(init.variant));
    for (const name of ['on_wakeup', 'on_switch']) yield* object.program(name).attach();
    init.note('pipe', init.ok(yield* init.pipe()));
  },
  processes: {
    *Sleeper(p) {
      const [from] = p.noted('pipe') as Pair;
      p.ok(yield* p.read(from, 1));
      p.note('has run', true);
    },
    *Worker(p) {
      const [, to] = p.noted('pipe') as Pair;
      const word = yield* designOf(p.variant).register(p);
      yield* p.poke(word, new Uint8Array(8));
      p.ok(yield* p.write(to, '.')); // wakes the other
      for (let rounds = 0; rounds < 3; rounds++) {
        const bytes = yield* p.peek(word, 8);
        if (bytes === null || wordAt(bytes, 0) === 0) continue;
        p.note('told', true);
        yield* p.sched_yield();
      }
      p.note('ended', true);
    },
  },
  variants: variantsOf(),
  finally: {
    'both have run': ({ notes }) => notes.get('has run') === true && notes.get('ended') === true,
  },
});
