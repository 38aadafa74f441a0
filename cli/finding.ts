import type { RunResult } from '../sim/model.ts';
import type { TraceLine } from '../sim/trace.ts';
import { EXIT, type ExitCode, type Io } from './command.ts';
import type { ForeignFlags } from './foreign.ts';
import { reportText } from './render/report.ts';
import { traceText } from './render/trace.ts';
import type { Detailed } from './search.ts';
import { summaryOf, type Finding } from './summary.ts';

export interface ShowFlags extends ForeignFlags {
  readonly json?: boolean;
  readonly trace?: boolean;
  readonly all?: boolean;
}

/** What `run`, `explore` and `replay` end with: the outcome on stdout, and the exit code. */
export function conclude(
  finding: Finding,
  detailed: Detailed | undefined,
  flags: ShowFlags,
  io: Io,
): ExitCode {
  const summary = summaryOf(finding);
  if (finding.shown !== undefined && detailed !== undefined) {
    warnOfDivergence(finding.shown, detailed.result, io);
  }
  const lines: readonly TraceLine[] = detailed?.lines ?? [];
  if (flags.json) {
    const trace = flags.trace ? { trace: lines } : {};
    io.out(JSON.stringify({ ...summary, ...trace }));
  } else {
    if (flags.trace) io.out([...traceText(lines), ''].join('\n'));
    const { shown: result, subject } = finding;
    const { expect } = subject.variant;
    io.out(
      reportText({ summary, expect, result, lines, all: flags.all === true, btf: flags.btf }, io),
    );
  }
  return finding.expected ? EXIT.expected : EXIT.unexpected;
}

/** The same choices must give the same run: where they do not, no token is worth anything. */
function warnOfDivergence(shown: RunResult, again: RunResult, io: Io): void {
  if (shown.traceHash === again.traceHash) return;
  io.err(
    `bohrbug: the run did not repeat (trace ${shown.traceHash}, then ${again.traceHash}): ` +
      'something outside the simulation decides, see --strategy twice',
  );
}
