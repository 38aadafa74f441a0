import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../../base/errors.ts';
import type { Io } from '../command.ts';

/** One thing that passed or did not, as continuous integration shows it. */
export interface CiCase {
  readonly name: string;
  /** What is wrong, undefined where nothing is: a title, and the whole report. */
  readonly wrong?: { readonly title: string; readonly text: string };
  readonly seconds: number;
}

export interface CiFlags {
  readonly junit?: string;
  readonly github?: boolean;
}

/** Tells CI of what came out, where the flags ask for it. */
export function reportToCi(suite: string, cases: readonly CiCase[], flags: CiFlags, io: Io): void {
  if (flags.junit !== undefined) {
    try {
      writeFileSync(resolve(io.cwd, flags.junit), junitXml(suite, cases));
    } catch (error) {
      throw new InputError(`--junit ${flags.junit}: ${(error as Error).message}`);
    }
  }
  if (!flags.github) return;
  for (const each of cases) if (each.wrong) io.out(githubError(each.name, each.wrong));
}

/** The XML that Jenkins, GitLab and the rest take: https://github.com/testmoapp/junitxml */
export function junitXml(suite: string, cases: readonly CiCase[]): string {
  const failures = cases.filter(({ wrong }) => wrong !== undefined).length;
  const seconds = cases.reduce((sum, each) => sum + each.seconds, 0);
  const counts = `tests="${cases.length}" failures="${failures}" time="${seconds.toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="bohrbug" ${counts}>`,
    `  <testsuite name="${xml(suite)}" ${counts}>`,
    ...cases.map((each) => caseXml(suite, each)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseXml(suite: string, { name, wrong, seconds }: CiCase): string {
  const head = `    <testcase classname="${xml(suite)}" name="${xml(name)}"`;
  const timed = `${head} time="${seconds.toFixed(3)}"`;
  if (!wrong) return `${timed}/>`;
  const failure = `<failure message="${xml(wrong.title)}">${xml(wrong.text)}</failure>`;
  return `${timed}>\n      ${failure}\n    </testcase>`;
}

const XML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** Without the characters that no XML may have. */
function xml(text: string): string {
  return text
    .replaceAll(/[^\t\n\u0020-\uD7FF\uE000-\uFFFD]/g, '\uFFFD')
    .replaceAll(/[&<>"\n]/g, (odd) => XML[odd]!);
}

/** A workflow command of GitHub's: what % means there, % and the ends of lines must not. */
export function githubError(name: string, wrong: { title: string; text: string }): string {
  const property = (text: string) => message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::error title=${property(`${name}: ${wrong.title}`)}::${message(wrong.text)}`;
}

function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
