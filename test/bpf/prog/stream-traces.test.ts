import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Attr } from '../../../bpf/user/attr.ts';
import { CMD } from '../../../bpf/uapi.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { intAt } from '../../../scenarios/user-memory.ts';

const DATA = new URL('../../data/', import.meta.url);
/** struct bpf_prog_info */
const INFO_BYTES = 232;
const NR_PROG_TAGS = 180;
const PROG_TAGS = 184;

/** A call trace of the real kernel, as a pattern of the simulated one's. */
interface Row {
  readonly path: string;
  readonly program: string;
  readonly lines: readonly string[];
}

function rows(): Row[] {
  const text = readFileSync(new URL('bpf-traces.txt', DATA), 'utf8');
  const [, ...parts] = text.split(/^== /m);
  return parts.map((part) => {
    const [head, ...lines] = part.trimEnd().split('\n');
    const [path, program] = head!.split(' ') as [string, string];
    return { path, program, lines };
  });
}

/** Without what differs from kernel to kernel: offsets, and the tags that BTF ids make differ. */
function plain(line: string, row: Row): string {
  const name = line.replace(/\+0x[0-9a-f]+\/0x[0-9a-f]+$/, '');
  return row.lines.includes(name) ? name : name.replace(/^bpf_prog_[0-9a-f]{16}_/, 'bpf_prog_*_');
}

describe.each(['interp', 'jit'] as const)('03 R32: call traces as in Linux 7.2, %s', (engine) => {
  test.each(rows())('$path $program', (row) => {
    const sandbox = new BpfSandbox({ cpus: 1, bpf: { engine } });
    const bytes = new Uint8Array(readFileSync(new URL(row.path, DATA)));
    const object = sandbox.openBytes(bytes, row.path);
    for (const each of object.object.programs) each.isWanted = each.name === row.program;
    object.load();
    object.programs[row.program]!.run();
    const said = object.programs[row.program]!.stream('stderr');
    const [head, trace] = said.split('Call trace:\n') as [string, string];
    expect(head).toMatch(/CPU: 0 UID: 0 PID: \d+ Comm: shell\n$/);
    const lines = trace.split('\n\n')[0]!.split('\n');
    expect(lines.map((line) => plain(line, row))).toEqual(row.lines);
  });
});

test('tags of functions, by index: those that depend on no address are as in Linux 7.2', () => {
  const sandbox = new BpfSandbox({ cpus: 1 });
  const path = 'objects/traces.clang-22-v3.o';
  const object = sandbox.openBytes(new Uint8Array(readFileSync(new URL(path, DATA))), path);
  for (const each of object.object.programs) each.isWanted = each.name === 'prints';
  object.load();
  const { fd } = object.object.program('prints');
  const tags = sandbox.run(function* (p) {
    const room = p.mmap();
    const info = new Attr(INFO_BYTES).u32(NR_PROG_TAGS, 8).u64(PROG_TAGS, room).bytes;
    yield* p.poke(room + 2_048, info);
    const attr = new Attr(16)
      .u32(0, fd)
      .u32(4, INFO_BYTES)
      .u64(8, room + 2_048).bytes;
    yield* p.poke(room + 1_024, attr);
    p.ok(yield* p.sys('bpf', CMD.OBJ_GET_INFO_BY_FD, room + 1_024, attr.length));
    const count = intAt((yield* p.peek(room + 2_048 + NR_PROG_TAGS, 4))!, 0);
    return Buffer.from((yield* p.peek(room, 8 * count))!)
      .toString('hex')
      .match(/.{16}/g)!;
  });
  expect(tags).toHaveLength(3);
  expect(tags).toContain('f8d44a1e0b283126');
});
