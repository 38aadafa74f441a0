import { findSourceMap } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CODE_ROOT } from './package.ts';

const FRAME = /(?:\(|at )((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/;

/** `race.ts:12:9`: the innermost place in a user's file that a stack names; undefined if none. */
export function placeOf(error: unknown, cwd: string): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined;
  for (const line of error.stack.split('\n')) {
    const [, path, row, column] = FRAME.exec(line) ?? [];
    if (path === undefined || path.startsWith('node:')) continue;
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    if (!file.startsWith(fileURLToPath(CODE_ROOT))) {
      return original(file, Number(row), Number(column), cwd);
    }
  }
  return undefined;
}

/** Stacks are mapped already, unless somebody else has taken that over. */
function original(file: string, row: number, column: number, cwd: string): string {
  const entry = findSourceMap(file)?.findEntry(row - 1, column - 1);
  if (!entry || !('originalSource' in entry)) return `${relative(cwd, file)}:${row}:${column}`;
  const { originalSource, originalLine, originalColumn } = entry;
  const source = originalSource.startsWith('file:')
    ? fileURLToPath(originalSource)
    : originalSource;
  return `${relative(cwd, source)}:${originalLine + 1}:${originalColumn + 1}`;
}
