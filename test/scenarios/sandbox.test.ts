import { expect, test } from 'vitest';
import { BpfSandbox } from '../../scenarios/bpf-object.ts';
import execEvents from '../../scenarios/bpf/exec-events.bpf.o';
import tailCalls from '../../scenarios/bpf/tail-calls.bpf.o';

test('an object is opened, loaded, attached, and seen at work', () => {
  const bpf = new BpfSandbox({ images: { *'/bin/true'() {} } });
  const object = bpf.openBytes(execEvents, 'exec-events.bpf.o').load().attach();
  expect(object.programs['on_exec']!.runCount).toBe(0);
  bpf.run(function* (p) {
    p.ok(
      yield* p.fork(function* (child) {
        yield* child.exec('/bin/true');
      }, 'child'),
    );
    yield* p.wait();
  });
  expect(object.programs['on_exec']!.runCount).toBe(1);
  const [event] = object.map('events').read();
  expect(String.fromCharCode(...event!.subarray(32, 41))).toBe('/bin/true');
  expect(object.map('events').read()).toEqual([]);
  object.destroy();
});

test('a raw tracepoint program runs by BPF_PROG_TEST_RUN, and counts', () => {
  const bpf = new BpfSandbox();
  const object = bpf.openBytes(tailCalls, 'tail-calls.bpf.o').load();
  expect(object.programs['first']!.run()).toMatchObject({ result: 0, retval: 0 });
  expect(object.variable('entered')).toBe(1n);
});
