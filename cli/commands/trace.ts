import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../../base/errors.ts';
import { EXIT, type Command } from '../command.ts';
import { foreignOption, withForeignTypes, type ForeignFlags } from '../foreign.ts';
import { parse, parser, unknown } from '../options.ts';
import { traceText } from '../render/trace.ts';
import { runToken } from '../token-run.ts';

const SUMMARY = 'the events of one run';
const EXAMPLE = 'bohrbug trace B1.lost-update.EAEHAQ.3b1c09ae --format text -o run.txt';

const FORMATS = ['text', 'ftrace', 'perfetto'];

export const traceCommand: Command = {
  name: 'trace',
  summary: 'the events of one run',
  async run(args, io) {
    const command = foreignOption(parser('trace', SUMMARY, EXAMPLE, io))
      .argument('<token|file>', 'a token, or a file that explore --save wrote')
      .option('--format <name>', FORMATS.join(', '), formatFlag, 'text')
      .option('-o, --output <file>', 'write there rather than to stdout');
    const parsed = parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<ForeignFlags & { output?: string }>();
    const { output } = flags;
    const { detailed } = await withForeignTypes(flags, io, () => runToken(parsed.args[0]!, io));
    const text = traceText(detailed.lines).join('\n');
    if (output === undefined) io.out(text);
    else write(resolve(io.cwd, output), text);
    return EXIT.expected;
  },
};

function formatFlag(text: string): string {
  if (!FORMATS.includes(text)) throw unknown('format', text, FORMATS);
  if (text === 'text') return text;
  throw new InputError(`format ${text} is not available yet, only text is`);
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, `${text}\n`);
  } catch (error) {
    throw new InputError(`-o ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
