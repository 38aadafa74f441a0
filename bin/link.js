// npm links the bins of dependencies but not those of the package it stands in. With this link
// `npx bohrbug` in a checkout finds the checkout's own, without asking a registry.
import { chmodSync, existsSync, lstatSync, rmSync, symlinkSync } from 'node:fs';

const bins = new URL('../node_modules/.bin/', import.meta.url);
const link = new URL('bohrbug', bins);

// On Windows npm falls back to the package's own bin by itself, only slower.
if (existsSync(bins) && process.platform !== 'win32') {
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  symlinkSync('../../bin/bohrbug.js', link);
  chmodSync(new URL('bohrbug.js', import.meta.url), 0o755);
}
