import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { vmlinuxBtf } from '../../bpf/btf/vmlinux.ts';
import {
  argumentsOf,
  FUNCTION_STRUCTS,
  resultOf,
  resultValue,
  traceableFunctions,
} from '../../kernel/functions.ts';
import { TRACE_EVENTS, TRACE_STRUCTS } from '../../kernel/trace-events.ts';
import { Kernel } from '../../kernel/kernel.ts';

const KERNEL = fileURLToPath(new URL('../../kernel', import.meta.url));
const kernel = new Kernel({ cpuCount: 1, profile: 'v7.2', mutations: new Set(), mode: 'explore' });
const functions = traceableFunctions(kernel.syscalls.rows);
const world = { current: null as never, put: () => 0 };

test('every function of the table is one of kernel text, and only one', () => {
  const text = readdirSync(KERNEL, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(KERNEL, path), 'utf8'))
    .join('\n');
  for (const { name } of functions) {
    if (name.startsWith('__x64_sys_')) continue;
    expect(text.split(`\n  *${name}(`), name).toHaveLength(2);
  }
  expect(new Set(functions.map(({ name }) => name)).size).toBe(functions.length);
});

test('their prototypes and those of the events are types that BTF can say', () => {
  const structs = [...TRACE_STRUCTS, ...FUNCTION_STRUCTS];
  const btf = vmlinuxBtf({
    structs,
    functions,
    events: TRACE_EVENTS,
    enums: [],
    declarations: [],
    kfuncs: '',
    percpu: [],
    tags: [],
  });
  for (const { name } of functions) expect(btf.idsOf(name), name).toHaveLength(1);
  for (const { name } of TRACE_EVENTS) expect(btf.idsOf(`btf_trace_${name}`)).toHaveLength(1);
});

test('an int is extended with zeros, a long with its sign; pointers are kernel addresses', () => {
  const fn = (name: string) => functions.find((each) => each.name === name)!;
  expect(argumentsOf(fn('close_fd'), [-1], world)).toEqual([0xffff_ffffn]);
  expect(argumentsOf(fn('fput'), [0x1000], world)).toEqual([0xffff_8880_0000_1000n]);
  expect(argumentsOf(fn('fput'), [0], world)).toEqual([0n]);
  expect(argumentsOf(fn('ksys_read'), [3, 0x7fff_0000_1000, 5], world)).toEqual([
    3n,
    0x7fff_0000_1000n,
    5n,
  ]);
  expect(argumentsOf(fn('mutex_lock'), [{}, 0x2000, 7], world)).toEqual([0xffff_8880_0000_2000n]);
  expect(resultOf(fn('close_fd'), -9)).toBe(0xffff_fff7n);
  expect(resultOf(fn('ksys_read'), -9)).toBe(0xffff_ffff_ffff_fff7n);
  expect(resultOf(fn('fget'), -9)).toBe(0xffff_ffff_ffff_fff7n); // ERR_PTR()
  expect(resultOf(fn('fput'), undefined)).toBe(0n);
  expect(resultValue(fn('close_fd'), 0xffff_fff7n)).toBe(-9);
});
