import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { LoadError } from '../../../bpf/user/load-error.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const scenarioObject = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../scenarios/bpf/${name}.bpf.o`, import.meta.url)));

const OBJECTS: readonly (readonly [string, Uint8Array])[] = [
  ['helpers', compiledBytes('helpers', 'clang-22-v3')],
  ['whole', compiledBytes('whole', 'clang-22-v3')],
  ['wake-latency', scenarioObject('wake-latency')],
  ['tail-calls', scenarioObject('tail-calls')],
];

/** What lives in the kernel, by the kind of object: without the memory of the process itself. */
function living({ kernel }: BpfSandbox): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cache, allocated } of kernel.machine.slab.live()) {
    if (allocated.site.startsWith('user_write')) continue;
    const kind = `${cache} ${allocated.site}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Loads, uses and destroys it. Grace periods pass meanwhile, and after. */
function use(bpf: BpfSandbox, bytes: Uint8Array): 'loaded' | 'refused' {
  let object: TestObject | undefined;
  try {
    object = bpf.openBytes(bytes, 'x.bpf.o');
    object.load().attach();
    for (const { name, fd, spec } of object.object.programs) {
      if (fd > 0 && spec.info?.type === 'SYSCALL') object.programs[name]!.run();
    }
    return 'loaded';
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    return 'refused';
  } finally {
    object?.destroy();
    bpf.run(function* (p) {
      yield* p.nanosleep(1_000_000_000);
    });
  }
}

function sandbox(bytes: Uint8Array): BpfSandbox {
  const bpf = new BpfSandbox({ cpus: 2 });
  use(bpf, bytes); // what is made once, such as the kernel's own types, is there from then on
  return bpf;
}

test.each(OBJECTS)('nothing is left of %s when it is gone', (_, bytes) => {
  const bpf = sandbox(bytes);
  const before = living(bpf);
  expect(use(bpf, bytes)).toBe('loaded');
  expect(living(bpf)).toEqual(before);
  const { maps, programs, links, btfs } = bpf.bpf;
  const sizes = [maps, programs, links].map(({ registry }) => [...registry.values()].length);
  expect(sizes).toEqual([0, 0, 0]);
  expect([...btfs.registry.values()]).toHaveLength(1);
});

test.each(OBJECTS)('nor where any allocation for %s fails', (_, bytes) => {
  const bpf = sandbox(bytes);
  const { machine } = bpf.kernel;
  const before = living(bpf);
  const outcomes = { loaded: 0, refused: 0 };
  let asked = 0;
  for (let failing = 1; asked >= failing - 1; failing++) {
    asked = 0;
    machine.mayAlloc = () => ++asked !== failing;
    const outcome = use(bpf, bytes);
    outcomes[outcome]++;
    expect(living(bpf), `allocation ${failing}: ${outcome}`).toEqual(before);
  }
  // Without memory nothing is loaded; a program may do without some of it.
  expect(outcomes.refused).toBeGreaterThan(3);
});
