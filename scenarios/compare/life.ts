import { EFAULT, EPERM } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';
import { words } from '../user-memory.ts';
import type { Design } from './design.ts';
import { isNothing, measure, type Findings, type Lab } from './experiment.ts';

const PAGE = 4_096;
const MS = 1_000_000;

/** What task-storage-mmap can be told to do at fork. Spec 05 R29 */
const FORK_OPTIONS = { 'wipe-on-fork': [], share: ['share'], clone: ['clone'] } as const;

export function newThread(design: Design): string {
  const found = threadOf(design, false);
  const word = found.notes.get('word');
  if (word === 'told') return 'same slot';
  if (design.name !== 'task-storage-mmap') return 'none';
  const shared = threadOf(design, true).notes.get('word') === 'told';
  return shared ? 'none; may share pointer' : 'none';
}

function threadOf(design: Design, byLeader: boolean): Findings {
  return measure(design, {
    byLeader,
    processes: {
      *A(lab) {
        const addr = yield* lab.register();
        yield* lab.p.thread(function* (t) {
          const its = lab.of(t);
          const result = yield* its.event();
          const isTold = result === 0 && (yield* its.sees(addr));
          t.note('word', isTold ? 'told' : isNothing(result) ? 'none' : result);
        });
        yield* lab.p.nanosleep(10 * MS);
      },
    },
  });
}

/** What a child has of it. */
type Inherited = 'none' | 'shared slot' | 'cloned' | 'cloned; -EFAULT until touched';

export function fork(design: Design): string {
  if (design.name !== 'task-storage-mmap') return forked(design, []);
  return Object.entries(FORK_OPTIONS)
    .map(([option, features]) => `${option}: ${forked(design, features)}`)
    .join(', ');
}

export function forked(design: Design, options: readonly string[]): Inherited {
  const MARK = 0x5eed;
  const { notes } = measure(design, {
    features: options.map((option) => `${design.name}.${option}`),
    processes: {
      *A(lab) {
        const { p } = lab;
        const addr = yield* lab.register();
        yield* p.poke(addr, words(1)); // the page is there
        const child = p.ok(
          yield* p.fork(function* (c) {
            const its = lab.of(c);
            c.note('first', yield* its.event());
            if (!(yield* its.isMapped(addr))) return;
            yield* c.poke(addr, words(MARK));
            c.note('then', yield* its.event());
            c.note('sees', yield* its.sees(addr));
            yield* c.poke(addr, words(MARK));
          }),
        );
        p.ok(yield* p.wait(child));
        p.note('shared', (yield* lab.word(addr)) === MARK);
      },
    },
  });
  if (notes.get('shared') === true) return 'shared slot';
  if (notes.get('then') !== 0 || notes.get('sees') !== true) return 'none';
  return notes.get('first') === -EFAULT ? 'cloned; -EFAULT until touched' : 'cloned';
}

export function exec(design: Design): string {
  const { notes, failures } = measure(design, {
    attached: ['on_exec'],
    processes: {
      *A(lab) {
        const addr = yield* lab.register();
        lab.p.note('addr', addr);
        yield* lab.p.poke(addr, words(1));
        yield* lab.p.exec('/image');
      },
    },
    *image(lab) {
      const { p } = lab;
      p.note('in exec', yield* lab.result('exec'));
      p.note('event', yield* lab.event());
      p.note('mapped', yield* lab.isMapped(p.noted('addr') as number));
    },
  });
  const isGone = isNothing(notes.get('event') as number);
  // The tracepoint of exec comes late: whoever is refused there has nothing any more.
  if (isGone) return notes.get('in exec') === -EPERM ? 'removed' : 'removed (late)';
  if (notes.get('mapped') === true) return 'goes on';
  if (failures.some(({ kind }) => kind === 'leak')) return 'survives, orphan page';
  return design.name === 'mmap-array' ? 'unmapped, slot stale' : 'element survives, mapping gone';
}

export function exit(design: Design): string {
  switch (design.name) {
    case 'regwrite':
      return exitOfRegions(design);
    case 'mmap-array':
      return exitOfSlot(design);
    case 'task-storage-mmap':
      return exitOfElement(design);
    case 'uptr':
      return exitOfPin(design);
  }
}

/** A child that registers and ends; `look` is called while it is a zombie, and once it is gone. */
function childThatEnds(
  design: Design,
  look: (lab: Lab, when: 'zombie' | 'gone') => Sim<void>,
): Findings {
  return measure(design, {
    attached: ['on_exit'],
    processes: {
      *A(lab) {
        const { p } = lab;
        const child = p.ok(
          yield* p.fork(function* (c) {
            const its = lab.of(c);
            const addr = yield* its.register();
            yield* c.poke(addr, words(1));
          }),
        );
        p.note('child', child);
        yield* p.nanosleep(10 * MS);
        p.note('in exit', yield* lab.result('exit'));
        yield* look(lab, 'zombie');
        p.ok(yield* p.wait(child));
        yield* p.nanosleep(50 * MS);
        yield* look(lab, 'gone');
      },
    },
  });
}

function exitOfRegions(design: Design): string {
  const { notes } = childThatEnds(design, function* ({ p, world }, when) {
    const objects = [...world.kernel.machine.slab.live()];
    const regions = objects.filter(({ allocated }) => /writable/.test(allocated.stack.join(' ')));
    p.note(when, regions.length);
  });
  const refused = notes.get('in exit') === -EPERM ? 'refused at once' : 'not refused';
  const isLater = (notes.get('zombie') as number) > 0 && notes.get('gone') === 0;
  return `${refused}, ${isLater ? 'freed later' : 'not freed later'}`;
}

function exitOfSlot(design: Design): string {
  const { notes } = childThatEnds(design, function* ({ p }, when) {
    const key = words(p.noted('child') as number).subarray(0, 4);
    const found = yield* p.calls.mapLookup(p.noted('slotOf') as number, key, 4);
    p.note(when, typeof found !== 'number');
  });
  return notes.get('gone') === true ? 'slot stale' : 'slot freed';
}

/** The page behind an address of the current process, by the truth of the kernel. */
function pageAt({ world }: Lab, addr: number): number {
  const { mm, sched, machine } = world.kernel;
  return machine.memory.unwatched(() => {
    const { vmas } = mm;
    return vmas.firstPage(vmas.overlapping(sched.current.s.mm, addr, addr + 1));
  });
}

/** A grandchild goes on with the mapping when the child, whose value it is, has ended. */
function exitOfElement(design: Design): string {
  const { notes, world } = measure(design, {
    features: ['task-storage-mmap.share'],
    processes: {
      *A(lab) {
        const { p } = lab;
        const owner = function* (c: Proc): Sim<void> {
          const its = lab.of(c);
          const addr = yield* its.register();
          yield* c.poke(addr, words(7));
          c.note('page', pageAt(its, addr));
          c.ok(
            yield* c.fork(function* (g) {
              yield* g.nanosleep(100 * MS);
              g.note('kept', yield* lab.of(g).word(addr));
              g.ok(yield* g.munmap(addr, PAGE));
            }),
          );
        };
        p.ok(yield* p.wait(p.ok(yield* p.fork(owner))));
        yield* p.nanosleep(200 * MS);
      },
    },
  });
  const { pages } = world.kernel.mm;
  const isFreed = pages.count(notes.get('page') as number) === 0;
  return notes.get('kept') === 7 && isFreed ? 'freed when unmapped' : 'not as it should';
}

function exitOfPin(design: Design): string {
  const { notes } = childThatEnds(design, function* ({ p, world }, when) {
    p.note(when, [...world.kernel.mm.pages.pinned()].length);
  });
  return notes.get('gone') === 0 ? 'freed' : 'still pinned';
}
