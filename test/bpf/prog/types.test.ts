import { describe, expect, test } from 'vitest';
import type { CtxAccess } from '../../../bpf/prog/access/info.ts';
import { PROG_TYPES, type ProgType } from '../../../bpf/prog/types.ts';
import type { ProgView } from '../../../bpf/prog/view.ts';
import { FUNC_NAMES } from '../../../bpf/helpers/func-ids.ts';
import { FUNC_PROTOS } from '../../../bpf/helpers/protos.ts';
import { ATTACH_TYPE } from '../../../bpf/uapi.ts';
import { PTR_TO_PACKET, PTR_TO_PACKET_END, SCALAR_VALUE } from '../../../bpf/verifier/types.ts';

type TypeName = ProgType['name'];
type AttachName = keyof typeof ATTACH_TYPE;

function typeOf(name: TypeName): ProgType {
  return PROG_TYPES.find((type) => type.name === name)!;
}

function program(name: TypeName, attach: AttachName | '', hasCaps = true): ProgView {
  return {
    type: typeOf(name),
    expectedAttachType: attach === '' ? 0 : ATTACH_TYPE[attach],
    isSleepable: false,
    attach: undefined,
    caps: { bpf: hasCaps, perfmon: hasCaps } as ProgView['caps'],
  };
}

function access(): CtxAccess {
  return {
    regType: SCALAR_VALUE,
    ctxFieldSize: 0,
    btf: undefined,
    btfId: 0,
    refId: 0,
    isLdsx: false,
    isRetval: false,
    kernelBtf: { types: [], idsOf: () => [] },
    log() {},
  };
}

/** How many loads or stores of 1, 2, 4 and 8 bytes are allowed. */
function allowed(prog: ProgView & { type: ProgType }, isWrite: boolean): number {
  let count = 0;
  for (let off = -8; off < 256; off++) {
    for (const size of [1, 2, 4, 8]) {
      if (prog.type.isValidAccess(off, size, isWrite, prog, access())) count++;
    }
  }
  return count;
}

const ROWS = [
  ['SOCKET_FILTER', '', 150, 37, 88],
  ['KPROBE', '', 315, 315, 82],
  ['SCHED_CLS', '', 170, 43, 139],
  ['TRACEPOINT', '', 480, 0, 82],
  ['XDP', '', 5, 0, 104],
  ['XDP', 'XDP_DEVMAP', 6, 0, 104],
  ['PERF_EVENT', '', 51, 0, 84],
  ['CGROUP_SKB', 'CGROUP_INET_INGRESS', 185, 40, 103],
  ['CGROUP_SOCK', 'CGROUP_INET_SOCK_CREATE', 57, 3, 84],
  ['CGROUP_SOCK', 'CGROUP_INET4_POST_BIND', 64, 0, 82],
  ['LWT_IN', '', 152, 39, 90],
  ['LWT_OUT', '', 152, 39, 89],
  ['LWT_XMIT', '', 152, 39, 104],
  ['LWT_SEG6LOCAL', '', 152, 39, 91],
  ['SOCK_OPS', '', 52, 2, 97],
  ['SK_SKB', '', 176, 2, 97],
  ['CGROUP_DEVICE', '', 9, 0, 76],
  ['SK_MSG', '', 17, 0, 93],
  ['RAW_TRACEPOINT', '', 180, 0, 82],
  ['RAW_TRACEPOINT_WRITABLE', '', 177, 0, 82],
  ['CGROUP_SOCK_ADDR', 'CGROUP_INET4_CONNECT', 19, 2, 97],
  ['CGROUP_SOCK_ADDR', 'CGROUP_UDP6_SENDMSG', 71, 12, 96],
  ['CGROUP_SOCK_ADDR', 'CGROUP_UDP4_RECVMSG', 19, 2, 94],
  ['SK_REUSEPORT', 'SK_REUSEPORT_SELECT', 29, 0, 79],
  ['FLOW_DISSECTOR', '', 3, 0, 83],
  ['CGROUP_SYSCTL', '', 14, 1, 81],
  ['CGROUP_SOCKOPT', 'CGROUP_GETSOCKOPT', 7, 2, 82],
  ['CGROUP_SOCKOPT', 'CGROUP_SETSOCKOPT', 6, 3, 84],
  ['SK_LOOKUP', 'SK_LOOKUP', 106, 0, 85],
  ['SYSCALL', '', 1024, 1024, 100],
] as const satisfies readonly (readonly [TypeName, AttachName | '', number, number, number])[];

describe('what a type of program may do, as Linux 7.2 said of each load, store and call', () => {
  test.each(ROWS)('%s %s: %i loads, %i stores, %i helpers', (name, attach, ...counts) => {
    const prog = program(name, attach) as ProgView & { type: ProgType };
    const helpers = FUNC_NAMES.filter((_, id) => prog.type.helper(id, prog) !== undefined);
    expect([allowed(prog, false), allowed(prog, true), helpers.length]).toEqual(counts);
  });

  test('bounds of a packet are pointers to who has CAP_BPF', () => {
    const type = typeOf('CGROUP_SKB');
    const info = access();
    const { data, dataEnd } = { data: 76, dataEnd: 80 };
    const prog = program('CGROUP_SKB', 'CGROUP_INET_INGRESS');
    expect(type.isValidAccess(data, 4, false, prog, info)).toBe(true);
    expect(info.regType).toBe(PTR_TO_PACKET);
    expect(type.isValidAccess(dataEnd, 4, false, prog, info)).toBe(true);
    expect(info.regType).toBe(PTR_TO_PACKET_END);
    const poor = program('CGROUP_SKB', 'CGROUP_INET_INGRESS', false);
    expect(type.isValidAccess(data, 4, false, poor, access())).toBe(false);
  });
});

test('every helper has a prototype under its own name', () => {
  const names = FUNC_NAMES.slice(1).map((_, i) => FUNC_PROTOS.get(i + 1)?.name);
  expect(names).toEqual(FUNC_NAMES.slice(1).map((name) => `bpf_${name}`));
});
