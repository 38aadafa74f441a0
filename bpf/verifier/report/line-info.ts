import type { VerifierEnv } from '../env.ts';
import type { LineInfo } from '../program.ts';

/** The record that covers an instruction. bpf_find_linfo() */
export function findLinfo(env: VerifierEnv, insnOff: number): LineInfo | undefined {
  const { lineInfo } = env.prog;
  if (lineInfo.length === 0 || insnOff >= env.insns.length) return undefined;
  let low = 0;
  let high = lineInfo.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lineInfo[middle]!.insnOff <= insnOff) low = middle + 1;
    else high = middle;
  }
  return lineInfo[low - 1];
}

/** The line of source of an instruction, unless it was the last one printed. verbose_linfo() */
export function verboseLinfo(env: VerifierEnv, insnOff: number, prefix: string): void {
  if (!env.log.isOn) return;
  const previous = env.prevLinfo;
  const info = findLinfo(env, insnOff);
  if (!info || info === previous) return;
  if (previous?.fileName === info.fileName && previous.lineNumber === info.lineNumber) return;
  const file = info.fileName.slice(info.fileName.lastIndexOf('/') + 1);
  env.verbose(`${prefix}${info.line.trimStart()} @ ${file}:${info.lineNumber}\n`);
  env.prevLinfo = info;
}
