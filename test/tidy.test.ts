/**
 * The form of the code, as a test: who may import whom, sizes, names of the host that the core
 * must not know. Each check is a function from sources to complaints, and is shown to complain
 * by a made-up source before it is turned on the real ones.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

interface Source {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

type Check = (sources: readonly Source[]) => string[];

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const LINES_MAX = 500;
const COLUMNS_MAX = 100;

/** What stands left may not import what stands right. */
const ORDER = ['base', 'sim', 'kernel', 'bpf', 'scenarios', 'cli'];
/** Folders that see everything, and that only those named see. */
const SEEN_BY: Readonly<Record<string, readonly string[]>> = {
  bench: ['bench', 'test'],
  test: ['test'],
};
/** The folders in which the host does not exist. */
const CORE = new Set(ORDER.slice(0, -1));
/** Files that something other than an import reaches. */
const ENTRY = new RegExp(
  [
    String.raw`(^|/)index\.ts$`,
    String.raw`^(cli|bench|bench/search)/main\.ts$|^(cli/api|scripts)/[^/]*$|-worker\.ts$`,
    String.raw`^docs/examples/|/driver\.ts$|\.(test|d|config)\.ts$`,
  ].join('|'),
);

// The words of the code

/** What may stand before a `/` that begins a regular expression. */
const BEFORE_REGEX = /(?:^|[([{,;:=!&|?+*%~^<>-]|\b(?:return|typeof|case|in|of|yield|throw))\s*$/;
const REGEX_CHAR = String.raw`\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[]`;
const TOKEN = new RegExp(
  [
    String.raw`\/\/[^\n]*`, // line comment
    String.raw`\/\*[\s\S]*?\*\/`, // block comment
    String.raw`'(?:\\[\s\S]|[^'\\\n])*'`,
    String.raw`"(?:\\[\s\S]|[^"\\\n])*"`,
    String.raw`\/(?:${REGEX_CHAR})+\/[a-z]*`,
    '[`{}]',
  ].join('|'),
  'g',
);

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');

/**
 * The text with comments and the insides of strings blanked, of the same length and lines.
 * Templates keep the code in their `${}`.
 */
function codeOf(text: string): string {
  let code = '';
  let at = 0;
  const braces: ('block' | 'template')[] = [];
  const inTemplate = (from: number): number => {
    let i = from;
    while (i < text.length && text[i] !== '`' && !text.startsWith('${', i)) {
      i += text[i] === '\\' ? 2 : 1;
    }
    code += blank(text.slice(from, i));
    if (text[i] === '$') braces.push('template');
    const end = i + (text[i] === '$' ? 2 : 1);
    code += text.slice(i, end);
    return end;
  };
  for (;;) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) return code + text.slice(at);
    const token = found[0];
    code += text.slice(at, found.index);
    at = found.index + token.length;
    if (token === '{') braces.push('block');
    if (token === '`' || (token === '}' && braces.pop() === 'template')) {
      code += token;
      at = inTemplate(at);
    } else if (token.length === 1) code += token;
    else if (token.startsWith('//') || token.startsWith('/*')) code += blank(token);
    else if (token[0] === '/' && !BEFORE_REGEX.test(code.slice(-20))) {
      code += '/'; // a division
      at = found.index + 1;
    } else code += token[0] + blank(token.slice(1, -1)) + token.at(-1);
  }
}

const IMPORT = /\bfrom\s*['"]|\bimport\s*\(?\s*['"]/g;

/** Paths that a file imports, types included, relative to the root. Packages are left out. */
function importsOf({ path, text }: Source): string[] {
  const found: string[] = [];
  for (const match of codeOf(text).matchAll(IMPORT)) {
    const start = match.index + match[0].length;
    const name = text.slice(start, text.indexOf(match[0].at(-1)!, start));
    if (name.startsWith('.')) found.push(posix.join(posix.dirname(path), name));
  }
  return found;
}

const isTypeScript = ({ path }: Source): boolean => path.endsWith('.ts');
const folderOf = (path: string): string => (path.includes('/') ? path.split('/')[0]! : '');

// The checks

/** base <- sim <- kernel <- bpf <- scenarios <- cli; bench and test see all, and are not seen. */
const importOrder: Check = (sources) =>
  sources.filter(isTypeScript).flatMap((source) => {
    const from = folderOf(source.path);
    return importsOf(source)
      .filter((path) => !maySee(from, folderOf(path)))
      .map((path) => `${source.path} imports ${path}`);
  });

function maySee(from: string, to: string): boolean {
  if (to in SEEN_BY) return SEEN_BY[to]!.includes(from);
  const rank = ORDER.indexOf(from);
  return rank < 0 || ORDER.indexOf(to) <= rank;
}

/** Type imports count: a circle of types is still two files that cannot be read apart. */
const noCircles: Check = (sources) => {
  const edges = new Map(sources.filter(isTypeScript).map((s) => [s.path, importsOf(s)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) circles.push([...trail.slice(seenAt), path].join(' -> '));
    if (seenAt >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return circles;
};

/** An index.ts is for outsiders. */
const indexIsForOutsiders: Check = (sources) =>
  sources.filter(isTypeScript).flatMap((source) =>
    importsOf(source)
      .filter((path) => posix.basename(path) === 'index.ts')
      .filter((path) => source.path.startsWith(`${posix.dirname(path)}/`))
      .map((path) => `${source.path} imports ${path}`),
  );

/** Asked only where the program has its main file: before that, nothing is reached. */
const everyFileIsImported: Check = (sources) => {
  const files = sources.filter(isTypeScript);
  if (!files.some(({ path }) => path === 'cli/main.ts')) return [];
  const imported = new Set(files.flatMap(importsOf));
  return files
    .map(({ path }) => path)
    .filter((path) => folderOf(path) !== '' && !ENTRY.test(path) && !imported.has(path))
    .map((path) => `${path} is imported by no file`);
};

const importsExist: Check = (sources) => {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.filter(isTypeScript).flatMap((source) =>
    importsOf(source)
      .filter((path) => !paths.has(path))
      .map((path) => `${source.path} imports ${path}, which does not exist`),
  );
};

const filesAreShort: Check = (sources) =>
  sources
    .filter(isTypeScript)
    .map(({ path, text }) => ({ path, count: text.trimEnd().split('\n').length }))
    .filter(({ count }) => count > LINES_MAX)
    .map(({ path, count }) => `${path} has ${count} lines, at most ${LINES_MAX} are allowed`);

const linesAreShort: Check = (sources) =>
  sources.filter(isTypeScript).flatMap(({ path, text }) =>
    text
      .split('\n')
      .map((line, index) => ({ width: [...line].length, line: index + 1 }))
      .filter(({ width }) => width > COLUMNS_MAX)
      .map(({ width, line }) => `${path}:${line} has ${width} columns, at most ${COLUMNS_MAX}`),
  );

/** A name of the host, unless it is a property (`.process`) or a key (`process:`). */
const HOST = new RegExp(
  String.raw`(?<![.#\w$])(?:Math\s*\.\s*random\b|(?:${[
    'Date',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'performance',
    'process',
    'globalThis',
  ].join('|')})\b(?!\s*\??:))`,
  'g',
);

/** Nothing below the command line may know the host's clock, timers, process or randomness. */
const hostIsKeptOut: Check = (sources) =>
  sources
    .filter((source) => isTypeScript(source) && CORE.has(folderOf(source.path)))
    .flatMap(({ path, text }) => {
      const code = codeOf(text);
      return [...code.matchAll(HOST)].map((match) => {
        const line = code.slice(0, match.index).split('\n').length;
        return `${path}:${line} names ${match[0]}`;
      });
    });

/** What belongs to one machine or one person's set-up: absolute work places, package hosts. */
const PRIVATE: readonly RegExp[] = [
  /(?<![\w.$}-])\/(?:work|home\/\w+|Users\/\w+|scratch)\/\w/,
  /registry[.](?:npmjs|yarnpkg|npmmirror)|npm[.]pkg[.]github|artifactory[.]|verdaccio[.]|nexus[.]/i,
  /\bsub-?agents?\b|\b(?:ai|coding|llm|helper) (?:agent|assistant|session)s?\b/i,
  /"resolved": *"https?:/,
];

const nothingPrivate: Check = (sources) =>
  sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) =>
      PRIVATE.flatMap((pattern) => {
        const found = pattern.exec(line);
        return found ? [`${path}:${index + 1} says ${found[0]}`] : [];
      }),
    ),
  );

// The repository

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'coverage', '.git']);

function* pathsUnder(folder: string): Generator<string> {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = posix.join(folder, entry.name);
    if (SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory()) yield* pathsUnder(path);
    else if (entry.isFile()) yield path;
  }
}

/** Every file; what has a NUL is binary, and has no text. */
function repository(): Source[] {
  return [...pathsUnder('')]
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
    .map(({ path, text }) => ({ path, text: text.includes('\0') ? '' : text }));
}

// Made-up sources on which each check must complain, and on which it must not

const file = (path: string, ...lines: string[]): Source => ({ path, text: lines.join('\n') });
const importing = (path: string, ...names: string[]): Source =>
  file(path, ...names.map((name) => `import type { X } from '${name}';`));

interface Row {
  readonly name: string;
  readonly check: Check;
  readonly bad: readonly Source[];
  readonly complaint: string;
  readonly good: readonly Source[];
}

const ROWS: readonly Row[] = [
  {
    name: 'imports go only to the left, and nobody sees bench or test',
    check: importOrder,
    bad: [importing('sim/a.ts', '../kernel/b.ts')],
    complaint: 'sim/a.ts imports kernel/b.ts',
    good: [
      importing('kernel/a.ts', '../sim/b.ts', './c.ts'),
      importing('bench/a.ts', '../cli/b.ts'),
    ],
  },
  {
    name: 'nobody imports bench',
    check: importOrder,
    bad: [file('cli/a.ts', "const b = await import('../bench/b.ts');")],
    complaint: 'cli/a.ts imports bench/b.ts',
    good: [importing('test/bench/a.test.ts', '../../bench/b.ts')],
  },
  {
    name: 'no import circles, type imports included',
    check: noCircles,
    bad: [importing('sim/a.ts', './b.ts'), file('sim/b.ts', "export * from './a.ts';")],
    complaint: 'sim/a.ts -> sim/b.ts -> sim/a.ts',
    good: [importing('sim/a.ts', './b.ts', './c.ts'), importing('sim/b.ts', './c.ts')],
  },
  {
    name: 'index.ts is imported by no file of its own folder',
    check: indexIsForOutsiders,
    bad: [importing('sim/strategies/a.ts', '../index.ts')],
    complaint: 'sim/strategies/a.ts imports sim/index.ts',
    good: [importing('cli/a.ts', '../sim/index.ts')],
  },
  {
    name: 'every file is imported',
    check: everyFileIsImported,
    bad: [importing('cli/main.ts', '../sim/a.ts'), file('sim/a.ts'), file('sim/b.ts')],
    complaint: 'sim/b.ts is imported by no file',
    good: [importing('sim/index.ts', './a.ts'), file('sim/a.ts'), file('cli/main.ts')],
  },
  {
    name: 'every import leads to a file',
    check: importsExist,
    bad: [importing('sim/a.ts', './b.ts')],
    complaint: 'sim/a.ts imports sim/b.ts, which does not exist',
    good: [importing('sim/a.ts', './b.ts'), file('sim/b.ts', "// from './c.ts'")],
  },
  {
    name: `files have at most ${LINES_MAX} lines`,
    check: filesAreShort,
    bad: [file('sim/a.ts', ...Array<string>(LINES_MAX + 1).fill('a;'))],
    complaint: `sim/a.ts has ${LINES_MAX + 1} lines, at most ${LINES_MAX} are allowed`,
    good: [file('sim/a.ts', ...Array<string>(LINES_MAX).fill('a;'), '')],
  },
  {
    name: `lines have at most ${COLUMNS_MAX} columns`,
    check: linesAreShort,
    bad: [file('sim/a.ts', '', 'x'.repeat(COLUMNS_MAX + 1))],
    complaint: `sim/a.ts:2 has ${COLUMNS_MAX + 1} columns, at most ${COLUMNS_MAX}`,
    good: [file('sim/a.ts', '…'.repeat(COLUMNS_MAX))],
  },
  {
    name: 'the core does not name the host',
    check: hostIsKeptOut,
    bad: [file('kernel/a.ts', '', 'const odds = `${Math.random()}`;')],
    complaint: 'kernel/a.ts:2 names Math.random',
    good: [
      file('sim/a.ts', '// a Date', "const a = 'setTimeout' + `Math.random() ${b.process}`;"),
      file('sim/b.ts', 'const half = a / 2; // process', 'const r = /process[/]/.test(b) / 2;'),
      file('cli/a.ts', 'process.exit(Date.now());'),
    ],
  },
  {
    name: 'no file names a private place, person or package host',
    check: nothingPrivate,
    bad: [file('docs/A.md', `see ${['', 'work', 'main'].join('/')}`)],
    complaint: `docs/A.md:1 says ${['', 'work', 'm'].join('/')}`,
    good: [file('docs/A.md', 'kernel/work/queue.ts, ../work/a, a session of a terminal')],
  },
];

describe('the checks', () => {
  test.each(ROWS)('complain: $name', ({ check, bad, complaint }) => {
    expect(check(bad)).toContain(complaint);
  });

  test.each(ROWS)('keep quiet: $name', ({ check, good }) => {
    expect(check(good)).toEqual([]);
  });

  test.each(['Date', 'setTimeout', 'setInterval', 'setImmediate', 'performance', 'process'])(
    'know %s',
    (name) => {
      for (const folder of CORE) {
        expect(hostIsKeptOut([file(`${folder}/a.ts`, `x(${name});`)])).toHaveLength(1);
      }
    },
  );

  test.each([
    `https://${['registry', 'npmjs', 'org'].join('.')}/a`,
    `written by a ${['sub', 'agent'].join('')}`,
    `"resolved": ${['"https', '//example.org/a.tgz"'].join(':')}`,
  ])('find %s', (text) => {
    expect(nothingPrivate([file('a.md', text)])).not.toEqual([]);
  });

  test('read code, not comments, strings or templates', () => {
    const text = "a /* b */ + 'c\\'d' + `e ${f({ g: `h` })} i` / + /j'[/]/ // k";
    expect(codeOf(text).replace(/\s+/g, ' ')).toBe("a + ' ' + ` ${f({ g: ` ` })} ` / + / / ");
    expect(codeOf(text)).toHaveLength(text.length);
  });
});

describe('the repository', () => {
  const sources = repository();

  test('was found', () => {
    expect(sources.map(({ path }) => path)).toContain('package.json');
  });

  test.each(ROWS)('$name', ({ check }) => {
    expect(check(sources)).toEqual([]);
  });
});
