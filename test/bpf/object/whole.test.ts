import { describe, expect, test } from 'vitest';
import { CMD } from '../../../bpf/uapi.ts';
import { LoadError } from '../../../bpf/user/load-error.ts';
import { ENGINE_CHOICES } from '../../../bpf/vm/select.ts';
import { EINVAL } from '../../../kernel/errno.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import { COMPILERS, compiledBytes, type Compiler } from '../../kit/compiled.ts';

function opened(by: Compiler, engine: (typeof ENGINE_CHOICES)[number]) {
  const bpf = new BpfSandbox({ bpf: { engine } });
  return { bpf, object: bpf.openBytes(compiledBytes('whole', by), 'whole.bpf.o') };
}

const signed = (object: TestObject, name: string): bigint =>
  BigInt.asIntN(64, object.variable(name));

const MATRIX = COMPILERS.flatMap((by) => ENGINE_CHOICES.map((engine) => [by, engine] as const));

describe.each(MATRIX)('an object of %s, %s', (by, engine) => {
  test('computes', () => {
    const object = opened(by, engine).object.set('seed', 51).load();
    const { arithmetic } = object.programs;
    expect(arithmetic!.run().retval).toBe(51 + 1 + 1000);
    expect(signed(object, 'quotient')).toBe(-9n);
    expect(signed(object, 'rest')).toBe(-2n);
    expect(signed(object, 'extended')).toBe(-3n);
    expect(object.variable('swapped')).toBe(0x4433_2211n);
    expect(object.variable('exchanged')).toBe(0n);
    expect(object.variable('sum')).toBe(7n);
    expect(object.variable('added')).toBe(13n);
  });

  test('has its maps, their initial slots, callbacks and tail calls', () => {
    const object = opened(by, engine).object.set('limit', 6).load();
    expect(object.programs['maps_and_calls']!.run().retval).toBe(5);
    expect(object.variable('sum')).toBe(0n + 1n + 4n + 9n + 16n + 25n);
    expect(object.variable('walked')).toBe(6n);
    expect(object.variable('after_tail')).toBe(55n + 6n);
    expect(object.map('squares').number(5)).toBe(25n);
    expect(object.map('squares').entries()).toHaveLength(6);
    expect(object.map('small').number(0)).toBe(3n);
    expect(object.map('large').number(0)).toBe(5n);
    expect(object.programs['tail']!.run().retval).toBe(5);
  });

  test('is heard through perf buffers', () => {
    const { bpf, object } = opened(by, engine);
    object.load().attach();
    const samples = object.map('samples');
    expect(() => samples.read()).toThrow(
      "map 'samples' is a perf event array: listen() comes before read()",
    );
    const calls = (count: number) =>
      bpf.run(function* (p) {
        for (let i = 0; i < count; i++) yield* p.getpid();
      });
    calls(1);
    samples.listen();
    calls(2);
    const record = [39, 0, 0, 0, 0, 0, 0, 0];
    // The size in front makes the raw data end at 8 bytes: four more.
    expect(samples.read().map((bytes) => [...bytes.subarray(0, 8)])).toEqual([record, record]);
    expect(samples.read()).toEqual([]);
    calls(3);
    expect(samples.read()).toHaveLength(3);
    object.destroy();
  });

  test('finds what it wants of the kernel', () => {
    const { bpf, object } = opened(by, engine);
    object.load().programs['kernel']!.run();
    const { pid, parent } = bpf.run(function* (p) {
      return { pid: yield* p.getpid(), parent: yield* p.getppid() };
    });
    expect(object.variable('version')).toBe(0x07_0200n);
    expect(object.variable('never')).toBe(0n);
    expect(object.variable('own_pid')).toBe(BigInt(pid));
    expect(object.variable('own_parent')).toBe(BigInt(parent));
    expect(object.variable('has_old')).toBe(0n);
    expect(object.variable('has_struct')).toBe(0n);
    expect(object.variable('has_never')).toBe(0n);
    expect(object.variable('hash_type')).toBe(1n);
    expect(object.variable('from_pid')).toBe(BigInt(pid));
  });
});

/** struct bpf_prog_info of a program: as the caller gave it, filled in. */
function infoOf(bpf: BpfSandbox, fd: number, given: (at: (offset: number) => DataView) => void) {
  return bpf.run(function* (p) {
    const { port } = p;
    port.begin();
    const room = port.reserve(32 * 8);
    const info = new Uint8Array(232);
    const view = new DataView(info.buffer);
    given((offset) => {
      view.setBigUint64(offset, BigInt(room), true);
      return view;
    });
    const at = yield* port.put(info);
    const attr = new DataView(new ArrayBuffer(16));
    attr.setUint32(0, fd, true);
    attr.setUint32(4, info.length, true);
    attr.setBigUint64(8, BigInt(at), true);
    const addr = yield* port.put(new Uint8Array(attr.buffer));
    const result = yield* port.sys('bpf', CMD.OBJ_GET_INFO_BY_FD, addr, 16);
    const filled = port.take(at, info.length);
    return { result, info: new DataView(filled.slice().buffer), records: port.take(room, 32 * 8) };
  });
}

test.each(COMPILERS)('an object of %s: functions and lines are told again', (by) => {
  const { bpf, object } = opened(by, 'auto');
  object.load();
  const { fd, spec } = object.object.programs.find(({ name }) => name === 'maps_and_calls')!;
  const { result, info, records } = infoOf(bpf, fd, (at) => {
    at(136).setUint32(144, 32, true);
    at(136).setUint32(132, 8, true);
  });
  expect(result).toBe(0);
  const count = info.getUint32(144, true);
  expect(count).toBeGreaterThanOrEqual(4);
  expect([132, 172, 176].map((at) => info.getUint32(at, true))).toEqual([8, 16, 8]);
  expect(info.getUint32(148, true)).toBeGreaterThan(count);
  const words = new Uint32Array(records.slice().buffer);
  const { types } = object.object.spec.btf!;
  const names = Array.from({ length: count }, (_, i) => types[words[2 * i + 1]!]!.name);
  expect(names[0]).toBe(spec.name);
  expect(names).toContain('each_index');
  expect(words[0]).toBe(0);
  const wrong = infoOf(bpf, fd, (at) => at(136).setUint32(132, 12, true));
  expect(wrong.result).toBe(-EINVAL);
});

describe.each(COMPILERS)('an object of %s that wants what is not there', (by) => {
  function loading(program: string): LoadError {
    const { object } = opened(by, 'auto');
    for (const each of object.object.programs) each.isWanted = each.name === program;
    try {
      object.load();
    } catch (error) {
      if (error instanceof LoadError) return error;
      throw error;
    }
    throw new Error(`${program} was loaded`);
  }

  test('a field: libbpf names type and field', () => {
    const lines = loading('missing').message.split('\n');
    expect(lines[0]).toMatch(/prog 'missing' is not loaded: -EINVAL$/);
    const at = lines.findIndex((line) => /^\d+: <invalid CO-RE relocation>$/.test(line));
    expect(lines[at + 1]).toMatch(
      /^failed to resolve CO-RE relocation <byte_off> \[\d+\] struct task_struct\.no_such_field /,
    );
    expect(lines[at + 1]).toMatch(/ \(0:2 @ offset 8\)$/);
    expect(lines[at + 2]).toMatch(/^processed \d+ insns /);
  });

  test('the same where a guard does not hold', () => {
    const { object } = opened(by, 'auto');
    expect(() => object.set('wants_missing', 1).load()).toThrow(
      /struct task_struct\.no_such_field \(0:2 @ offset 8\)/,
    );
  });

  test('a function to be attached to', () => {
    expect(loading('nowhere').message).toMatch(
      /prog 'nowhere': failed to find kernel BTF type ID of 'no_such_function': -ESRCH/,
    );
  });
});
