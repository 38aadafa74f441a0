import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../../base/errors.ts';
import type { LitmusResult } from '../../sim/litmus/run.ts';
import { EXIT, type Command, type Io } from '../command.ts';
import * as options from '../options.ts';

const SUMMARY =
  'The final states that a memory model allows of litmus tests, in C as LKMM has them or in BPF. ' +
  'Ends with 1 where a verdict is not what the file states: Result: Never.';
const EXAMPLE = 'bohrbug litmus SB+mbs.litmus --memory-model tso';
const BYTES_MAX = 200_000;

interface Flags {
  readonly memoryModel: 'sc' | 'tso' | 'weak';
  readonly json?: boolean;
}

export const litmusCommand: Command = {
  name: 'litmus',
  summary: 'the final states that a memory model allows of litmus tests',
  async run(args, io) {
    const command = options
      .parser('litmus', SUMMARY, EXAMPLE, io)
      .argument('<files...>', 'litmus tests')
      .option('--memory-model <name>', "sc, tso, or weak: the language's own", model, 'weak')
      .option('--json', 'one JSON object a line');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const { memoryModel, json } = parsed.opts<Flags>();
    const { parseLitmus, runLitmus } = await import('../../sim/litmus/run.ts');
    let isAsStated = true;
    for (const file of parsed.args) {
      const test = parseLitmus(textOf(file, io), file);
      const result = runLitmus(test, memoryModel);
      // What a file states is about the weak model.
      const stated = memoryModel === 'weak' ? test.stated : undefined;
      if (stated !== undefined && stated !== result.observation) isAsStated = false;
      io.out(json ? JSON.stringify(jsonOf(result, file)) : resultText(result));
    }
    return isAsStated ? EXIT.expected : EXIT.unexpected;
  },
};

function model(text: string): string {
  const names = ['sc', 'tso', 'weak'];
  if (names.includes(text)) return text;
  throw options.unknown('memory model', text, names);
}

function textOf(file: string, io: Io): string {
  const path = resolve(io.cwd, file);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile()) throw new InputError(`${file}: no such file`);
  if (stats.size > BYTES_MAX) throw new InputError(`${file}: longer than any litmus test`);
  return readFileSync(path, 'utf8');
}

function jsonOf({ test, model: memoryModel, ...result }: LitmusResult, file: string) {
  const { name, language, conditionText: condition, stated = null } = test;
  return { file, name, language, memoryModel, condition, stated, ...result };
}

/** As herd7 prints it. */
function resultText(result: LitmusResult): string {
  const { test, states, positive, negative, observation, ok } = result;
  const kind = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' }[test.quantifier];
  return [
    `Test ${test.name} ${kind}`,
    `States ${states.length}`,
    ...states,
    ok ? 'Ok' : 'No',
    'Witnesses',
    `Positive: ${positive} Negative: ${negative}`,
    `Condition ${test.conditionText}`,
    `Observation ${test.name} ${observation} ${positive} ${negative}`,
    '',
  ].join('\n');
}
