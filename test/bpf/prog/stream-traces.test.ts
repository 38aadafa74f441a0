import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';

const DATA = new URL('../../data/', import.meta.url);

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
