import { describe, expect, test } from 'vitest';
import { bpf_map_lookup_elem } from '../../../bpf/helpers/map.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { disasmProgram } from '../../../bpf/isa/disasm.ts';
import { ArrayMap } from '../../../bpf/maps/array.ts';
import type { Insns } from '../../../bpf/isa/insn.ts';
import { INNER_MAP } from '../../../bpf/maps/flags.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { kernelAddress } from '../../../bpf/vm/frame.ts';
import { patchInsns } from '../../../bpf/verifier/fixup/patch-insns.ts';
import {
  RunnerKernel,
  alu,
  call,
  exit,
  jmp,
  load,
  mov,
  number64,
  store,
} from '../../kit/bpf-program.ts';
import { requestOf } from '../../kit/map-user.ts';

test('jumps, calls and what is behind move; calls in the new code are as the old one was', () => {
  const insns = assemble(
    'if r1 == 0 goto +1\ncall 181\nr1 = 7 ll\ncall pc+3\nif r0 != 0 goto -5\n' +
      'goto -6\nexit\nr0 = 0\nexit',
  );
  const {
    insns: patched,
    was,
    now,
  } = patchInsns(insns, new Map([[1, assemble('if r1 == 0 goto +1\ncall pc+6\nr0 = 1')]]))!;
  expect(disasmProgram(patched).map((line) => line.replace(/ \(..\)/, ''))).toEqual([
    '0: if r1 == 0x0 goto pc+3',
    '1: if r1 == 0x0 goto pc+1',
    '2: call pc+7',
    '3: r0 = 1',
    '4: r1 = 0x7',
    '6: call pc+3',
    '7: if r0 != 0x0 goto pc-7',
    '8: goto pc-8',
    '9: exit',
    '10: r0 = 0',
    '11: exit',
  ]);
  expect(was).toEqual([0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...now]).toEqual([0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('nothing is patched where a jump would become longer than 16 bits', () => {
  const far = assemble(`goto +32767\n${'r0 = 0\n'.repeat(32_767)}exit`);
  expect(patchInsns(far, new Map([[1, assemble('r0 = 1')]]))).toBeDefined();
  expect(patchInsns(far, new Map([[1, assemble('r0 = 1\nr0 = 2')]]))).toBeUndefined();
});

function arrayIn({ kernel, maps }: RunnerKernel, valueSize: number, flags = 0): ArrayMap {
  const request = requestOf({ type: MAP_TYPE.ARRAY, valueSize, flags, maxEntries: 5 });
  const attr = { ...request, inner: undefined, spinLockOff: -1 };
  const map = ArrayMap.create({ kernel, maps, ports: undefined as never }, attr) as ArrayMap;
  maps.set(map.addr, map);
  kernel.machine.memory.unwatched(() => {
    for (let i = 0; i < 5; i++) kernel.machine.memory.setU64(map.valueAt(i), BigInt(100 + i));
  });
  return map;
}

/** Looks up what the context says; r0 is the value, or 0. */
function lookup(map: ArrayMap): Insns {
  return [
    load(4, 6, 1, 0),
    store(4, 10, -4, 6),
    mov(2, 'r10'),
    alu('add', 2, -4),
    ...number64(1, kernelAddress(map.addr)),
    call('helper', bpf_map_lookup_elem.id),
    jmp('jeq', 0, 0, 1),
    load(8, 0, 0, 0),
    exit,
  ];
}
const CALL_SLOT = 6;

// As Linux shows them, but for the first number: there, the offset in struct bpf_array.
test.each([
  [16, 'r0 <<= 4'],
  [17, 'r0 *= 24'],
])('the code of a look-up in an array of %i bytes', (valueSize, scale) => {
  const world = new RunnerKernel();
  let lines: readonly string[] = [];
  let inner: Insns | undefined = [];
  world.run(function* () {
    const code = arrayIn(world, valueSize).map_gen_lookup()!;
    lines = disasmProgram(code).map((line) => line.replace(/^\d+: \(..\) /, ''));
    inner = arrayIn(world, valueSize, INNER_MAP).map_gen_lookup();
  });
  expect(lines[0]).toMatch(/^r1 \+= -?\d+$/);
  expect(lines.slice(1)).toEqual([
    'r0 = *(u32 *)(r2 +0)',
    'if r0 >= 0x5 goto pc+3',
    scale,
    'r0 += r1',
    'goto pc+1',
    'r0 = 0',
  ]);
  expect(inner).toBeUndefined();
});

describe.each(['interp', 'jit'] as const)('on %s', (engine) => {
  test.each([8, 12, 24, 40])('a look-up of %i bytes is as the call is', (valueSize) => {
    const world = new RunnerKernel({ engine });
    const { runner } = world;
    const { memory, slab } = world.kernel.machine;
    const found: bigint[][] = [];
    const failures = world.run(function* () {
      const map = arrayIn(world, valueSize);
      const insns = lookup(map);
      const code = new Map([[CALL_SLOT, map.map_gen_lookup()!]]);
      const texts = [insns, patchInsns(insns, code)!.insns];
      const ctx = slab.kzalloc(8);
      for (const text of texts) {
        const prog = world.load({ name: 'finds', insns: text, helpers: [bpf_map_lookup_elem] });
        const results: bigint[] = [];
        for (const index of [0, 1, 4, 5, 6, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
          memory.unwatched(() => memory.setU32(ctx, index));
          results.push(yield* runner.bpf_prog_run(prog, ctx));
        }
        found.push(results);
      }
    });
    expect(failures).toEqual([]);
    expect(found[1]).toEqual([100n, 101n, 104n, 0n, 0n, 0n, 0n, 0n]);
    expect(found[0]).toEqual(found[1]);
  });
});
