import { describe, expect, test } from 'vitest';
import { NO_KERNEL } from '../../../bench/no-kernel.ts';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { CTypes } from '../../../bpf/btf/c-types.ts';
import { parseC } from '../../../bpf/btf/c-parse.ts';
import * as field from '../../../bpf/btf/field-types.ts';
import type { BtfField, BtfRecord } from '../../../bpf/btf/record.ts';
import { idOf } from '../../../bpf/btf/resolve.ts';
import type { Btf } from '../../../bpf/btf/types.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { RDONLY_PROG, WRONLY_PROG } from '../../../bpf/maps/flags.ts';
import type { BpfMap } from '../../../bpf/maps/map.ts';
import { progType } from '../../../bpf/prog/types.ts';
import { MAP_TYPE, PROG_TYPE } from '../../../bpf/uapi.ts';
import { initFuncState } from '../../../bpf/verifier/search/branches.ts';
import { VerifierEnv } from '../../../bpf/verifier/env.ts';
import { VerifierLog } from '../../../bpf/verifier/report/log.ts';
import { printVerifierState } from '../../../bpf/verifier/report/print-state.ts';
import {
  constReg,
  pointerReg,
  type Reg,
  scalarReg,
  UNKNOWN_REG,
} from '../../../bpf/verifier/values/reg.ts';
import { Rejection } from '../../../bpf/verifier/rejection.ts';
import { Scalar } from '../../../bpf/verifier/values/scalar.ts';
import { checkInsn } from '../../../bpf/verifier/step.ts';
import { SubprogInfo } from '../../../bpf/verifier/subprog-info.ts';
import * as t from '../../../bpf/verifier/types.ts';

const KERNEL = `
  struct cpumask { unsigned long bits[2]; };
  struct css_set { int refs; };
  struct mm_struct { int users; };
  union either { struct mm_struct *mm; long number; };
  struct task_struct {
    int pid;
    unsigned flags : 3;
    char comm[16];
    struct css_set *cgroups;
    struct mm_struct *mm;
    union either one;
    void *stack;
    struct { struct task_struct *next; } link;
  };
`;

function btfOf(text: string): Btf {
  const c = new CTypes();
  parseC(c, text);
  return makeBtf(c.types);
}

const kernelBtf = btfOf(KERNEL);
const ROW = { record: undefined, btf: undefined, map_direct_value_addr: () => 0 };

function aMap(more: Partial<BpfMap> = {}): BpfMap {
  const map: Partial<BpfMap> = {
    type: MAP_TYPE.ARRAY,
    name: 'm',
    keySize: 4,
    valueSize: 24,
    maxEntries: 1,
    flags: 0,
    ...ROW,
    ...more,
  };
  return map as BpfMap;
}

const world = {
  ...NO_KERNEL,
  kernelBtf,
  helper: () => undefined,
  isRdonlyMap: (map: BpfMap) => map.name === 'rodata',
  readFrozen: () => 0xf0n,
  cpuCount: 4,
};

interface Options {
  readonly type?: keyof typeof PROG_TYPE;
  readonly perfmon?: boolean;
  readonly bpf?: boolean;
  readonly gpl?: boolean;
  readonly isSleepable?: boolean;
  /** r1 to r5 before it. */
  readonly regs?: readonly Reg[];
}

/** What is known behind the instructions, or why there is none: the last line of the log. */
function run(text: string, options: Options = {}): string {
  const { bpf = true, perfmon = true, gpl = true, isSleepable = false } = options;
  const insns = assemble(`${text}\nexit`);
  const prog = {
    name: 'p',
    type: progType(PROG_TYPE[options.type ?? 'SOCKET_FILTER'])!,
    expectedAttachType: 0,
    flags: 0,
    isSleepable,
    isGplCompatible: gpl,
    code: new Uint8Array(insns.length * 8),
    insns,
    btf: undefined,
    funcInfo: [],
    lineInfo: [],
    attach: undefined,
    caps: { bpf, perfmon },
    maps: new Map(),
  };
  const env = new VerifierEnv(prog, world, new VerifierLog(1));
  env.subprogs = [new SubprogInfo(0), new SubprogInfo(insns.length)];
  env.subprogCnt = 1;
  env.cur.inSleepable = isSleepable;
  const frame = initFuncState(env, -1, 0, 0);
  env.cur.frames.push(frame);
  options.regs?.forEach((reg, i) => (frame.regs[1 + i] = reg));
  try {
    for (; env.insnIdx < insns.length - 1; env.insnIdx++) {
      env.curHistEnt = undefined;
      checkInsn(env);
    }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return `${error.errno}: ${env.log.text().trimEnd().split('\n').at(-1)}`;
  }
  for (let r = 1; r < 6; r++) frame.regs[r] = constReg(0n);
  printVerifierState(env, env.cur, 0, true);
  return env.log
    .text()
    .replaceAll(/(^| |: )(R[1-5]=0|R10=fp0)(?=\s)/g, '')
    .trim();
}

function off(n: number): { s: Scalar } {
  return { s: Scalar.of(BigInt(n)) };
}

/** From min to max, by steps that are not known. */
function upTo(max: bigint): { s: Scalar } {
  return { s: Scalar.urange(0n, max) };
}

describe('the stack', () => {
  const rows: [string, string, Options][] = [
    ['*(u64 *)(r10 -8) = 5\nr0 = *(u64 *)(r10 -8)', 'R0=5 fp-8=5', {}],
    ['*(u32 *)(r10 -8) = 5\nr0 = *(u16 *)(r10 -8)', 'R0=5 fp-8=????5', {}],
    ['*(u64 *)(r10 -8) = r1\nr0 = *(u64 *)(r10 -8)', 'R0=ctx() fp-8=ctx()', {}],
    ['*(u32 *)(r10 -8) = r1', '13: invalid size of register spill', {}],
    ['*(u64 *)(r10 -8) = r1\nr0 = *(u32 *)(r10 -8)', '13: invalid size of register fill', {}],
    ['r0 = *(u64 *)(r10 -8)', 'R0=scalar()', {}],
    ['r0 = *(u64 *)(r10 -8)', '13: invalid read from stack R10 off=-8 size=8', { perfmon: false }],
    ['*(u64 *)(r10 -520) = 0', '13: invalid write to stack R10 off=-520 size=8', {}],
    ['*(u64 *)(r10 +0) = 0', '13: invalid write to stack R10 off=0 size=8', {}],
    ['*(u32 *)(r10 -6) = 0', '13: misaligned stack access off 0+-6 size 4', {}],
    ['*(u8 *)(r10 -3) = 0\nr0 = *(u8 *)(r10 -3)', 'R0=0 fp-8=??0?????', {}],
  ];
  test.each(rows)('%s', (text, expected, options) => {
    const regs = [pointerReg(t.PTR_TO_CTX)];
    expect(run(text, { regs, ...options })).toBe(expected);
  });

  test('a store somewhere makes all that it may reach some bytes', () => {
    const at = pointerReg(t.PTR_TO_STACK, { s: Scalar.srange(-16n, -9n) });
    const text = '*(u64 *)(r10 -16) = 7\n*(u8 *)(r1 +0) = r2';
    expect(run(text, { regs: [at, UNKNOWN_REG] })).toBe('fp-16=mmmmmmmm');
  });
});

describe('memory of a size', () => {
  const value = (more: object = off(0), map = aMap()): Reg =>
    pointerReg(t.PTR_TO_MAP_VALUE, { map, ...more });
  const LOAD = 'r0 = *(u64 *)(r1 +16)';
  const STORE = '*(u64 *)(r1 +16) = r2';
  const rows: readonly (readonly [string, string, Reg])[] = [
    [LOAD, 'R0=scalar()', value()],
    [LOAD, '13: R1 min value is outside of the allowed memory range', value(off(1))],
    [LOAD, '13: R1 max value is outside of the allowed memory range', value(upTo(8n))],
    [
      LOAD,
      '13: R1 min value is negative, either use unsigned index or do a if (index >=0) check.',
      value(off(-24)),
    ],
    [
      'r0 = *(u8 *)(r1 +0)',
      '13: R1 unbounded memory access, make sure to bounds check any such access',
      value(upTo(1n << 40n)),
    ],
    ['r0 = *(s8 *)(r1 +0)', 'R0=-16', value(off(0), aMap({ name: 'rodata' }))],
    [
      LOAD,
      "13: R1 invalid mem access 'map_value_or_null'",
      pointerReg(t.PTR_TO_MAP_VALUE | t.PTR_MAYBE_NULL, { map: aMap() }),
    ],
    [
      STORE,
      '13: write into map forbidden, value_size=24 off=16 size=8',
      value(off(0), aMap({ flags: RDONLY_PROG })),
    ],
    [
      LOAD,
      '13: read from map forbidden, value_size=24 off=16 size=8',
      value(off(0), aMap({ flags: WRONLY_PROG })),
    ],
    [
      STORE,
      '13: write to change key R1 not allowed',
      pointerReg(t.PTR_TO_MAP_KEY, { map: aMap() }),
    ],
    [STORE, '13: R1 cannot write into rdonly_mem', pointerReg(t.PTR_TO_MEM | t.MEM_RDONLY)],
    [
      LOAD,
      '13: R1 min value is outside of the allowed memory range',
      pointerReg(t.PTR_TO_MEM, { memSize: 23 }),
    ],
    [LOAD, 'R0=scalar()', pointerReg(t.PTR_TO_MEM | t.MEM_RDONLY | t.PTR_UNTRUSTED)],
    [
      'r0 = *(u32 *)(r1 +48)',
      'R0=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))',
      pointerReg(t.PTR_TO_FLOW_KEYS),
    ],
    [
      'r0 = *(u64 *)(r1 +56)',
      '13: invalid access to flow keys off=56 size=8',
      pointerReg(t.PTR_TO_FLOW_KEYS),
    ],
    [
      'r0 = *(u64 *)(r1 +0)',
      '13: R1 invalid sock access off=0 size=8',
      pointerReg(t.PTR_TO_SOCKET),
    ],
    [STORE, '13: R1 cannot write into sock', pointerReg(t.PTR_TO_SOCKET)],
    [STORE, "13: R1 invalid mem access 'pkt_end'", pointerReg(t.PTR_TO_PACKET_END)],
    [STORE, '13: cannot write into packet', pointerReg(t.PTR_TO_PACKET, { range: 24 })],
    [LOAD, 'R0=scalar()', pointerReg(t.PTR_TO_PACKET, { range: 24 })],
    [LOAD, 'R0=scalar()', pointerReg(t.PTR_TO_ARENA)],
  ];
  test.each(rows)('%s: %s', (text, expected, reg) => {
    expect(run(text, { regs: [reg, constReg(1n)] })).toBe(expected);
  });
});

describe('structs of the kernel', () => {
  const task = (flags: number): Reg =>
    pointerReg(t.PTR_TO_BTF_ID | flags, {
      btf: kernelBtf,
      btfId: idOf(kernelBtf, 'task_struct', 'struct'),
    });
  const TRACING = { type: 'TRACING' } as const;
  const load = (bytes: number, at: number): string => `r0 = *(u${bytes * 8} *)(r1 +${at})`;
  const rows: [string, string, number, Options][] = [
    [load(8, 24), 'R0=rcu_ptr_css_set()', t.PTR_TRUSTED, {}],
    [load(8, 24), 'R0=untrusted_ptr_css_set()', t.PTR_TRUSTED, { isSleepable: true }],
    [load(8, 24), 'R0=ptr_css_set()', 0, {}],
    [load(8, 32), 'R0=ptr_mm_struct()', t.PTR_TRUSTED, {}],
    [load(8, 32), 'R0=untrusted_ptr_mm_struct()', t.PTR_UNTRUSTED, {}],
    [load(8, 40), 'R0=untrusted_ptr_mm_struct()', t.PTR_TRUSTED, {}],
    [load(8, 48), 'R0=rdonly_untrusted_mem(sz=0)', t.PTR_TRUSTED, {}],
    [load(8, 56), 'R0=ptr_task_struct()', t.PTR_TRUSTED, {}],
    [
      load(4, 24),
      '13: cannot access ptr member cgroups with moff 24 in struct task_struct with off 24 size 4',
      t.PTR_TRUSTED,
      {},
    ],
    [load(8, 8), 'R0=scalar()', t.PTR_TRUSTED, {}],
    [
      load(8, 16),
      '13: access beyond the end of member comm (mend:21) in struct task_struct with off 16 size 8',
      t.PTR_TRUSTED,
      {},
    ],
    [load(8, 64), '13: access beyond struct task_struct at off 64 size 8', t.PTR_TRUSTED, {}],
    [load(8, 24), '13: R1 is ptr_task_struct access percpu memory: off=24', t.MEM_PERCPU, {}],
    [
      load(8, 24),
      "13: R1 invalid mem access 'trusted_ptr_or_null_'",
      t.PTR_TRUSTED | t.PTR_MAYBE_NULL,
      {},
    ],
    ['*(u64 *)(r1 +24) = r2', '13: only read is supported', t.PTR_TRUSTED, {}],
    [
      load(4, 0),
      "1: 'struct task_struct' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN",
      t.PTR_TRUSTED,
      { perfmon: false },
    ],
    [
      load(4, 0),
      "22: Cannot access kernel 'struct task_struct' from non-GPL compatible program",
      t.PTR_TRUSTED,
      { gpl: false },
    ],
  ];
  test.each(rows)('%s: %s', (text, expected, flags, options) => {
    const regs = [task(flags), constReg(1n)];
    expect(run(text, { ...TRACING, regs, ...options })).toBe(expected);
  });
});

describe('kptrs in values of maps', () => {
  const record = (type: number): BtfRecord => {
    const kptr = {
      btf: kernelBtf,
      btfId: idOf(kernelBtf, 'task_struct', 'struct'),
      isKernel: true,
    };
    const at: BtfField = { type, offset: 8, size: 8, kptr, graphRoot: undefined };
    const off = -22;
    return {
      fieldMask: type,
      spinLockOff: off,
      resSpinLockOff: off,
      timerOff: off,
      wqOff: off,
      refcountOff: off,
      taskWorkOff: off,
      fields: [at],
    };
  };
  const value = (type: number, more: object = off(0)): Reg =>
    pointerReg(t.PTR_TO_MAP_VALUE, { map: aMap({ record: record(type) }), ...more });
  const { BPF_KPTR_REF: REF, BPF_KPTR_UNREF: UNREF, BPF_TIMER: TIMER, BPF_UPTR: UPTR } = field;
  const LOAD = 'r0 = *(u64 *)(r1 +8)';
  const rows: [string, string, Reg, Options][] = [
    [LOAD, 'R0=untrusted_ptr_or_null_task_struct(id=1)', value(UNREF), {}],
    [LOAD, 'R0=rcu_ptr_or_null_task_struct(id=1)', value(REF), {}],
    [LOAD, 'R0=untrusted_ptr_or_null_task_struct(id=1)', value(REF), { isSleepable: true }],
    [LOAD, 'R0=mem_or_null(id=1,sz=64)', value(UPTR), {}],
    ['*(u64 *)(r1 +8) = 0', '13: store to uptr disallowed', value(UPTR), {}],
    ['*(u64 *)(r1 +8) = 0', '13: store to referenced kptr disallowed', value(REF), {}],
    ['*(u64 *)(r1 +8) = 0', '', value(UNREF), {}],
    [
      '*(u64 *)(r1 +8) = 1',
      '13: BPF_ST imm must be 0 when storing to kptr at off=8',
      value(UNREF),
      {},
    ],
    [
      '*(u64 *)(r1 +8) = r1',
      '13: invalid kptr access, R1 type=map_value ' +
        'expected=ptr_task_struct or untrusted_ptr_task_struct',
      value(UNREF),
      {},
    ],
    ['r0 = *(u32 *)(r1 +8)', '13: kptr access size must be BPF_DW', value(REF), {}],
    ['r0 = *(u32 *)(r1 +12)', '13: kptr access misaligned expected=8 off=12', value(REF), {}],
    [
      'r0 = *(u8 *)(r1 +8)',
      '13: kptr access cannot have variable offset',
      value(REF, upTo(7n)),
      {},
    ],
    [
      'lock *(u64 *)(r1 +8) += r2',
      '13: kptr in map can only be accessed using BPF_MEM instruction mode',
      value(UNREF),
      {},
    ],
    [LOAD, '13: bpf_timer cannot be accessed directly by load/store', value(TIMER), {}],
  ];
  test.each(rows)('%s: %s', (text, expected, reg, options) => {
    const regs = [reg, constReg(1n)];
    expect(run(text, { type: 'TRACING', regs, ...options })).toBe(expected);
  });
});

describe('atomics', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['*(u64 *)(r10 -8) = 1\nlock *(u64 *)(r10 -8) += r2', 'fp-8=mmmmmmmm'],
    [
      '*(u64 *)(r10 -8) = 1\nr2 = atomic64_fetch_add((u64 *)(r10 -8), r2)\nr0 = r2',
      'R0=1 fp-8=mmmmmmmm',
    ],
    ['lock *(u64 *)(r1 +0) += r2', '13: BPF_ATOMIC stores into R1 ctx is not allowed'],
    ['r0 = load_acquire((u32 *)(r1 +0))', '13: BPF_ATOMIC loads from R1 ctx is not allowed'],
    ['lock *(u32 *)(r10 -6) += r2', '13: misaligned stack access off 0+-6 size 4'],
  ];
  test.each(rows)('%s', (text, expected) => {
    const regs = [pointerReg(t.PTR_TO_CTX), scalarReg(Scalar.urange(0n, 9n))];
    expect(run(text, { regs })).toBe(expected);
  });
});
