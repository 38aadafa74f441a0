import { expect, test } from 'vitest';
import { settingsOf } from '../../../bpf/protect/settings.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const KILL_POINTS_MAX = 20;

test('a program on a hook holds the file that a task executes, and puts it', () => {
  const bpf = new BpfSandbox();
  const object = bpf.openBytes(compiledBytes('exe', 'clang-22-v3'), 'exe.bpf.o').load().attach();
  bpf.run(function* (p) {
    for (let i = 0; i < 3; i++) p.ok(yield* p.close(p.ok(yield* p.open('/dev/null'))));
  });
  const [found, same, missing] = ['found', 'same', 'missing'].map((name) => object.variable(name));
  expect([found, same, missing]).toEqual([3n, 2n, 0n]);
  object.destroy();
});

test('03 R20: killed anywhere, it leaves no reference behind', () => {
  const settings = { ...settingsOf('record-kill'), killAt: 0 };
  const bpf = new BpfSandbox({ bpf: { policy: { all: settings, byProgram: new Map() } } });
  const object = bpf.openBytes(compiledBytes('exe', 'clang-22-v3'), 'exe.bpf.o').load().attach();
  const { fs, sched } = bpf.kernel;
  let refused = 0;
  for (settings.killAt = 1; settings.killAt < KILL_POINTS_MAX; settings.killAt++) {
    refused += bpf.run(function* (p) {
      const fd = yield* p.open('/dev/null');
      if (fd >= 0) yield* p.close(fd);
      return fd < 0 ? 1 : 0;
    });
  }
  settings.killAt = 0;
  expect(refused).toBeGreaterThan(2);
  const count = bpf.run(function* () {
    const file = yield* fs.exeFiles.get_task_exe_file(sched.current);
    const references = fs.files.count(file);
    yield* fs.files.fput(file);
    return references;
  });
  expect(count).toBe(2);
  object.destroy();
});
