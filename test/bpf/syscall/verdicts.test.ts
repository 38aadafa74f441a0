import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as errnos from '../../../kernel/errno.ts';
import { cred } from '../../../kernel/structs.ts';
import { bpfSolo, le32, textOf, type BpfCaller } from '../../kit/bpf.ts';
import type { FdWorld } from '../../kit/fd-world.ts';
import type { Sim } from '../../../sim/request.ts';

const LOG_BUF = 32;
const BTF_LOG_BUF = 8;
const TEST_RUN_RETVAL = 4;
const ELEM_VALUE = 16;
/** The end of a log, which some messages have no line end before. */
const STATISTICS = /processed \d+ insns /;

interface Case {
  readonly line: string;
  readonly note: string;
  readonly expected: string;
}

const text = readFileSync(new URL('../../data/bpf-verdicts.txt', import.meta.url), 'utf8');
const groups = text.split('\nnew\n').slice(1);

function nameOf(result: number): string {
  if (result >= 0) return 'ok';
  const found = Object.entries(errnos).find(([, value]) => value === -result);
  return found?.[0] ?? String(result);
}

function* answer(bpf: BpfCaller, { line, expected }: Case): Sim<string> {
  const { result, out, attr } = yield* bpf.call(line);
  let said = nameOf(result);
  if (expected.includes('retval')) said += ` retval ${le32(attr, TEST_RUN_RETVAL)}`;
  if (expected.includes('value ') && result >= 0) {
    said += ` value ${Buffer.from(out.get(ELEM_VALUE)!).toString('hex')}`;
  }
  if (!expected.includes(';')) return said;
  const log = textOf((out.get(LOG_BUF) ?? out.get(BTF_LOG_BUF))!)
    .split(STATISTICS)[0]!
    .split('\n');
  const lines = log.filter((each) => each !== '');
  return `${said}; ${lines.at(-1) ?? ''}`;
}

function setCaps(world: FdWorld, mask: bigint): void {
  const { memory } = world.kernel.machine;
  memory.unwatched(() => {
    cred.at(memory, world.kernel.sched.current.s.cred).cap_effective = mask;
  });
}

test.each(groups)('bpf(2) answers as Linux 7.2 does: %#', (group) => {
  const wrong: string[] = [];
  bpfSolo(function* (bpf, p, world) {
    for (let fd = 0; fd < 3; fd++) p.ok(yield* p.eventfd());
    for (const line of group.split('\n')) {
      const found = /^(.*) # (.*) => (.*)$/.exec(line);
      const [word, name, ...words] = line.split(' ');
      if (word === 'def') bpf.define(name!, words.join(' '));
      else if (word === 'user') setCaps(world, BigInt(`0x${name}`));
      if (!found) continue;
      const row = { line: found[1]!, note: found[2]!, expected: found[3]! };
      const said = yield* answer(bpf, row);
      if (said !== row.expected) wrong.push(`${row.note}: ${said}, not ${row.expected}`);
    }
  });
  expect(wrong).toEqual([]);
});
