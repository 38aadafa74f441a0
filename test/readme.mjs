// Runs the commands of README.md: every line of a fence that opens with "```sh run". A line may
// end in `# exits N`, where N is the exit code it must have; else that is 0. A line that ends in
// a backslash goes on in the next. Prints one line a command, then a count.
//
//   node test/readme.mjs [--done EXIT_CODE COMMAND]... [FILE]
//
// --done gives the exit code of a command that the caller has run: it does not run again.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const TIMEOUT_MS = 10 * 60_000;

/**
 * @typedef {{ line: number, command: string, expected: number }} Step
 * @param {string} text
 * @returns {Step[]}
 */
export function commandsOf(text) {
  const steps = [];
  let fence = '';
  let pending = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [, ticks, info] = /^ {0,3}(`{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (ticks !== undefined && fence === '') fence = info === 'sh run' ? 'run' : 'other';
    else if (ticks !== undefined && info === '') fence = '';
    else if (fence === 'run') {
      pending += line.replace(/\\$/, '');
      if (!line.endsWith('\\')) {
        const step = stepOf(pending, index + 1);
        if (step) steps.push(step);
        pending = '';
      }
    }
  }
  return steps;
}

/**
 * @param {string} line
 * @param {number} number
 * @returns {Step | undefined}
 */
function stepOf(line, number) {
  const exits = /#\s*exits (\d+)\s*$/.exec(line);
  const command = line.replace(/(^|\s)#.*$/, '').trim();
  if (command === '') return undefined;
  return { line: number, command, expected: exits ? Number(exits[1]) : 0 };
}

/** @param {Step} step */
function run({ command }) {
  const { status, signal, stdout, stderr } = spawnSync('bash', ['-c', command], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 28,
  });
  return { status: status ?? signal, output: stdout + stderr };
}

/** @param {string[]} args */
function main(args) {
  /** @type {Map<string, number>} */
  const done = new Map();
  const rest = [...args];
  while (rest[0] === '--done') {
    const [, exitCode = '', command = ''] = rest.splice(0, 3);
    done.set(command, Number(exitCode));
  }
  const path = rest[0] ?? join(ROOT, 'README.md');
  const counts = { passed: 0, failed: 0 };
  for (const step of commandsOf(readFileSync(path, 'utf8'))) {
    const before = done.get(step.command);
    const ran = before === undefined ? run(step) : { status: before, output: '' };
    const passed = ran.status === step.expected;
    counts[passed ? 'passed' : 'failed']++;
    const where = `README.md:${step.line}: ${step.command}`;
    if (passed) console.log(`ok      ${where}`);
    else
      console.log(`FAILED  ${where}\n  exits ${ran.status}, not ${step.expected}\n${ran.output}`);
  }
  console.log(`readme: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
