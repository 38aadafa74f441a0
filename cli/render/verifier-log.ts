/** Lines before the end that are shown where nobody asked for more. */
const CONTEXT_MAX = 12;

/**
 * The log of a refusal, what tells most first: the message, the line of the source that it is
 * about, and the instructions that led there. With a level of its own all of it follows.
 */
export function tellingEnd(log: string, level: number): string[] {
  const lines = log.trimEnd().split('\n');
  const last = lines.findLastIndex((line) => line !== '' && !isFigure(line));
  if (last < 0) return [];
  const first = firstOfMessage(lines, last);
  const message = lines.slice(first, last + 1);
  const source = lines.slice(0, first).findLast(isSource);
  const before = lines.slice(Math.max(0, first - CONTEXT_MAX), first);
  const rest = level > 0 ? lines : before;
  return [
    ...message.map((line) => `  ${line}`),
    ...(source === undefined ? [] : [`  at ${source.slice(2)}`]),
    ...(rest.length === 0 ? [] : ['']),
    ...(level > 0 || before.length === first ? [] : ['    …']),
    ...rest.map((line) => `    ${line}`),
  ];
}

/** `; if (x) @ file.c:12` */
function isSource(line: string): boolean {
  return line.startsWith('; ');
}

/** `processed 12 insns …`, `verification time …`, `stack depth …` */
function isFigure(line: string): boolean {
  return /^(processed \d|verification time|stack depth|insns processed)/.test(line);
}

/** Messages of several lines stand behind the instruction that they are about. */
function firstOfMessage(lines: readonly string[], last: number): number {
  let first = last;
  while (first > 0 && isText(lines[first - 1]!)) first--;
  return first;
}

/** Neither an instruction, nor source, nor a state, nor how the verifier went about it. */
function isText(line: string): boolean {
  if (line === '' || isSource(line) || isFigure(line)) return false;
  return !WORKINGS.test(line);
}

/** How lines begin that tell what the verifier does. */
const WORKINGS = /^(\d+: |from \d+ to|mark_precise|[fF]unc#|Live|R\d+=|propagating|calle[re]| )/;
