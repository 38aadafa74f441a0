import { readFile } from 'node:fs/promises';
import { defineConfig } from 'vitest/config';

/** `import bytes from './x.bpf.o'`, as the bundler's binary loader has it. */
const objects = {
  name: 'objects',
  enforce: 'pre' as const,
  async load(id: string) {
    if (!id.endsWith('.o')) return null;
    const base64 = (await readFile(id)).toString('base64');
    return `export default Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0));`;
  },
};

export default defineConfig({
  plugins: [objects],
  test: {
    include: ['test/**/*.test.ts', 'docs/examples/*.test.ts'],
    exclude: ['node_modules', 'dist', 'build'],
    // One module graph for all files of a worker: the core keeps no state between runs.
    pool: 'threads',
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
