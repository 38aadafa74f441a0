// `npm run bpf:build`: compiles every `*.bpf.c` beside its objects, which are committed so that
// nothing else needs a compiler. Needs Debian's clang, libbpf-dev and linux-libc-dev.
//
//   scenarios/…/x.bpf.c,         → x.bpf.o, by the newest clang there is, for cpu v3, against
//   docs/examples/x.bpf.c          the vmlinux.h that `bohrbug bpf vmlinux-h` prints
//   test/data/objects/x.bpf.c    → x.clang-14-v3.o, x.clang-22-v3.o, x.clang-22-v4.o
//   test/data/verifier/x.bpf.c   → x.bpf.o, by clang-22 alone: what Linux said of it is there
//
// Paths named as arguments are compiled alone. With --check nothing is written: it fails if a
// committed object is not what its compiler makes of its source; a compiler that is not there is
// said, and no failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['scenarios', 'docs/examples'];
const TESTS = 'test/data/objects';
const JUDGED = 'test/data/verifier';
/** Where the simulated kernel's types are written. */
const TYPES = 'build/bpf';
/** Newest first. 14 knows nothing of cpu v4. */
const CLANGS = ['clang-22', 'clang-19', 'clang-16', 'clang', 'clang-14'];
const MATRIX = [
  { clang: 'clang-14', cpu: 'v3' },
  { clang: 'clang-22', cpu: 'v3' },
  { clang: 'clang-22', cpu: 'v4' },
];

const isCheck = process.argv.includes('--check');
const asked = process.argv
  .slice(2)
  .filter((arg) => arg !== '--check')
  .map((path) => relative(ROOT, resolve(path)));

/** @param {string} program @param {readonly string[]} args */
function run(program, args) {
  return spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
}

/** @param {string} clang */
function isThere(clang) {
  return run(clang, ['--version']).status === 0;
}

/** Where linux/types.h finds asm/types.h: Debian keeps it by machine. */
function includes() {
  const machine = run('cc', ['-print-multiarch']).stdout?.trim() || 'x86_64-linux-gnu';
  const found = existsSync(`/usr/include/${machine}`) ? [`-I/usr/include/${machine}`] : [];
  return [...found, `-I${TYPES}`];
}

/** The types of the simulated kernel as a header. */
function writeTypes() {
  const made = run(process.execPath, ['bin/bohrbug.js', 'bpf', 'vmlinux-h']);
  if (made.status !== 0) {
    process.stderr.write(`bpf-build: bohrbug bpf vmlinux-h: ${made.stderr}`);
    process.exit(1);
  }
  writeFileSync(join(ROOT, TYPES, 'vmlinux.h'), made.stdout);
}

/**
 * The same bytes wherever the checkout is.
 * @param {string} clang @param {string} cpu @param {string} source @param {string} object
 */
function compile(clang, cpu, source, object) {
  const to = isCheck ? join(TYPES, basename(object)) : object;
  const flags = ['-target', 'bpf', '-O2', '-g', `-mcpu=${cpu}`, '-Wall', '-Werror'];
  const where = [`-ffile-prefix-map=${ROOT.replace(/\/$/, '')}=.`, ...includes()];
  const made = run(clang, [...flags, ...where, '-c', source, '-o', to]);
  if (made.status !== 0) {
    process.stderr.write(made.stderr ?? `${clang}: ${made.error?.message}\n`);
    process.exitCode = 1;
    return;
  }
  const strip = clang.replace('clang', 'llvm-strip');
  run(strip, ['-g', to]); // DWARF, not BTF: nothing reads it
  const isStale = isCheck && !readFileSync(join(ROOT, to)).equals(readFileSync(join(ROOT, object)));
  if (isStale) process.exitCode = 1;
  process.stdout.write(`${object}${isStale ? `: not what ${clang} makes of ${source}` : ''}\n`);
}

/** @param {string} folder */
function sourcesIn(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.bpf.c'))
    .map((path) => join(folder, path))
    .toSorted();
}

const sources = asked.length > 0 ? asked : [...FOLDERS, TESTS, JUDGED].flatMap(sourcesIn);
const newest = CLANGS.find(isThere);
if (!newest) {
  process.stderr.write(`bpf-build: none of ${CLANGS.join(', ')} is installed\n`);
  process.exitCode = 1;
} else {
  mkdirSync(join(ROOT, TYPES), { recursive: true });
  if (sources.some((source) => dirname(source) !== TESTS)) writeTypes();
  for (const source of sources) {
    const base = source.replace(/\.bpf\.c$/, '');
    if (dirname(source) === JUDGED) {
      if (isThere('clang-22')) compile('clang-22', 'v3', source, `${base}.bpf.o`);
      else process.stderr.write(`bpf-build: clang-22 is not installed: ${base} stays\n`);
      continue;
    }
    if (dirname(source) !== TESTS) {
      compile(newest, 'v3', source, `${base}.bpf.o`);
      continue;
    }
    for (const { clang, cpu } of MATRIX) {
      if (isThere(clang)) compile(clang, cpu, source, `${base}.${clang}-${cpu}.o`);
      else process.stderr.write(`bpf-build: ${clang} is not installed: ${base} stays\n`);
    }
  }
}
