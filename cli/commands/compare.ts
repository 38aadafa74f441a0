import { EXIT, type Command } from '../command.ts';
import * as options from '../options.ts';
import { comparisonMarkdown, comparisonText } from '../render/comparison.ts';

const NAMES = ['runtime-protection', 'registered-writes'] as const;
const SUMMARY =
  'Runs what several proposals and the kernel itself do about one problem, and shows what ' +
  `came of each: ${NAMES.join(', ')}.`;
const EXAMPLE = 'bohrbug compare runtime-protection';

interface Flags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

export const compareCommand: Command = {
  name: 'compare',
  summary: 'what proposals and the kernel itself do about one problem, side by side',
  async run(args, io) {
    const command = options
      .parser('compare', SUMMARY, EXAMPLE, io)
      .argument('<comparison>', NAMES.join(' or '))
      .option('--markdown', 'as a page of documentation')
      .option('--json', 'one JSON document, with all that was measured');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const name = NAMES.find((known) => known === parsed.args[0]);
    if (name === undefined) throw options.unknown('comparison', parsed.args[0]!, NAMES);
    const flags = parsed.opts<Flags>();
    const { COMPARISONS } = await import('../../scenarios/compare/index.ts');
    io.status(`comparing ${name} …`);
    const { comparison, data } = COMPARISONS[name]!();
    io.status('');
    if (flags.json) io.out(JSON.stringify({ ...comparison, data }));
    else if (flags.markdown) io.out(comparisonMarkdown(comparison).trimEnd());
    else io.out(comparisonText(comparison, Math.min(io.width, 120)));
    return EXIT.expected;
  },
};
