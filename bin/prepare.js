// What npm runs after `npm ci` in a checkout, and before packing: the build.
import { existsSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const tsc = new URL('node_modules/typescript/bin/tsc', root);

// `npx bohrbug` in a checkout links the checkout into npm's cache, and so comes here too. A failure
// then would leave the cache broken for good; there is nothing to build for a run in any case.
const fromNpx = process.env.npm_command === 'exec';

// Without its development dependencies (`npm ci --omit=dev`) there is nothing to build with.
const canBuild = existsSync(tsc) && existsSync(new URL('node_modules/@types/node', root));

if (!fromNpx && canBuild) await import('./build.js');
