import type { Body, ScenarioDefinition } from '../../scenarios/dsl.ts';
import type { Proc } from '../../scenarios/proc.ts';
import { loadRegistered } from '../../scenarios/writes/registered.ts';
import {
  bpf_user_writable,
  bpf_user_writable_entry,
  entryAddr,
} from '../../kernel/process/registered-structs.ts';
import type { Task } from '../../kernel/task.ts';
import { FdWorld } from './fd-world.ts';

export const PATCH = ['regwrite'];
export const FIXED = ['regwrite', 'regwrite.fixed'];

/** An array of regions, as it stands in memory. */
export interface Regions {
  readonly capacity: number;
  readonly regions: readonly (readonly [start: number, size: number, tag: number])[];
}

/** Processes in a kernel with registered user memory, and a program that writes to it. */
export class RegisteredWorld extends FdWorld {
  constructor(
    mutations: readonly string[],
    processes: Readonly<Record<string, Body>>,
    more: Partial<ScenarioDefinition> & { readonly attached?: readonly string[] } = {},
  ) {
    const { attached = [], ...definition } = more;
    const setup = (init: Proc): ReturnType<typeof loadRegistered> =>
      loadRegistered(init, ...attached);
    super({ setup, processes, ...definition }, { mutations });
  }

  get current(): Task {
    return this.kernel.sched.current;
  }

  /** What a task has registered, as the kernel knows it; undefined for none. */
  regionsOf({ s }: Task): Regions | undefined {
    const { memory } = this.kernel.machine;
    return memory.unwatched(() => {
      const array = s.bpf_user_writable;
      if (array === 0) return undefined;
      const { capacity, count } = bpf_user_writable.at(memory, array);
      const regions = Array.from({ length: count }, (_, i) => {
        const { start, size, tag } = bpf_user_writable_entry.at(memory, entryAddr(array, i));
        return [start, size, tag] as const;
      });
      return { capacity, regions };
    });
  }
}

/** One process: runs to its end without a failure. */
export function withRegions(
  mutations: readonly string[],
  body: (p: Proc, world: RegisteredWorld) => ReturnType<Body>,
  more: Partial<ScenarioDefinition> = {},
): RegisteredWorld {
  let ended = false;
  const processes: Readonly<Record<string, Body>> = {
    *A(p) {
      yield* body(p, world);
      ended = true;
    },
  };
  const world: RegisteredWorld = new RegisteredWorld(mutations, processes, more);
  world.run();
  if (!ended) throw new Error('the process has not come to its end');
  return world;
}
