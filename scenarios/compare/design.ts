import type { BpfObject } from '../../bpf/user/object.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';
import { ints, words } from '../user-memory.ts';
import { register as registerWritable } from '../writes/registered.ts';
import array from './publish-array.bpf.o';
import regwrite from './publish-regwrite.bpf.o';
import storage from './publish-storage.bpf.o';
import uptr from './publish-uptr.bpf.o';

export const DESIGN_NAMES = ['regwrite', 'mmap-array', 'task-storage-mmap', 'uptr'] as const;
export type DesignName = (typeof DESIGN_NAMES)[number];

/** How programs come to write to memory of a process. Spec 05 */
export interface Design {
  readonly name: DesignName;
  /** What the kernel must have: kernel/mutations.ts. */
  readonly features: readonly string[];
  /** The programs, and what they stand on: publish.h. */
  readonly object: Uint8Array;
  /** Maps of it that processes use, by what notes call them. */
  readonly maps: Readonly<Record<string, string>>;
  /** The process has a word in which it is told of events: where that is. */
  register(p: Proc): Sim<number>;
  /** What a process does that has nothing from anybody: 0 or -errno. */
  registerAlone(p: Proc): Sim<number>;
}

/** A map of the kind that programs would need, by whoever asks. */
function* ownMap(p: Proc): Sim<number> {
  const MMAPABLE = 1 << 10;
  const ARRAY = 2;
  const shape = { type: ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: MMAPABLE };
  return yield* p.calls.mapCreate(shape);
}

export const DESIGNS: Readonly<Record<DesignName, Design>> = {
  regwrite: {
    name: 'regwrite',
    features: ['regwrite'],
    object: regwrite,
    maps: { where: 'where' },
    *register(p) {
      const addr = p.mmap();
      p.ok(yield* registerWritable(p, addr, 8));
      p.ok(yield* p.calls.mapUpdate(p.noted('where') as number, ints(0), words(addr)));
      return addr;
    },
    *registerAlone(p) {
      return yield* registerWritable(p, p.mmap(), 8);
    },
  },
  'mmap-array': {
    name: 'mmap-array',
    features: [],
    object: array,
    maps: { slots: 'slots', slotOf: 'slot_of' },
    *register(p) {
      const index = ((p.noted('given') as number | undefined) ?? 0) + 1;
      p.note('given', index);
      return yield* takeSlot(p, index);
    },
    registerAlone: ownMap,
  },
  'task-storage-mmap': {
    name: 'task-storage-mmap',
    features: ['task-storage-mmap'],
    object: storage,
    maps: { storage: 'storage' },
    *register(p) {
      return p.ok(yield* p.mmapFd(p.noted('storage') as number));
    },
    registerAlone: ownMap,
  },
  uptr: {
    name: 'uptr',
    features: [],
    object: uptr,
    maps: { storage: 'storage' },
    *register(p) {
      const addr = p.mmap();
      const me = p.ok(yield* p.pidfd_open(yield* p.getpid()));
      p.ok(yield* p.calls.mapUpdate(p.noted('storage') as number, ints(me), words(addr)));
      p.ok(yield* p.close(me));
      return addr;
    },
    registerAlone: ownMap,
  },
};

/** Of mmap-array: the agent says which slot is the process's, which maps the table. */
export function* takeSlot(p: Proc, index: number): Sim<number> {
  const pid = yield* p.getpid();
  p.ok(yield* p.calls.mapUpdate(p.noted('slotOf') as number, ints(pid), ints(index)));
  return p.ok(yield* p.mmapFd(p.noted('slots') as number)) + 8 * index;
}

/** In setup, as the agent: programs and maps. Copies of the descriptors outlive an exec. */
export function* loadDesign(init: Proc, design: Design, byLeader = false): Sim<BpfObject> {
  const object = init.openObject(design.object, `${design.name}.bpf.o`);
  if (byLeader) object.set('by_leader', 1);
  yield* object.load();
  for (const name of ['in_irq', 'late']) {
    init.note(name, init.ok(yield* init.dup(object.program(name).fd)));
  }
  for (const [note, name] of Object.entries({ ...design.maps, results: 'results' })) {
    init.note(note, init.ok(yield* init.dup(object.map(name).fd)));
  }
  return object;
}
