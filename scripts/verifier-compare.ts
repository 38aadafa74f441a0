/**
 * Compares the verifier with Linux's, on annotated programs: `npm run verifier:compare -- OBJECTS
 * EXPECTED [--jobs N] [--only FILE[:PROGRAM]] [--unprivileged] [--uncalibrated] [--json FILE]`.
 * OBJECTS is a folder of *.bpf.o, EXPECTED what is promised of their programs. Needs no root.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compareAll, type Compared, type Task } from './compare/compare.ts';
import { expectedOf, type Expected } from './compare/expected.ts';
import { report } from './compare/report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    unprivileged: { type: 'boolean', default: false },
    uncalibrated: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

function tasksOf(folder: string, expected: readonly Expected[]): Task[] {
  const all = [...new Set(expected.map(({ file }) => file))];
  const files = all.filter((file) => existsSync(join(folder, file)));
  const absent = all.filter((file) => !files.includes(file));
  if (absent.length > 0) console.log(`no objects: ${absent.join(' ')}`);
  return files.map((file) => ({
    path: join(folder, file),
    programs: expected.filter((row) => row.file === file),
    isUnprivileged: values.unprivileged,
  }));
}

function isAskedFor({
  file,
  program,
  calibrated,
  expected_unpriv: unprivileged,
}: Expected): boolean {
  const [onlyFile = '', onlyProgram = ''] = values.only.split(':');
  if (!file.startsWith(onlyFile) || (onlyProgram !== '' && program !== onlyProgram)) return false;
  if (values.unprivileged && unprivileged === undefined) return false;
  return calibrated || values.uncalibrated;
}

/** Each thread takes every n-th file. */
async function inThreads(tasks: readonly Task[], jobs: number): Promise<Compared[]> {
  if (jobs <= 1) return compareAll(tasks);
  const parts = Array.from({ length: jobs }, (_, i) => tasks.filter((_, at) => at % jobs === i));
  const runs = parts.map(
    (part) =>
      new Promise<Compared[]>((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: part });
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
  );
  return (await Promise.all(runs)).flat();
}

async function main(): Promise<void> {
  const [folder, file] = positionals;
  if (folder === undefined || file === undefined) throw new Error('expected OBJECTS EXPECTED');
  const expected = expectedOf(readFileSync(file, 'utf8')).filter(isAskedFor);
  const beganMs = performance.now();
  const compared = await inThreads(tasksOf(folder, expected), Number(values.jobs));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(compared, null, 1));
  console.log(report(compared, performance.now() - beganMs));
}

if (isMainThread) await main();
else parentPort!.postMessage(compareAll(workerData as Task[]));
