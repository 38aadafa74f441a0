import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FdWorld } from '../../kit/fd-world.ts';
import { makeMap, MapUser } from '../../kit/map-user.ts';

const text = readFileSync(new URL('../../data/bpf-lru.txt', import.meta.url), 'utf8');
const traces = text.split('\nmap ').slice(1);

test.each(traces)('an LRU map evicts what that of Linux 7.2 evicts: %#', (trace) => {
  const [head, ...lines] = trace.trim().split('\n');
  const [type, flags, maxEntries] = head!.split(' ').map(Number);
  const w: FdWorld = new FdWorld({
    cpus: 1,
    processes: {
      *A() {
        const shape = { type: type!, flags: flags!, maxEntries: maxEntries! };
        const map = yield* makeMap(w.world.bpf.maps, shape);
        const user = new MapUser(w.kernel, map);
        for (const line of lines) {
          const [ops, left] = line.split(' => ');
          for (const op of ops!.split(' ')) {
            if (op[0] === '+') yield* user.set(Number(op.slice(1)), [1n]);
            else yield* user.remove(Number(op.slice(1)));
          }
          const keys = (yield* user.keys()).toSorted((a, b) => a - b);
          expect(keys.join(' ')).toBe(left);
        }
      },
    },
  });
  w.run();
});
