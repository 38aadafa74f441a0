import { expect, test } from 'vitest';
import { CMD } from '../../../bpf/uapi.ts';
import { ENOENT } from '../../../kernel/errno.ts';
import { cString } from '../../../scenarios/user-memory.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { BpfCaller } from '../../kit/bpf.ts';
import { FdWorld } from '../../kit/fd-world.ts';

const ARRAY = 'bpf 0 0:4=2 4:4=4 8:4=8 12:4=1';
const PROGRAM = `bpf ${CMD.PROG_LOAD} 0:4=1 16:8=&47504c00 8:8=&b7000000000000009500000000000000`;
const PATH = '/sys/fs/bpf/pinned';
const PATH_HEX = [...cString(PATH)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function* unpin(p: Proc): Sim<void> {
  p.ok(yield* p.sys('unlink', p.mmap({ content: cString(PATH) })));
}

/** What goes away, by another task, and what still asks for it. */
const RACES: readonly (readonly [string, string, string, (p: Proc) => Sim<unknown>])[] = [
  ['a map by id', ARRAY, `bpf ${CMD.MAP_GET_FD_BY_ID} 0:4=1`, (p) => p.close(0)],
  ['a program by id', PROGRAM, `bpf ${CMD.PROG_GET_FD_BY_ID} 0:4=1`, (p) => p.close(0)],
  ['a pin by name', ARRAY, `bpf ${CMD.OBJ_GET} 0:8=&${PATH_HEX}`, unpin],
];

test.each(RACES)('%s, as the last reference goes: whole, or not there', (_, make, ask, drop) => {
  const w: FdWorld = new FdWorld({
    *setup(init) {
      const bpf = new BpfCaller(init);
      init.ok((yield* bpf.call(`m = ${make}`)).result);
      if (drop === unpin) {
        init.ok((yield* bpf.call(`bpf ${CMD.OBJ_PIN} 0:8=&${PATH_HEX} 8:4=$m`)).result);
      }
      yield* init.start('A');
      if (drop === unpin) init.ok(yield* init.close(0));
      yield* init.start('B');
      if (drop !== unpin) init.ok(yield* init.close(0));
    },
    processes: {
      *A(p) {
        if (drop === unpin) p.ok(yield* p.close(0));
        yield* drop(p);
      },
      *B(p) {
        if (drop !== unpin) p.ok(yield* p.close(0));
        const { result } = yield* new BpfCaller(p).call(ask);
        seen.add(Math.min(result, 0));
      },
    },
  });
  const seen = new Set<number>();
  w.everyRun('random', () => undefined, 300);
  w.everyRun('exhaustive:2', () => undefined, 300);
  expect([...seen].sort((a, b) => a - b)).toEqual([-ENOENT, 0]);
});
