import type { Case } from '../../scenarios/fuzz/arbitraries.ts';
import { hasBody, programRef, programText, type Op } from '../../scenarios/fuzz/program.ts';
import type { ProgramWorlds } from '../../scenarios/fuzz/worlds.ts';
import { sameFailureAs } from '../../sim/explore.ts';
import type { RunResult } from '../../sim/model.ts';
import { shrink } from '../../sim/shrink.ts';
import { encodeToken } from '../../sim/token.ts';

/** The reverse of programText(): bodies are told by their indentation. */
export function parseProgram(text: string): Op[][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map(indentOf));
  const processes: Op[][] = [];
  let open: Op[][] = [];
  for (const line of lines) {
    const depth = (indentOf(line) - margin) / 2;
    const [call, ...args] = line.trim().split(/\s+/);
    const body: Op[] = [];
    if (depth === 0) {
      processes.push(body);
      open = [body];
      continue;
    }
    open[depth - 1]!.push({ call: call!, args: args.map(Number), ...(hasBody(call!) && { body }) });
    open = [...open.slice(0, depth), body];
  }
  return processes;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function caseText(drawn: Case): string {
  const { profile, cpus, shared, faults, strategy, seed } = drawn;
  const how = [
    profile,
    `${cpus} CPUs`,
    shared ? 'one table' : 'own tables',
    ...(faults ? ['allocations fail'] : []),
    strategy,
    `seed ${seed}`,
  ];
  return `${how.join(', ')}\n${programText(drawn)}`;
}

/** A run of a program in full, for people: its schedule made as small as it can be. */
export function reportOf(worlds: ProgramWorlds, drawn: Case, found: RunResult): string {
  const model = worlds.model(drawn);
  const { result } = shrink(model, found, sameFailureAs(found), { runsMax: 2_000 });
  const { at, skip } = result.schedule;
  const usual = { variant: '', mutations: [], mode: 'explore', memoryModel: 'sc' } as const;
  const header = { scenario: programRef(drawn), profile: drawn.profile, ...usual };
  const token = encodeToken({ form: 'schedule', schedule: result.schedule, header });
  return [
    caseText(drawn),
    `schedule: at [${at.join()}] skip [${skip.join()}], as a token ${token}`,
    ...result.failures.map(({ text }) => text),
  ].join('\n\n');
}
