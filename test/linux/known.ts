/** The programs of known.txt: by hand, with what Linux answers. */
import { readFileSync } from 'node:fs';
import { parse, type Program } from './program.ts';
import { parseReport, type Results } from './report.ts';

export interface Known {
  readonly about: string;
  readonly program: Program;
  /** In the order of the text, not of the execution. */
  readonly answers: Results;
}

const FILE = new URL('./known.txt', import.meta.url);

function knownOf(section: string): Known {
  const lines = section.split('\n').filter((line) => line !== '');
  const about = lines.findLast((line) => line.startsWith('# '))!.slice(2);
  const ops = lines.filter((line) => !line.startsWith('#'));
  const answers = ops.flatMap((line) => line.split(' => ').slice(1));
  return {
    about,
    program: parse(ops.map((line) => line.split(' => ')[0]!).join('\n')),
    answers: parseReport(answers.map((answer, at) => `${at} ${answer}`)),
  };
}

/** Every program of the file. */
export function readKnown(): Known[] {
  const sections = readFileSync(FILE, 'utf8').split(/^\.$/m);
  return sections.filter((section) => section.trim() !== '').map(knownOf);
}
