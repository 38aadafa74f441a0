import { statSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Message, Plugin } from 'esbuild';
import { InputError } from '../base/errors.ts';
import { fingerprintOf } from '../base/hash.ts';
import type { Scenario, ScenarioDefinition } from '../scenarios/index.ts';
import type { Io } from './command.ts';
import { guarded } from './guard.ts';
import { moduleNames, moduleOf, runningModuleOf } from './package.ts';
import { placeOf } from './place.ts';

export interface LoadedScenario {
  readonly scenario: Scenario;
  /** Fingerprint of the file and all it imports: tells whether a saved failure still fits it. */
  readonly sourceHash: string;
}

/** Whether an argument is a path: no registered name has a slash or an ending. */
export function isScenarioPath(text: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(text);
}

/**
 * A scenario from the user's own file, in TypeScript or JavaScript. The file is bundled with what
 * it imports, except Bohrbug: that is the code which runs now, wherever the file is, so that both
 * have the same classes. The bundle never touches the disk.
 */
export async function loadScenario(path: string, io: Io): Promise<LoadedScenario> {
  const file = resolve(io.cwd, path);
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) throw new InputError(`${path}: no such file`);
  if (!stats.isFile()) throw new InputError(`${path}: no file, expected a .ts or .js file`);
  const { code, modules } = await bundle(file, path, io);
  const found = evaluate(code, file, path, modules, io);
  if (found === undefined) {
    throw new InputError(`${path}: no default export, expected export default scenario({ … })`);
  }
  if (!isScenario(found)) {
    throw new InputError(
      `${path}: the default export is no scenario, expected export default scenario({ … })`,
    );
  }
  // Without the source map: that tells where the file is.
  const sourceHash = fingerprintOf(code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, ''));
  return { scenario: found, sourceHash };
}

/**
 * The same scenario, checked as scenario() checks it: an object may claim to be one. Whatever
 * getters it has have run then.
 */
export function checkedScenario(found: Scenario, path: string, check: Check): Scenario {
  try {
    const { processes, images, finally: atEnd, always } = found;
    return check({
      ...found,
      processes: { ...processes },
      ...(images && { images: { ...images } }),
      ...(atEnd && { finally: { ...atEnd } }),
      ...(always && { always: { ...always } }),
    });
  } catch (error) {
    throw new InputError(`${path}: ${messageOf(error)}`);
  }
}

type Check = (definition: ScenarioDefinition) => Scenario;

function isScenario(value: unknown): value is Scenario {
  return typeof value === 'object' && value !== null && 'isScenario' in value;
}

interface Bundle {
  readonly code: string;
  /** What the bundle will ask for, by the name that it uses. */
  readonly modules: ReadonlyMap<string, unknown>;
}

async function bundle(file: string, path: string, io: Io): Promise<Bundle> {
  const esbuild = await import('esbuild');
  const modules = new Map<string, unknown>();
  const built = await esbuild
    .build({
      entryPoints: [file],
      absWorkingDir: io.cwd,
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      loader: { '.o': 'binary' },
      outfile: `${file}.bundle.cjs`,
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(file).href) },
      plugins: [bohrbugModules(modules)],
    })
    .catch((error: unknown) => {
      const first = (error as { errors?: Message[] }).errors?.[0];
      if (first === undefined) throw error;
      throw new InputError(describe(first, path));
    });
  return { code: built.outputFiles[0]!.text, modules };
}

/** `race.ts:3:7: Expected ";" but found "x"` */
function describe({ text, location }: Message, path: string): string {
  const where = location === null ? path : place(location);
  const message = text.startsWith('Top-level await')
    ? 'await outside of a function is not supported in a scenario'
    : text;
  return `${where}: ${message}`;
}

function place({ file, line, column }: NonNullable<Message['location']>): string {
  return `${file}:${line}:${column + 1}`;
}

/**
 * Leaves imports of this package out of the bundle, by any name: `bohrbug/sim`, `../sim/x.ts`.
 * `modules` gets what they stand for.
 */
function bohrbugModules(modules: Map<string, unknown>): Plugin {
  const outside = (name: string, module: unknown) => {
    modules.set(name, module);
    return { path: name, external: true };
  };
  return {
    name: 'bohrbug',
    setup(build) {
      build.onResolve({ filter: /^bohrbug($|\/)/ }, async ({ path }) => {
        const url = moduleOf(path);
        if (url !== undefined) return outside(path, await import(url));
        const text = `no module ${path} (there are ${moduleNames().join(', ')})`;
        return { errors: [{ text }] };
      });
      build.onResolve({ filter: /^\.{0,2}\// }, async ({ path, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const file = resolve(resolveDir, path);
        const module = await runningModuleOf(file);
        return module === undefined ? undefined : outside(file, module);
      });
    },
  };
}

/** Runs the bundle; its default export. */
function evaluate(code: string, file: string, path: string, modules: Bundle['modules'], io: Io) {
  io.mapStacks();
  const requireNode = createRequire(file);
  const module = new Module(file) as Module & Compilable;
  module.filename = file;
  module.paths = [dirname(file)];
  module.require = (name: string) => modules.get(name) ?? requireNode(name);
  try {
    // _compile() rather than a Script: it registers the source map, so that stacks are right.
    guarded(
      () => module._compile(code, `${file}.bundle.cjs`),
      () => `${path}: loading it`,
    );
  } catch (error) {
    if (error instanceof InputError && error.message.includes('did not yield')) throw error;
    throw new InputError(`${placeOf(error, io.cwd) ?? path}: ${messageOf(error)}`);
  }
  return (module.exports as { default?: unknown }).default;
}

interface Compilable {
  require: (name: string) => unknown;
  exports: unknown;
  _compile(code: string, filename: string): void;
}

/** What was thrown, in words of the source: esbuild writes an imported `x` as `(0, import_y.x)`. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\(0, ?import_\w+\.(\w+)\)/g, '$1').replaceAll(/import_\w+\./g, '');
}
