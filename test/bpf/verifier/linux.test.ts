import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openForVerify, ProgramVerifier } from '../../../cli/verify.ts';

// What Linux 7.2 says of the programs in test/data/verifier, word for word: see linux.txt there.

const FOLDER = new URL('../../data/verifier/', import.meta.url);
/** BPF_LOG_STATS: errors and statistics alone. */
const LOG_STATS = 4;

/** By object: its programs, as `program errno instructions message`. */
const objects = readFileSync(new URL('linux.txt', FOLDER), 'utf8')
  .split('\n\n')
  .slice(1)
  .map((part) => part.trimEnd().split('\n'))
  .map(([name, ...answers]) => ({ name: name!, answers }));

const verifier = new ProgramVerifier({ isUnprivileged: false, nowMs: () => 0 });

/** The same of the simulated kernel. */
function answersOf(file: string, programs: readonly string[]): string[] {
  const { spec } = openForVerify(readFileSync(new URL(file, FOLDER)), file, programs);
  return programs.map((program) => {
    const { errno, log } = verifier.verify(spec, file, program, { logLevel: LOG_STATS });
    const [said = '', numbers = ''] = log.split(/^verification time .*$/m);
    const insns = /^processed (\d+) insns/m.exec(numbers)?.[1];
    // Which number a type has is no answer.
    const message = said
      .trimEnd()
      .split('\n')
      .at(-1)!
      .replace(/has btf_id \d+/, 'has btf_id N');
    return `${program} ${errno} ${insns} ${message}`.trimEnd();
  });
}

test.each(objects)('$name: verdicts, messages, instructions looked at', ({ name, answers }) => {
  expect(
    answersOf(
      name,
      answers.map((answer) => answer.split(' ')[0]!),
    ),
  ).toEqual(answers);
});
