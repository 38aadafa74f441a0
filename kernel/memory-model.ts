import { MemoryModel, type Cells, type MemoryModelName } from '../sim/memory-model.ts';
import { both } from '../sim/ordering.ts';
import type { Request } from '../sim/request.ts';
import type { Machine } from './machine.ts';
import type { Memory } from './memory.ts';

/** Has the marked accesses of the kernel and of its BPF programs seen as late as `name` allows. */
export function setMemoryModel(machine: Machine, name: MemoryModelName): void {
  if (name === 'sc') return;
  const { engine, memory } = machine;
  const model = new MemoryModel(engine, cellsOf(memory), name);
  engine.memoryModel = model;
  engine.ordering = engine.ordering === null ? model : both(engine.ordering, model);
  memory.onUnwatched = () => model.fence();
}

/** Raw, for no access of the model's own may be reported. */
function cellsOf(memory: Memory): Cells {
  return {
    load: (request) => (isWord(memory, request) ? memory.rawLoad(request.addr, request.size) : 0n),
    store: (request, value) => {
      if (isWord(memory, request)) memory.rawStore(request.addr, request.size, value as bigint);
    },
  };
}

type Word = Request & { readonly size: 1 | 2 | 4 | 8 };

/** A program may try to touch what is no memory. */
function isWord(memory: Memory, request: Request): request is Word {
  const { addr, size } = request;
  const isSize = size === 1 || size === 2 || size === 4 || size === 8;
  return isSize && addr > 0 && addr + size <= memory.sizeBytes;
}
