import type { Compared } from './compare.ts';

const WORST = 20;

/** Rates, and every disagreement by cause. */
export function report(all: readonly Compared[], wallMs: number): string {
  const wrong = all.filter(({ expected, verdict }) => expected !== verdict);
  const told = all.filter(({ hasMessages, expected }) => hasMessages && expected === 'failure');
  const untold = told.filter((row) => row.missing !== undefined || row.verdict !== 'failure');
  const shown = all.filter(({ hasMessages, expected }) => hasMessages && expected === 'success');
  const unshown = shown.filter((row) => row.missing !== undefined || row.verdict !== 'success');
  const run = all.filter(({ retval }) => retval !== undefined);
  const misrun = run.filter(({ retval }) => retval!.expected !== retval!.found);
  return [
    ...section('verdicts that differ', wrong, verdictCause),
    ...section('messages of refusals that are missing', untold.filter(isRight), messageCause),
    ...section('messages of successes that are missing', unshown.filter(isRight), messageCause),
    ...section('return values that differ', misrun, retvalCause),
    ...insnLines(all),
    ...slowLines(all),
    rate('verdicts', all.length - wrong.length, all.length),
    rate('messages of refusals', told.length - untold.length, told.length),
    rate('messages of successes', shown.length - unshown.length, shown.length),
    rate('return values', run.length - misrun.length, run.length),
    `${(wallMs / 1000).toFixed(1)} s`,
  ].join('\n');
}

function rate(what: string, good: number, all: number): string {
  const percent = all === 0 ? 100 : (100 * good) / all;
  return `${what}: ${good} of ${all} agree, ${percent.toFixed(1)} %`;
}

function isRight({ expected, verdict }: Compared): boolean {
  return expected === verdict;
}

/** Grouped, the most frequent cause first. */
function section(
  title: string,
  rows: readonly Compared[],
  causeOf: (row: Compared) => string,
): string[] {
  if (rows.length === 0) return [];
  const causes = new Map<string, Compared[]>();
  for (const row of rows) {
    const cause = causeOf(row);
    const known = causes.get(cause);
    if (known) known.push(row);
    else causes.set(cause, [row]);
  }
  const groups = [...causes].toSorted(([, a], [, b]) => b.length - a.length);
  return [
    `${title}: ${rows.length}`,
    ...groups.flatMap(([cause, found]) => [
      `  ${found.length} × ${cause}`,
      ...found.map(({ file, program }) => `      ${file.replace('.bpf.o', '')}:${program}`),
    ]),
    '',
  ];
}

function verdictCause({ expected, verdict, log }: Compared): string {
  if (verdict === 'crash') return `crash: ${log.split('\n').slice(0, 3).join(' | ')}`;
  return expected === 'failure' ? 'accepted' : `refused: ${lastLine(log)}`;
}

function messageCause({ missing, log }: Compared): string {
  return `${JSON.stringify(missing)} but ${JSON.stringify(lastLine(log))}`;
}

function retvalCause({ retval }: Compared): string {
  const { found, expected } = retval!;
  if (typeof found === 'string') return found.replace(/^Error: |program '\w+' comes to/, '');
  return `${found | 0} instead of ${expected | 0}`;
}

/** What the log ends with before its figures. */
function lastLine(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !/^(processed|verif)/.test(line));
  return lines.at(-1) ?? '';
}

/** How much is looked at: pruning as good as Linux's gives the same figures. */
function insnLines(all: readonly Compared[]): string[] {
  const known = all.filter((row) => row.linuxInsns !== undefined && isRight(row));
  const ours = known.reduce((sum, { insns }) => sum + insns, 0);
  const theirs = known.reduce((sum, { linuxInsns }) => sum + linuxInsns!, 0);
  const same = known.filter(({ insns, linuxInsns }) => insns === linuxInsns);
  const differ = known
    .filter(({ insns, linuxInsns }) => insns !== linuxInsns)
    .toSorted((a, b) => distance(b) - distance(a))
    .slice(0, WORST);
  return [
    `instructions processed: ${ours}, Linux ${theirs}; ` +
      `the same for ${same.length} of ${known.length}`,
    ...differ.map(
      ({ file, program, insns, linuxInsns }) =>
        `  ${file}:${program} ${insns}, Linux ${linuxInsns}`,
    ),
    '',
  ];
}

function distance({ insns, linuxInsns = 0 }: Compared): number {
  return Math.abs(Math.log((insns + 1) / (linuxInsns + 1)));
}

function slowLines(all: readonly Compared[]): string[] {
  const slow = all.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, 5);
  const lines = slow.map(
    ({ file, program, durationMs, insns }) =>
      `  ${file}:${program} ${Math.round(durationMs)} ms, ${insns} instructions`,
  );
  return ['slowest:', ...lines, ''];
}
