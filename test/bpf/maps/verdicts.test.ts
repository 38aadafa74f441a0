import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as errnos from '../../../kernel/errno.ts';
import { bpfSolo } from '../../kit/bpf.ts';

const text = readFileSync(new URL('../../data/bpf-map-verdicts.txt', import.meta.url), 'utf8');
const groups = text.split('\nnew\n').slice(1);

function nameOf(result: number): string {
  if (result >= 0) return 'ok';
  const found = Object.entries(errnos).find(([, value]) => value === -result);
  return found?.[0] ?? String(result);
}

test.each(groups)('maps answer bpf(2) as those of Linux 7.2 do: %#', (group) => {
  const wrong: string[] = [];
  bpfSolo(function* (bpf) {
    for (const row of group.split('\n')) {
      const found = /^(.*) # (.*) => (.*)$/.exec(row);
      if (!found) continue;
      const [, line, note, expected] = found;
      const said = nameOf((yield* bpf.call(line!)).result);
      if (said !== expected) wrong.push(`${note}: ${said}, not ${expected}`);
    }
  });
  expect(wrong).toEqual([]);
});
