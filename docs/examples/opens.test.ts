import { BpfSimulation } from 'bohrbug/bpf';
import { uapi } from 'bohrbug/kernel';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const OBJECT = fileURLToPath(new URL('opens.bpf.o', import.meta.url));

test('each process has a count of its own', async () => {
  const bpf = new BpfSimulation();
  const object = (await bpf.open(OBJECT)).load().attach();
  const [parent, child] = bpf.run(function* (p) {
    p.ok(yield* p.open('/tmp/a', uapi.O_RDWR | uapi.O_CREAT));
    const pid = p.ok(
      yield* p.fork(function* (c) {
        for (let i = 0; i < 3; i++) c.ok(yield* c.open('/tmp/a', uapi.O_RDONLY));
      }),
    );
    p.ok(yield* p.wait(pid));
    return [yield* p.getpid(), pid] as const;
  });
  expect(object.map('opens').number(parent)).toBe(1n);
  expect(object.map('opens').number(child)).toBe(3n);
  expect(object.programs['on_openat']!.runCount).toBe(4);
});

test('a user may be left out', async () => {
  const bpf = new BpfSimulation();
  const object = (await bpf.open(OBJECT)).set('ignored_uid', 0).load().attach();
  bpf.run(function* (p) {
    p.ok(yield* p.open('/tmp/a', uapi.O_RDWR | uapi.O_CREAT));
  });
  expect(object.map('opens').entries()).toEqual([]);
});
