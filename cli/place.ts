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
      return `${relative(cwd, file)}:${row}:${column}`;
    }
  }
  return undefined;
}
