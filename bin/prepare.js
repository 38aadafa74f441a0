// What npm runs after `npm ci` in a checkout, and before packing: the build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const tsc = new URL('node_modules/typescript/bin/tsc', root);

// `npx bohrbug` in a checkout links the checkout into npm's cache, and so comes here too. A failure
// then would leave the cache broken for good; there is nothing to build for a run in any case.
const fromNpx = process.env.npm_command === 'exec';

// Without its development dependencies (`npm ci --omit=dev`) there is nothing to build with.
const canBuild = existsSync(tsc) && existsSync(new URL('node_modules/@types/node', root));

if (!fromNpx && canBuild) {
  const args = [fileURLToPath(tsc), '-p', 'tsconfig.build.json'];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}
