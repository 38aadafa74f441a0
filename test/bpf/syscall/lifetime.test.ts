import { expect, test } from 'vitest';
import { CMD, PROG_TYPE } from '../../../bpf/uapi.ts';
import { EBADF, EEXIST, EINVAL, ENOENT, EPERM } from '../../../kernel/errno.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { cString } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { bpfSolo, le32, textOf, type BpfCaller } from '../../kit/bpf.ts';

const ARRAY = 'bpf 0 0:4=2 4:4=4 8:4=8 12:4=1';
const HASH = 'bpf 0 0:4=1 4:4=4 8:4=8 12:4=4';
/** r1 = map; r0 = 0; exit */
const HOLDS_MAP = '&18110000{m}0000000000000000b7000000000000009500000000000000';
const LOAD = `bpf ${CMD.PROG_LOAD} 16:8=&47504c00`;
const RAW_TP = `${LOAD} 0:4=${PROG_TYPE.RAW_TRACEPOINT}`;
const NEXT = { prog: 11, map: 12, btf: 23, link: 31 } as const;
const BY_ID = { prog: 13, map: 14, link: 30 } as const;

function* ids(bpf: BpfCaller, kind: keyof typeof NEXT): Sim<number[]> {
  const found: number[] = [];
  for (let last = 0; ;) {
    const { result, attr } = yield* bpf.call(`bpf ${NEXT[kind]} 0:4=${last}`);
    if (result === -ENOENT) return found;
    expect(result).toBe(0);
    last = le32(attr, 4);
    found.push(last);
  }
}

/** Long enough that grace periods end and works are done. */
function* rest(p: Proc): Sim<void> {
  for (let i = 0; i < 40; i++) yield* p.nanosleep(10_000_000);
}

function path(name: string): string {
  return `&${[...cString(name)].map((c) => c.toString(16).padStart(2, '0')).join('')}`;
}

test('a link keeps its program, and the program its map, after their descriptors close', () => {
  bpfSolo(function* (bpf, p, { world }) {
    const m = p.ok((yield* bpf.call(`m = ${ARRAY}`)).result);
    const prog = p.ok((yield* bpf.call(`p = ${RAW_TP} 8:8=${HOLDS_MAP}`)).result);
    const open = `bpf 17 0:8=${path('sched_switch')} 8:4=$p`;
    const link = p.ok((yield* bpf.call(`l = ${open}`)).result);
    p.ok(yield* p.close(m));
    p.ok(yield* p.close(prog));
    yield* rest(p);
    for (const kind of ['prog', 'map', 'link'] as const) expect(yield* ids(bpf, kind)).toEqual([1]);
    p.ok(yield* p.close(link));
    yield* rest(p);
    for (const kind of ['prog', 'map', 'link'] as const) expect(yield* ids(bpf, kind)).toEqual([]);
    expect([...world.bpf.maps.registry.values()]).toEqual([]);
    expect([...world.bpf.programs.registry.values()]).toEqual([]);
  });
});

test('with the last reference the id goes; the object when its readers are done', () => {
  bpfSolo(function* (bpf, p, { world }) {
    const prog = p.ok(
      (yield* bpf.call(`p = ${LOAD} 0:4=1 8:8=&b7000000000000009500000000000000`)).result,
    );
    p.ok(yield* p.close(prog));
    expect((yield* bpf.call(`bpf ${BY_ID.prog} 0:4=1`)).result).toBe(-ENOENT);
    expect([...world.bpf.programs.registry.values()]).toHaveLength(1);
    yield* rest(p);
    expect([...world.bpf.programs.registry.values()]).toEqual([]);
  });
});

test('ids ascend, are never given twice, and lead to descriptors', () => {
  bpfSolo(function* (bpf, p) {
    for (const name of 'abc') p.ok((yield* bpf.call(`${name} = ${ARRAY}`)).result);
    expect(yield* ids(bpf, 'map')).toEqual([1, 2, 3]);
    const again = p.ok((yield* bpf.call(`d = bpf ${BY_ID.map} 0:4=2`)).result);
    yield* bpf.call('bpf 2 0:4=$d 8:8=&00000000 16:8=&2a00000000000000');
    expect(le32((yield* bpf.call('bpf 1 0:4=$b 8:8=&00000000 16:8=>8')).out.get(16)!)).toBe(42);
    p.ok(yield* p.close(again));
    p.ok(yield* p.close(2));
    yield* rest(p);
    p.ok((yield* bpf.call(`e = ${HASH}`)).result);
    expect(yield* ids(bpf, 'map')).toEqual([1, 2, 4]);
    expect((yield* bpf.call(`bpf ${BY_ID.map} 0:4=3`)).result).toBe(-ENOENT);
  });
});

test('a pin holds what it names until it is unlinked', () => {
  bpfSolo(function* (bpf, p) {
    const name = '/sys/fs/bpf/kept';
    const m = p.ok((yield* bpf.call(`m = ${ARRAY}`)).result);
    const pin = `bpf ${CMD.OBJ_PIN} 0:8=${path(name)} 8:4=`;
    expect((yield* bpf.call(`${pin}77`)).result).toBe(-EBADF);
    expect((yield* bpf.call(`${pin}$m`)).result).toBe(0);
    expect((yield* bpf.call(`${pin}$m`)).result).toBe(-EEXIST);
    const dotted = `bpf ${CMD.OBJ_PIN} 0:8=${path('/sys/fs/bpf/a.b')} 8:4=$m`;
    expect((yield* bpf.call(dotted)).result).toBe(-EPERM);
    p.ok(yield* p.close(m));
    yield* rest(p);
    const got = p.ok((yield* bpf.call(`g = bpf ${CMD.OBJ_GET} 0:8=${path(name)}`)).result);
    p.ok(yield* p.close(got));
    const text = p.mmap({ content: cString(name) });
    expect(yield* p.sys('unlink', text)).toBe(0);
    yield* rest(p);
    expect((yield* bpf.call(`bpf ${CMD.OBJ_GET} 0:8=${path(name)}`)).result).toBe(-ENOENT);
    expect(yield* ids(bpf, 'map')).toEqual([]);
  });
});

test('struct bpf_map_info and bpf_prog_info stand as in the uapi header', () => {
  bpfSolo(function* (bpf, p) {
    p.ok((yield* bpf.call(`m = ${HASH} 28:8=0x6870616d`)).result);
    const map = yield* bpf.call('bpf 15 0:4=$m 4:4=104 8:8=>104');
    const info = map.out.get(8)!;
    expect([0, 4, 8, 12, 16].map((at) => le32(info, at))).toEqual([1, 1, 4, 8, 4]);
    expect(textOf(info.subarray(24))).toBe('maph');
    p.ok((yield* bpf.call(`p = ${RAW_TP} 8:8=${HOLDS_MAP} 48:8=0x67626f72`)).result);
    const prog = (yield* bpf.call('bpf 15 0:4=$p 4:4=232 8:8=>232')).out.get(8)!;
    expect([0, 4, 20, 52].map((at) => le32(prog, at))).toEqual([17, 1, 32, 1]);
    expect(textOf(prog.subarray(64))).toBe('robg');
    const short = yield* bpf.call('bpf 15 0:4=$m 4:4=8 8:8=>104');
    expect([le32(short.attr, 4), le32(short.out.get(8)!, 8)]).toEqual([8, 0]);
  });
});

test('a program is given as much context as it reaches to', () => {
  bpfSolo(function* (bpf, p) {
    // r0 = *(u64 *)(r1 +8); exit
    const code = '&79100800000000009500000000000000';
    p.ok((yield* bpf.call(`s = ${LOAD} 0:4=31 44:4=16 8:8=${code}`)).result);
    const run = (size: number) => bpf.call(`bpf 10 0:4=$s 40:4=${size} 48:8=&${'07'.repeat(16)}`);
    expect((yield* run(8)).result).toBe(-EINVAL);
    expect((yield* bpf.call('bpf 10 0:4=$s')).result).toBe(-EINVAL);
    const { result, attr } = yield* run(16);
    expect([result, le32(attr, 4)]).toEqual([0, 0x07070707]);
  });
});

test('a frozen map is read only to bpf(2), and is frozen once, by who may write it', () => {
  bpfSolo(function* (bpf, p) {
    p.ok((yield* bpf.call(`m = ${ARRAY}`)).result);
    p.ok((yield* bpf.call(`r = ${ARRAY} 16:4=8`)).result); // BPF_F_RDONLY
    const freeze = (fd: string) => bpf.call(`bpf ${CMD.MAP_FREEZE} 0:4=${fd}`);
    const update = 'bpf 2 0:4=$m 8:8=&00000000 16:8=&2a00000000000000';
    expect((yield* bpf.call(update)).result).toBe(0);
    expect((yield* freeze('$r')).result).toBe(-EPERM);
    expect((yield* freeze('$m')).result).toBe(0);
    expect((yield* freeze('$m')).result).toBe(-EPERM);
    expect((yield* bpf.call(update)).result).toBe(-EPERM);
    expect(le32((yield* bpf.call('bpf 1 0:4=$m 8:8=&00000000 16:8=>8')).out.get(16)!)).toBe(42);
  });
});
