import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `.ts` where the sources run as they are, as in tests; `.js` in the built package. */
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
export const IS_BUILT = EXTENSION === '.js';

/** Where base/, sim/, … are: the repository, or its dist/. */
export const CODE_ROOT = new URL('../', import.meta.url);
const PACKAGE_ROOT = IS_BUILT ? new URL('../', CODE_ROOT) : CODE_ROOT;

/** Of all code that runs here: made when the package is built; null where its sources run. */
export function codeHash(): string | null {
  const path = new URL('code-hash', CODE_ROOT);
  return IS_BUILT && existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

let manifest: Manifest | undefined;

function readManifest(): Manifest {
  const text = () => readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8');
  return (manifest ??= JSON.parse(text()) as Manifest);
}

export function packageVersion(): string {
  return readManifest().version;
}

/** The module that `bohrbug` or `bohrbug/sim` names, as a URL of the code that is running now. */
export function moduleOf(specifier: string): string | undefined {
  const target = readManifest().exports[specifier.replace(/^bohrbug/, '.')];
  if (target === undefined || typeof target === 'string') return undefined;
  const path = target.default.replace(/^\.\/dist\//, '').replace(/\.js$/, EXTENSION);
  return new URL(path, CODE_ROOT).href;
}

/** The modules that a user can import. */
export function moduleNames(): string[] {
  return Object.entries(readManifest().exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(([key]) => key.replace(/^\./, 'bohrbug'));
}

/** Modules of this package by where they are, without the ending: `kernel/fs/uapi`. */
type Modules = Readonly<Record<string, unknown>>;
const FOLDERS = ['base', 'sim', 'kernel', 'bpf', 'scenarios'];

/**
 * The running module that a file of this package stands for, its source or what was built from it;
 * undefined for other files. Built, all are in few bundles, and dist/cli/modules.js has them all.
 */
export async function runningModuleOf(path: string): Promise<unknown> {
  for (const root of [fileURLToPath(CODE_ROOT), fileURLToPath(PACKAGE_ROOT)]) {
    if (!path.startsWith(root)) continue;
    const inside = path
      .slice(root.length)
      .replaceAll('\\', '/')
      .replace(/\.[jt]s$/, '');
    if (!FOLDERS.includes(inside.split('/')[0]!)) continue;
    const url = new URL(IS_BUILT ? 'cli/modules.js' : `${inside}.ts`, CODE_ROOT);
    if (!existsSync(url)) continue;
    const found = (await import(url.href)) as { readonly modules: Modules };
    return IS_BUILT ? found.modules[inside] : found;
  }
  return undefined;
}
