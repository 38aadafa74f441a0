#!/usr/bin/env node
// The launcher: plain JavaScript, so that it runs before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);

if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('bohrbug: not built yet; run `npm ci` or `npm run build` here first\n');
  process.exitCode = 70;
}
