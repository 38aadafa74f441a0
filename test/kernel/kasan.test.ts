import { describe, expect, test } from 'vitest';
import { step, kernelFunction, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Failure } from '../../sim/failure.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

const CLOSE = site('kasan_uaf_free', 'free');
const IOCTL = site('kasan_uaf_use', 'use');

/** Runs `body` in task A, inside a module's function, and gives its failure. */
function failureOf(k: BareKernel, body: () => void): Failure | undefined {
  const ioctl = kernelFunction(
    'kasan_uaf_use',
    function* (): Sim<void> {
      yield* step(IOCTL);
      body();
    },
    'kasan_test',
  );
  k.spawn('A', ioctl);
  const failures = k.run();
  expect(failures.length).toBeLessThanOrEqual(1);
  return failures[0];
}

test('a use after free names who made, who freed, and who used', () => {
  const k = new BareKernel();
  const { slab, memory } = k.machine;
  const cache = slab.cache('filp', 88);
  let addr = 0;
  const close = kernelFunction('kasan_uaf_free', function* (): Sim<void> {
    addr = slab.zalloc(cache);
    yield* step(CLOSE);
    k.kasan.free(addr);
  });
  k.spawn('B', close);
  expect(k.run()).toEqual([]);
  const failure = failureOf(k, () => void memory.u64(addr + 16));
  expect(failure).toMatchObject({
    kind: 'use-after-free',
    sites: ['kasan_uaf_use:use'],
    fatal: true,
    objects: [{ type: 'filp' }],
  });
  expect(failure!.text).toMatchInlineSnapshot(`
    "BUG: KASAN: slab-use-after-free in kasan_uaf_use
    Read of size 8 at addr ffff88800000d020 by task A/102

    CPU: 0 PID: 102 Comm: A
    Call Trace:
     kasan_uaf_use+0x50/0x100 [kasan_test]
     ret_from_fork+0x80/0x100

    Allocated by task 101 on cpu 0:
     kasan_uaf_free+0x0/0x100
     ret_from_fork+0x80/0x100

    Freed by task 101 on cpu 0:
     kasan_uaf_free+0xb8/0x100
     ret_from_fork+0x80/0x100

    The buggy address belongs to the object at ffff88800000d010
     which belongs to the cache filp of size 88
    The buggy address is located 16 bytes inside of
     freed 88-byte region [ffff88800000d010, ffff88800000d068)

    Memory state around the buggy address:
     ffff88800000cf00: fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
     ffff88800000cf80: fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
    >ffff88800000d000: fc fc fb fb fb fb fb fb fb fb fb fb fb fc fc fc
                                   ^
     ffff88800000d080: fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
     ffff88800000d100: fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
    =================================================================="
  `);
});

/** What is done to a 40-byte object at `addr`, and what KASAN says. */
const ROWS: readonly {
  about: string;
  act: (k: BareKernel, addr: number) => void;
  kind: Failure['kind'];
  title: string;
  says: string;
}[] = [
  {
    about: 'one byte too far',
    act: ({ machine }, addr) => machine.memory.setU8(addr + 40, 1),
    kind: 'out-of-bounds',
    title: 'BUG: KASAN: slab-out-of-bounds in kasan_uaf_use',
    says: 'The buggy address is located 0 bytes to the right of\n allocated 40-byte region',
  },
  {
    about: 'a word that begins inside',
    act: ({ machine }, addr) => machine.memory.u64(addr + 36),
    kind: 'out-of-bounds',
    title: 'BUG: KASAN: slab-out-of-bounds in kasan_uaf_use',
    says: 'Read of size 4 at addr',
  },
  {
    about: 'one byte before the first',
    act: ({ machine }, addr) => machine.memory.u8(addr - 1),
    kind: 'out-of-bounds',
    title: 'BUG: KASAN: slab-out-of-bounds in kasan_uaf_use',
    says: 'The buggy address is located 1 bytes to the left of',
  },
  {
    about: 'a double free',
    act: ({ kasan }, addr) => {
      kasan.free(addr);
      kasan.free(addr);
    },
    kind: 'double-free',
    title: 'BUG: KASAN: double-free in kasan_uaf_use',
    says: 'Free of addr',
  },
  {
    about: 'a free of the middle',
    act: ({ kasan }, addr) => kasan.free(addr + 8),
    kind: 'double-free',
    title: 'BUG: KASAN: invalid-free in kasan_uaf_use',
    says: 'located 8 bytes inside of\n allocated 40-byte region',
  },
  {
    about: 'a free of what is no object',
    act: ({ kasan }) => kasan.free(PAGE_SIZE),
    kind: 'double-free',
    title: 'BUG: KASAN: invalid-free in kasan_uaf_use',
    says: 'Free of',
  },
  {
    about: 'NULL with an offset',
    act: ({ machine }) => machine.memory.setU32(8, 1),
    kind: 'bad-access',
    title: 'BUG: kernel NULL pointer dereference, address: 0000000000000008',
    says: '#PF: supervisor write access in kernel mode',
  },
  {
    about: 'a pointer to nowhere',
    act: ({ machine }) => machine.memory.u32(-64),
    kind: 'bad-access',
    title: 'BUG: KASAN: wild-memory-access in kasan_uaf_use',
    says: 'Read of size 4',
  },
  {
    about: 'memory that was never given out',
    act: ({ machine }) => machine.memory.u32(machine.memory.sizeBytes - 8),
    kind: 'bad-access',
    title: 'BUG: KASAN: wild-memory-access in kasan_uaf_use',
    says: 'ff ff ff',
  },
  {
    about: 'a page that was freed',
    act: ({ machine: { memory, slab } }) => {
      const page = slab.pages(PAGE_SIZE);
      slab.freePages(page, PAGE_SIZE);
      memory.u32(page);
    },
    kind: 'use-after-free',
    title: 'BUG: KASAN: use-after-free in kasan_uaf_use',
    says: 'Memory state around the buggy address',
  },
];

describe('reports', () => {
  test.each(ROWS)('$about', ({ act, kind, title, says }) => {
    const k = new BareKernel();
    const failure = failureOf(k, () => act(k, k.machine.slab.kzalloc(40)));
    expect(failure).toMatchObject({ kind, title });
    expect(failure!.text).toContain(says);
  });

  test('nothing to say: kfree(NULL), and every byte of an object', () => {
    const k = new BareKernel();
    expect(
      failureOf(k, () => {
        k.kasan.free(0);
        k.machine.memory.fill(k.machine.slab.kzalloc(40), 40, 1);
      }),
    ).toBeUndefined();
  });

  test('00 R5, R11: a dead type-stable object may be looked at under RCU, and not else', () => {
    for (const reading of [true, false]) {
      const k = new BareKernel();
      k.kasan.inReadSection = () => reading;
      const { slab, memory } = k.machine;
      const addr = slab.zalloc(slab.cache('filp', 64, { typesafe: true }));
      slab.free(addr);
      expect(failureOf(k, () => void memory.u32(addr))?.kind).toBe(
        reading ? undefined : 'use-after-free',
      );
    }
  });
});
