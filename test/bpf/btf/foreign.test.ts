import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { encodeBtf } from '../../../bpf/btf/encode.ts';
import { idOf, sizeOf } from '../../../bpf/btf/resolve.ts';
import type { Btf, BtfType } from '../../../bpf/btf/types.ts';
import { useForeignBtf } from '../../../bpf/foreign.ts';
import { task_struct } from '../../../kernel/structs.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { bohrbug } from '../../cli/kit.ts';
import { COMPILERS, compiledBytes, type Compiler } from '../../kit/compiled.ts';

const HOST = '/sys/kernel/btf/vmlinux';
const FRONT_BYTES = 400;

/** The kernel's types, with every struct's members in another order behind much else. */
function shuffled(btf: Btf): Btf {
  const long = btf.types.findIndex((type) => type?.kind === 'int' && type.sizeBytes === 8);
  const types = btf.types.map((type): BtfType | undefined => {
    if (type?.kind !== 'struct' || !['task_struct', 'signal_struct', 'file'].includes(type.name)) {
      return type;
    }
    let end = FRONT_BYTES;
    const members = type.members.toReversed().map((member) => {
      const bitOffset = end * 8;
      end = Math.ceil((end + sizeOf(btf, member.type)) / 8) * 8;
      return { ...member, bitOffset };
    });
    const front = { name: 'unmodelled', type: long, bitOffset: 64, bits: 0 };
    return { ...type, members: [front, ...members], sizeBytes: end };
  });
  return makeBtf(types);
}

const foreign = encodeBtf(shuffled(new BpfSandbox().bpf.btf));

function traced(by: Compiler) {
  const bpf = new BpfSandbox({ images: { *'/bin/true'() {} } });
  const object = bpf.openBytes(compiledBytes('foreign', by), 'foreign.bpf.o').load().attach();
  const [shell, child] = bpf.run(function* (p) {
    const pid = p.ok(
      yield* p.fork(function* (c) {
        yield* c.exec('/bin/true');
      }),
    );
    p.ok(yield* p.wait(pid));
    return [yield* p.getpid(), pid] as const;
  });
  expect(object.variable('pid')).toBe(BigInt(child));
  expect(object.variable('parent')).toBe(BigInt(shell));
  expect(object.variable('comm') & 0xffff_ffffn).toBe(0x6575_7274n); // true
  expect(object.variable('pid_offset')).toBe(BigInt(task_struct.off.pid));
  const { btf } = bpf.bpf;
  expect(object.variable('task_bytes')).toBe(
    BigInt(sizeOf(btf, idOf(btf, 'task_struct', 'struct'))),
  );
  return object;
}

describe.each(COMPILERS)('an object of %s finds its fields', (by) => {
  test('where this kernel has them', () => {
    const object = traced(by);
    expect(object.variable('has_unmodelled')).toBe(0n);
    expect(object.variable('unmodelled')).toBe(1n);
  });

  test('where another kernel has them; what is not simulated reads zero', () => {
    const before = task_struct.off.pid;
    const types = useForeignBtf(foreign, 'foreign.btf');
    try {
      expect(task_struct.off.pid).toBeGreaterThanOrEqual(FRONT_BYTES);
      const object = traced(by);
      expect(object.variable('has_unmodelled')).toBe(1n);
      expect(object.variable('unmodelled')).toBe(0n);
    } finally {
      types.undo();
    }
    expect(task_struct.off.pid).toBe(before);
  });

  test.skipIf(!existsSync(HOST))('where the kernel of this machine has them', () => {
    const types = useForeignBtf(new Uint8Array(readFileSync(HOST)), HOST);
    try {
      expect(traced(by).variable('has_unmodelled')).toBe(0n);
    } finally {
      types.undo();
    }
  });
});

describe('--btf', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bohrbug-btf-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'vmlinux.btf');
  writeFileSync(file, foreign);

  test.each(['exec-events', 'wake-latency', 'ping-pong'])('run %s', async (name) => {
    const ran = await bohrbug(['run', name, '--btf', file]);
    expect(ran).toMatchObject({ code: 0, err: '' });
  });

  test('explore finds the same; what it prints to replay it does', async () => {
    const found = await bohrbug(['explore', 'autofs-closemount', '--btf', file]);
    expect(found.code).toBe(0);
    const [, token] = /replay: +bohrbug replay (\S+) --btf \S+$/.exec(found.out) ?? [];
    const replayed = await bohrbug(['replay', token!, '--btf', file, '--json']);
    expect(replayed.code).toBe(0);
    expect(replayed.json()).toMatchObject({ failure: { kind: 'use-after-free' } });
    expect((await bohrbug(['trace', token!, '--btf', file])).code).toBe(0);
  });

  test.each([
    ['nowhere', 'no such file'],
    ['text', 'BTF: hdr_len not found'],
    ['cut.btf', 'BTF: Total section length too long'],
  ])('of %s', async (given, message) => {
    writeFileSync(join(folder, 'text'), 'not BTF\n');
    writeFileSync(join(folder, 'cut.btf'), foreign.subarray(0, foreign.length / 2));
    const ran = await bohrbug(['run', 'ping-pong', '--btf', given], { cwd: folder });
    expect(ran).toMatchObject({ code: 2, out: '', err: `bohrbug: ${given}: ${message}` });
    expect((await bohrbug(['run', 'ping-pong'])).code).toBe(0);
  });
});
