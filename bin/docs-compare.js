// `npm run docs:compare`: writes docs/COMPARISONS.md out of what the comparisons say now.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NAMES = ['runtime-protection', 'registered-writes'];
const HEAD = `# Comparisons

What \`bohrbug compare\` says, written by \`npm run docs:compare\`. Every cell is what runs in simulated
time have shown, never a constant: the same commands give the same cells everywhere. Of spec 03 R36 and
R37 the first two tables, of spec 05 R1 and R34 the others.
`;

const parts = NAMES.map((name) => {
  const args = [join(ROOT, 'bin/bohrbug.js'), 'compare', name, '--markdown'];
  const made = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (made.status !== 0) {
    process.stderr.write(made.stderr);
    process.exit(1);
  }
  return made.stdout.trimEnd();
});
writeFileSync(join(ROOT, 'docs/COMPARISONS.md'), `${[HEAD, ...parts].join('\n\n')}\n`);
