import type { Comparison, ComparisonTable } from './comparison.ts';
import { DESIGN_NAMES, DESIGNS, type Design, type DesignName } from './design.ts';
import { exec, exit, fork, forked, newThread } from './life.ts';
import {
  context,
  notShared,
  oneLoad,
  oneProgram,
  swapped,
  unprivileged,
  wrongProcess,
} from './use.ts';

interface Question {
  readonly name: string;
  readonly how: string;
  readonly ask: (design: Design) => string;
}

/** Spec 05 R34 */
const EVENTS: readonly Question[] = [
  {
    name: 'new thread',
    how: 'a process registers; the program runs for a thread that it makes then',
    ask: newThread,
  },
  {
    name: 'fork',
    how: 'the program runs for a child, before the child touches the memory and after',
    ask: fork,
  },
  {
    name: 'exec',
    how: 'the program runs as exec is told of, and for the new image, which tries the old address',
    ask: exec,
  },
  {
    name: 'exit',
    how: 'the program runs as exit is told of; what is left is counted before and after wait4()',
    ask: exit,
  },
  {
    name: 'page swapped',
    how: 'madvise(MADV_PAGEOUT) on the page, then the program runs',
    ask: swapped,
  },
  {
    name: 'wrong process written',
    how: 'a process ends, the next has its place, and an event for the first comes late',
    ask: wrongProcess,
  },
  {
    name: 'unprivileged use',
    how: 'a process of user 1000 tries alone, then with descriptors that it has been given',
    ask: unprivileged,
  },
  {
    name: 'context',
    how: 'the program runs in an interrupt of the CPU on which the process runs',
    ask: context,
  },
];

/** Spec 05 R1 */
const CRITERIA: readonly Question[] = [
  {
    name: 'one tracing program',
    how: 'with one program attached, a process is told of its event',
    ask: oneProgram,
  },
  {
    name: 'memory not shared between processes',
    how: 'another process that has registered looks for what the first was told',
    ask: notShared,
  },
  {
    name: 'exec removes, fork clones',
    how: 'as in the rows exec and fork',
    ask: lifeCycle,
  },
  {
    name: 'registration without bpf(2)',
    how: 'as in the row unprivileged use',
    ask: unprivileged,
  },
  {
    name: 'a check is one load and compare',
    how: 'steps and system calls of a reader are counted',
    ask: oneLoad,
  },
];

function lifeCycle(design: Design): string {
  const isRemoved = exec(design).startsWith('removed');
  const options = design.name === 'task-storage-mmap' ? ['clone'] : [];
  const isCloned = forked(design, options).startsWith('cloned');
  if (isRemoved && isCloned) return 'yes';
  if (isRemoved) return 'exec only';
  return isCloned ? 'fork only' : 'no';
}

/**
 * How programs come to write to memory of processes, in four designs: each cell is what a run, or
 * some, of a small world have shown. Spec 05 R1 and R34
 */
export function compareRegisteredWrites(names: readonly DesignName[] = DESIGN_NAMES): Comparison {
  const designs = names.map((name) => DESIGNS[name]);
  const table = (title: string, questions: readonly Question[]): ComparisonTable => ({
    title,
    rows: questions.map(({ name, how, ask }) => ({ name, how, cells: designs.map(ask) })),
  });
  return {
    name: 'registered-writes',
    about: 'Programs that write to memory of processes: a proposed patch, and its alternatives',
    columns: names,
    tables: [table('what happens to it', EVENTS), table('what its author asks for', CRITERIA)],
  };
}
