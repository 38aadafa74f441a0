import { expect, test } from 'vitest';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';

function* own(w: FdWorld): Sim<number> {
  return yield* w.kernel.fs.exeFiles.get_task_exe_file(w.kernel.sched.current);
}

test('what a task executes belongs to its memory, and to that of its children', () => {
  const w: FdWorld = new FdWorld({
    processes: {
      *A(p) {
        const { files } = w.kernel.fs;
        const file = yield* own(w);
        expect(files.count(file)).toBe(2);
        expect(yield* own(w)).toBe(file);
        yield* files.fput(file);
        const pid = yield* p.fork(function* () {
          expect(yield* own(w)).toBe(file);
          expect(files.count(file)).toBe(4);
          yield* files.fput(file);
        });
        p.ok(yield* p.sys('wait4', pid, 0, 0, 0));
        expect(files.count(file)).toBe(2);
        yield* files.fput(file);
        expect(files.count(file)).toBe(1);
      },
    },
  });
  w.run(); // with nothing left: the references of files are counted at the end
});

test('a kernel thread executes none', () => {
  const w: FdWorld = new FdWorld({
    processes: {
      *A() {
        const kthread = w.kernel.processes.tasks.byPid(2)!;
        expect(yield* w.kernel.fs.exeFiles.get_task_exe_file(kthread)).toBe(0);
      },
    },
  });
  w.run();
});

test('two threads ask at once for the first time, and get the same', () => {
  const got: number[] = [];
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        got.length = 0;
        const pid = yield* p.thread(function* () {
          got.push(yield* own(w));
        });
        got.push(yield* own(w));
        while (got.length < 2) yield* p.nanosleep(1_000_000);
        expect(pid).toBeGreaterThan(0);
        for (const file of got) yield* w.kernel.fs.files.fput(file);
      },
    },
  });
  w.everyRun('random', () => expect(got[0]).toBe(got[1]), 100);
});
