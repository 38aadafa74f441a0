import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { btf_parse } from '../../../bpf/btf/decode.ts';
import { kconfigData } from '../../../bpf/object/kconfig.ts';
import { mapDefinition } from '../../../bpf/object/maps.ts';
import { openObject } from '../../../bpf/object/open.ts';
import { Relocator } from '../../../bpf/object/relocate.ts';
import { sectionInfo } from '../../../bpf/object/sections.ts';
import { BtfBuilder, coreTarget, member } from '../../kit/core-target.ts';
import { compiled, compiledBytes, COMPILERS } from '../../kit/compiled.ts';
import { mutated } from '../../kit/mutate.ts';

describe.each(COMPILERS)('an object by %s', (by) => {
  const object = compiled('features', by);
  const map = (name: string) => object.maps.find(({ definition }) => definition.name === name)!;

  test('programs are the functions of sections, .text apart', () => {
    const rows = object.programs.map(({ name, info }) => [name, info?.type, info?.optional]);
    assert.deepEqual(rows, [
      ['tail', 'RAW_TRACEPOINT', false],
      ['first', 'TRACEPOINT', false],
      ['optional', 'TRACING', true],
      ['externs', 'SYSCALL', false],
    ]);
    assert.equal(object.license, 'Dual MIT/GPL');
    assert.equal(object.name, 'features');
  });

  test('maps are what their declarations say', () => {
    const rows = object.maps.map(({ definition }) => {
      const { name, type, keySize, valueSize, maxEntries, flags } = definition;
      return `${name} ${type} ${keySize} ${valueSize} ${maxEntries} ${flags}`;
    });
    assert.deepEqual(rows.toSorted(), [
      '.data.special 2 4 4 1 1024',
      'calls 3 4 4 8 0',
      'counts 1 8 24 1024 1',
      'events 27 0 0 262144 0',
      'feature.kconfig 2 4 30 1 1152',
      'features.bss 2 4 16 1 1024',
      'features.data 2 4 4 1 1024',
      'features.rodata 2 4 10 1 1152',
      'inner_a 2 4 8 2 0',
      'inner_b 2 4 8 2 0',
      'outer 12 4 4 4 0',
      'pinned 2 4 24 3 0',
    ]);
    assert.equal(map('pinned').definition.isPinned, true);
    assert.equal(map('outer').definition.inner?.valueSize, 8);
    const types = [map('counts').definition.keyTypeId, map('counts').definition.valueTypeId];
    assert.deepEqual(
      types.map((id) => object.btf!.types[id]?.name),
      ['key', 'value'],
    );
  });

  test('slots that are filled at the start are known by key', () => {
    const index = (name: string): number => object.maps.indexOf(map(name));
    assert.deepEqual(map('outer').slots, [
      { key: 0, target: { map: index('inner_b') } },
      { key: 3, target: { map: index('inner_a') } },
    ]);
    assert.deepEqual(map('calls').slots, [{ key: 5, target: { program: 'tail' } }]);
  });

  test('data is what the variables begin with', () => {
    const { data, variables } = map('features.rodata');
    const label = variables.get('label')!;
    const text = data!.subarray(label.offsetBytes, label.offsetBytes + label.sizeBytes);
    assert.equal(String.fromCharCode(...text), 'label\0');
    assert.deepEqual([...map('features.bss').data!], Array<number>(16).fill(0));
  });

  test('its BTF is such that the kernel takes it, with the sizes of its data', () => {
    const btf = btf_parse(object.btfBytes!);
    const sections = new Map(
      btf.types.flatMap((type) => (type?.kind === 'datasec' ? [[type.name, type]] : [])),
    );
    assert.equal(sections.get('.bss')!.sizeBytes, 16);
    assert.equal(sections.get('.kconfig')!.sizeBytes, 30);
    assert.equal(sections.get('.ksyms')!.sizeBytes, 5 * 4);
    const linkage = (name: string): string | undefined => {
      const type = btf.types[btf.idsOf(name)[0]!];
      return type?.kind === 'func' ? type.linkage : undefined;
    };
    assert.deepEqual(['middle', 'hidden_global'].map(linkage), ['global', 'static']);
    const { types } = object.btf!;
    assert.deepEqual(
      btf.types.slice(0, types.length).map((row) => row?.name),
      types.map((row) => row?.name),
    );
  });

  describe('the kernel configuration', () => {
    const config = {
      LINUX_KERNEL_VERSION: '0x70200',
      CONFIG_SMP: 'y',
      CONFIG_MODULE: 'm',
      CONFIG_NAME: '"a name that is cut"',
    };
    const filled = (more: Record<string, string> = {}): Uint8Array =>
      kconfigData(object, new Map(Object.entries({ ...config, ...more })));

    test('fills the variables that ask for it; what is weak and not set is 0', () => {
      const data = filled({ CONFIG_HZ: '250' });
      const bytesOf = (name: string): number[] => {
        const { offsetBytes, sizeBytes } = object.externs.find((row) => row.name === name)!;
        return [...data.subarray(offsetBytes, offsetBytes + sizeBytes)];
      };
      assert.deepEqual(bytesOf('LINUX_KERNEL_VERSION'), [0, 2, 7, 0]);
      assert.deepEqual(bytesOf('CONFIG_SMP'), [1]);
      assert.deepEqual(bytesOf('CONFIG_MODULE'), [2, 0, 0, 0]);
      assert.deepEqual(bytesOf('CONFIG_HZ'), [250, 0, 0, 0]);
      assert.equal(String.fromCharCode(...bytesOf('CONFIG_NAME')), 'a name t\0');
      assert.deepEqual(bytesOf('CONFIG_ABSENT'), Array<number>(8).fill(0));
    });

    test('is an input error where a value is missing or is of another type', () => {
      const rows: [Record<string, string>, RegExp][] = [
        [{ CONFIG_SMP: 'm' }, /'CONFIG_SMP': value 'm' implies tristate or char/],
        [{ CONFIG_SMP: '2' }, /value '2' isn't boolean compatible/],
        [{ CONFIG_HZ: 'y' }, /'CONFIG_HZ': value 'y' implies bool, tristate, or char/],
        [{ CONFIG_HZ: '"x"' }, /implies char array/],
        [{ CONFIG_HZ: '4294967296' }, /doesn't fit in 4 bytes/],
        [{ CONFIG_HZ: 'many' }, /isn't a valid integer/],
        [{ CONFIG_NAME: '"x' }, /invalid string config/],
      ];
      const isSaid = (message: RegExp) => (error: unknown) =>
        error instanceof InputError && message.test(error.message);
      for (const [more, message] of rows) assert.throws(() => filled(more), isSaid(message));
      assert.throws(() => kconfigData(object, new Map()), isSaid(/not resolved/));
    });
  });
});

test('the name of a section says what its programs are', () => {
  const rows: [string, string | undefined][] = [
    ['socket', 'SOCKET_FILTER   none'],
    ['kprobe/do_exit', 'KPROBE  do_exit kprobe'],
    ['tp/sched/sched_switch', 'TRACEPOINT  sched/sched_switch tracepoint'],
    ['tracepoint/sched/sched_switch', 'TRACEPOINT  sched/sched_switch tracepoint'],
    ['raw_tp/sys_enter', 'RAW_TRACEPOINT  sys_enter raw_tracepoint'],
    ['raw_tp.w/sys_enter', 'RAW_TRACEPOINT_WRITABLE  sys_enter raw_tracepoint'],
    ['tp_btf/sched_switch', 'TRACING TRACE_RAW_TP sched_switch trace'],
    ['?fentry/f', 'TRACING TRACE_FENTRY f trace optional'],
    ['fentry.s/f', 'TRACING TRACE_FENTRY f trace sleepable'],
    ['fexit/f', 'TRACING TRACE_FEXIT f trace'],
    ['fmod_ret/f', 'TRACING MODIFY_RETURN f trace'],
    ['fentry', 'TRACING TRACE_FENTRY  trace'],
    ['lsm/file_open', 'LSM LSM_MAC file_open lsm'],
    ['iter/task', 'TRACING TRACE_ITER task iter'],
    ['syscall', 'SYSCALL   none sleepable'],
    ['xdp', 'XDP XDP  none'],
    ['xdp.frags/devmap', 'XDP XDP_DEVMAP  none'],
    ['tc', 'SCHED_CLS   none'],
    ['tcx/ingress', 'SCHED_CLS TCX_INGRESS  none'],
    ['cgroup_skb/egress', 'CGROUP_SKB CGROUP_INET_EGRESS  none'],
    ['struct_ops/init', 'STRUCT_OPS  init none'],
    ['perf_event', 'PERF_EVENT   none'],
    ['fentryx', undefined],
    ['xdp/other', undefined],
    ['??xdp', undefined],
    ['', undefined],
  ];
  for (const [name, expected] of rows) {
    const info = sectionInfo(name);
    const flags = info ? [info.optional && 'optional', info.sleepable && 'sleepable'] : [];
    const words = info && [info.type, info.attachType, info.target, info.attach];
    assert.equal(words && [...words, ...flags.filter(Boolean)].join(' '), expected, name);
  }
});

describe('what a hostile object asks for', () => {
  const fails = (bytes: Uint8Array, message: RegExp): void =>
    assert.throws(
      () => openObject(bytes, 'hostile.o'),
      (error) => error instanceof InputError && message.test(error.message),
    );

  test('more zeroes than there is memory', () => {
    const bytes = compiledBytes('core', 'clang-22-v3').slice();
    const view = new DataView(bytes.buffer);
    const headers = Number(view.getBigUint64(40, true));
    for (let at = headers; at < bytes.length; at += 64) {
      if (view.getUint32(at + 4, true) === 8) view.setBigUint64(at + 32, 1n << 40n, true);
    }
    fails(bytes, /1099511627776 bytes of data, expected at most/);
  });

  test('a map whose elements are like itself', () => {
    const btf = new BtfBuilder();
    const [struct, pointer, type] = [5, 4, 3];
    const int = btf.int('int', 4);
    const twelve = btf.array(int, 12, int);
    assert.equal(btf.ptr(twelve), type);
    assert.equal(btf.ptr(struct), pointer);
    btf.struct('m', 16, [member('type', type, 0), member('values', 6, 64)]);
    btf.array(pointer, 0, int);
    const types = btf.build();
    assert.throws(() => mapDefinition(types, struct, 'm', 'hostile.o'), InputError);
  });
});

test('objects with bytes changed are opened and relocated, or are an input error', () => {
  const originals = COMPILERS.flatMap((by) => [
    compiledBytes('features', by),
    compiledBytes('core', by),
  ]);
  const target = coreTarget();
  fc.assert(
    fc.property(mutated(originals), (bytes) => {
      try {
        const object = openObject(bytes, 'mutated.o');
        kconfigData(object, new Map());
        const mapFds = object.maps.map((_, index) => index);
        const relocator = new Relocator(object, { btf: target, mapFds, ksym: () => undefined });
        for (const program of object.programs) relocator.program(program);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }),
    { numRuns: 1500 },
  );
});
