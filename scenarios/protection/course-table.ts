import type { Comparison } from '../compare/comparison.ts';
import type { Course } from './course.ts';

type Measured = Omit<Course, 'policy' | 'runCount'>;

/** Columns of what was measured. */
export const MEASURED = [
  'noticed by',
  'after',
  'over after',
  'left held',
  'held longest',
  'others hurt',
  'user space reads',
  'operations an acquire',
];

/** What became of each program in one run. Spec 03 R36 */
export function coursesTable(courses: readonly Course[]): Comparison {
  const rows = courses.map((course) => {
    const times = course.runCount === 1 ? 'one run' : `${course.runCount} runs`;
    return { name: `${course.program}, ${course.policy}`, how: times, cells: courseCells(course) };
  });
  const title = 'what became of programs';
  return { name: 'programs', about: '', columns: MEASURED, tables: [{ title, rows }] };
}

/** A cell for each. `hurt`: others, beside CPUs that were lost. */
export function courseCells(course: Measured, hurt: readonly string[] = []): string[] {
  const { detectedAfterNs, stoppedAfterNs, cpusLost } = course;
  const lost = cpusLost > 0 ? [`${cpusLost} more CPU lost`] : [];
  return [
    { policy: 'the policy', watchdog: 'a watchdog', nobody: 'nobody' }[course.detectedBy],
    detectedAfterNs === null ? '' : time(detectedAfterNs),
    stoppedAfterNs === null ? 'never' : time(stoppedAfterNs),
    course.leaked || 'nothing',
    longest(course),
    [...lost, ...hurt].join(', ') || 'nobody',
    course.seen,
    String(Math.round(course.operationsPerAcquire * 100) / 100),
  ];
}

/** Spec 03 R5 */
function longest({ longestHolds }: Measured): string {
  const real = longestHolds.filter(({ type }) => type !== 'bpf_iter_num');
  return real.map(({ type, ns }) => `${type} ${time(ns)}`).join(', ');
}

/** `953 us`, `1.31 s`: three digits. */
export function time(ns: number): string {
  const [unit, name] = ns < 1e6 ? [1e3, 'us'] : ns < 1e9 ? [1e6, 'ms'] : [1e9, 's'];
  return `${Number((ns / unit!).toPrecision(3))} ${name}`;
}
