import { expect, test } from 'vitest';
import { NO_KERNEL } from '../../../bench/no-kernel.ts';
import { FUNC, type FuncName } from '../../../bpf/helpers/func-ids.ts';
import type { Insn } from '../../../bpf/isa/insn.ts';
import type { BpfMap } from '../../../bpf/maps/map.ts';
import { progType } from '../../../bpf/prog/types.ts';
import { MAP_TYPE, PROG_TYPE, type MapTypeName } from '../../../bpf/uapi.ts';
import { initFuncState } from '../../../bpf/verifier/search/branches.ts';
import { VerifierEnv } from '../../../bpf/verifier/env.ts';
import { checkHelperCall } from '../../../bpf/verifier/calls/helper-call.ts';
import { VerifierLog } from '../../../bpf/verifier/report/log.ts';
import { regText } from '../../../bpf/verifier/report/print-state.ts';
import { constReg, pointerReg, type Reg, UNKNOWN_REG } from '../../../bpf/verifier/values/reg.ts';
import { Rejection } from '../../../bpf/verifier/rejection.ts';
import { Scalar } from '../../../bpf/verifier/values/scalar.ts';
import { SubprogInfo } from '../../../bpf/verifier/subprog-info.ts';
import * as t from '../../../bpf/verifier/types.ts';

const STRING = 'x=%d\0';

const world = {
  ...NO_KERNEL,
  kernelBtf: { types: [undefined], idsOf: () => [] },
  helper: () => undefined,
  isRdonlyMap: (map: BpfMap) => map.name === 'rodata',
  readFrozen: (_map: BpfMap, off: number) => BigInt(STRING.charCodeAt(off)),
  cpuCount: 4,
};

function aMap(type: MapTypeName, name = 'm'): BpfMap {
  const map: Partial<BpfMap> = {
    type: MAP_TYPE[type],
    name,
    keySize: 4,
    valueSize: name === 'rodata' ? STRING.length : 16,
    maxEntries: 10,
    flags: 0,
    btf: undefined,
    record: undefined,
    map_direct_value_addr: () => 0,
  };
  return map as BpfMap;
}

/** What a call leaves in r0, or the last line of the log. */
function call(name: FuncName, args: readonly Reg[], type: keyof typeof PROG_TYPE = 'TRACING') {
  const insn: Insn = { kind: 'call', target: 'helper', imm: FUNC[name], off: 0 };
  const prog = {
    name: 'p',
    type: progType(PROG_TYPE[type])!,
    expectedAttachType: 0,
    flags: 0,
    isSleepable: false,
    isGplCompatible: true,
    code: new Uint8Array(16),
    insns: [insn, { kind: 'exit' }] as const,
    btf: undefined,
    funcInfo: [],
    lineInfo: [],
    attach: undefined,
    caps: { bpf: true, perfmon: true },
    maps: new Map(),
  };
  const env = new VerifierEnv(prog, world, new VerifierLog(1));
  env.subprogs = [new SubprogInfo(0), new SubprogInfo(2)];
  env.subprogCnt = 1;
  const frame = initFuncState(env, -1, 0, 0);
  env.cur.frames.push(frame);
  args.forEach((reg, i) => (frame.regs[1 + i] = reg));
  try {
    checkHelperCall(env, insn);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return env.log.text().trimEnd().split('\n').at(-1);
  }
  const r0 = env.regs[0]!;
  return r0.type === t.NOT_INIT ? 'nothing' : regText(r0, 0);
}

function fp(off: number): Reg {
  return pointerReg(t.PTR_TO_STACK, { s: Scalar.of(BigInt(off)) });
}

function mapPtr(type: MapTypeName): Reg {
  return pointerReg(t.CONST_PTR_TO_MAP, { map: aMap(type) });
}

function valueOf(map: BpfMap): Reg {
  return pointerReg(t.PTR_TO_MAP_VALUE, { map });
}

test('a lookup gives a value, or NULL', () => {
  expect(call('map_lookup_elem', [mapPtr('HASH'), fp(-8)])).toBe(
    'map_value_or_null(id=1,map=m,ks=4,vs=16)',
  );
});

test('an argument must be of a type that will do', () => {
  expect(call('map_lookup_elem', [constReg(1n), fp(-8)])).toBe('R1 type=scalar expected=map_ptr');
  expect(call('map_lookup_elem', [mapPtr('HASH'), UNKNOWN_REG])).toBe(
    'R2 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, ' +
      'trusted_ptr_, ctx',
  );
  expect(call('map_lookup_elem', [mapPtr('HASH')])).toBe('R2 !read_ok');
});

test.each<[MapTypeName, FuncName, string]>([
  ['ARRAY', 'map_delete_elem', 'scalar()'],
  ['QUEUE', 'map_lookup_elem', 'cannot pass map_type 22 into func bpf_map_lookup_elem#1'],
  ['HASH', 'map_peek_elem', 'cannot pass map_type 1 into func bpf_map_peek_elem#89'],
  ['STACK', 'map_peek_elem', 'scalar()'],
])('a map of type %s may or may not be passed to bpf_%s()', (type, name, result) => {
  expect(call(name, [mapPtr(type), fp(-16)])).toBe(result);
});

test('who may not call a helper is told so', () => {
  expect(call('skb_store_bytes', [])).toBe(
    'program of this type cannot use helper bpf_skb_store_bytes#9',
  );
  expect(call('copy_from_user', [])).toMatch(
    /^sleepable helper bpf_copy_from_user#148 in non-sleepable prog$/,
  );
});

test('what is known of the value returned', () => {
  expect(call('get_smp_processor_id', [])).toBe(
    'scalar(smin=smin32=0,smax=umax=smax32=umax32=3,var_off=(0x0; 0x3))',
  );
  expect(call('ktime_get_ns', [])).toBe('scalar()');
});

test('a format must be constant, and go with its arguments', () => {
  const format = valueOf(aMap('ARRAY', 'rodata'));
  const args = (size: bigint): Reg[] => [fp(-64), constReg(8n), format, fp(-16), constReg(size)];
  expect(call('snprintf', args(8n))).toBe('scalar()');
  expect(call('snprintf', args(0n))).toBe('Invalid format string');
  expect(call('snprintf', args(8n).with(2, valueOf(aMap('ARRAY'))))).toBe(
    "R3 does not point to a readonly map'",
  );
});

test('what must be given back is a reference', () => {
  const ringbuf = pointerReg(t.PTR_TO_MEM | t.MEM_RINGBUF, { memSize: 8 });
  expect(call('ringbuf_submit', [ringbuf, constReg(0n)])).toBe(
    'release helper bpf_ringbuf_submit expects referenced PTR_TO_BTF_ID passed to R1',
  );
  expect(call('ringbuf_reserve', [mapPtr('RINGBUF'), constReg(8n), constReg(0n)])).toBe(
    'ringbuf_mem_or_null(id=2,sz=8)',
  );
});
