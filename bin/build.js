// `npm run build`: bundles what runs, so that few files are read at start-up, and writes the
// declarations of everything beside it. Entry points share their chunks, and so their classes.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const CORE = ['base', 'sim', 'kernel', 'bpf', 'scenarios'];

/** @returns {Promise<number>} */
function declarations() {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

/**
 * Every module of the core by its path: for scenarios of this repository that are run by path and
 * import their neighbours.
 * @returns {import('esbuild').Plugin}
 */
function everyModule() {
  const paths = CORE.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
      .toSorted(),
  );
  const imports = paths.map((path, i) => `import * as m${i} from './${path}';`);
  const entries = paths.map((path, i) => `'${path.replace(/\.ts$/, '')}': m${i},`);
  const contents = [...imports, 'export const modules = {', ...entries, '};'].join('\n');
  return {
    name: 'every-module',
    setup(build) {
      build.onResolve({ filter: /^every-module$/ }, () => ({ path: 'all', namespace: 'every' }));
      build.onLoad({ filter: /./, namespace: 'every' }, () => ({ contents, resolveDir: ROOT }));
    },
  };
}

/** @returns {Promise<Set<string>>} the files written */
async function bundles() {
  const { build } = await import('esbuild');
  const built = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      'cli/main': 'cli/main.ts',
      'cli/hazard-worker': 'cli/hazard-worker.ts',
      'cli/explore-worker': 'cli/explore-worker.ts',
      'cli/fuzz-worker': 'cli/fuzz-worker.ts',
      'cli/verify-worker': 'cli/verify-worker.ts',
      'cli/api/bpf': 'cli/api/bpf.ts',
      'cli/api/fast-check': 'cli/api/fast-check.ts',
      'cli/api/vitest': 'cli/api/vitest.ts',
      'scenarios/index': 'scenarios/index.ts',
      'sim/index': 'sim/index.ts',
      'kernel/index': 'kernel/index.ts',
      'cli/modules': 'every-module',
    },
    outdir: DIST,
    // One folder down, as everything is: cli/package.ts finds the root from there.
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // A compiled BPF object is imported as its bytes.
    loader: { '.o': 'binary' },
    sourcemap: 'linked',
    write: false,
    logLevel: 'warning',
    plugins: [everyModule()],
  });
  const hash = createHash('sha256');
  for (const { path, contents } of built.outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    if (path.endsWith('.js')) hash.update(contents);
  }
  // What a saved failure was found with: cli/package.ts reads it.
  writeFileSync(join(DIST, 'code-hash'), `${hash.digest('hex').slice(0, 16)}\n`);
  return new Set(built.outputFiles.map(({ path }) => relative(DIST, path)));
}

/** What an earlier build has left, when all is in its place. */
function clean(/** @type {Set<string>} */ written) {
  for (const path of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    const stale = path.endsWith('.d.ts')
      ? !existsSync(join(ROOT, path.replace(/\.d\.ts$/, '.ts')))
      : /\.(js|map)$/.test(path) && !written.has(path);
    if (stale) rmSync(join(DIST, path));
  }
}

const [exitCode, written] = await Promise.all([declarations(), bundles()]);
clean(written);
process.exitCode = exitCode;
