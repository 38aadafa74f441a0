import { describe, expect, test } from 'vitest';
import type { Attachment } from '../../../bpf/attach/links.ts';
import type { ExecProgram } from '../../../bpf/prog/exec-program.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../../bpf/uapi.ts';
import type { Sim } from '../../../sim/request.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { HookWorld } from '../../kit/hook-world.ts';

const RUNS = 60;

interface Hung {
  readonly release: () => Sim<void> | void;
}

const asTracing = (prog: ExecProgram, attachType: number, attachTo: string): ExecProgram => ({
  ...prog,
  type: PROG_TYPE.TRACING,
  expectedAttachType: attachType,
  attachTo,
});

function linked(made: Attachment | number): Hung {
  if (typeof made === 'number') throw new Error(`${made}`);
  expect(made.attach()).toBe(0);
  return made;
}

/** Every way to hang a program where close(2) passes. */
const WAYS: readonly [string, boolean, (w: HookWorld, prog: ExecProgram) => Hung][] = [
  [
    'raw tracepoint',
    false,
    (w, prog) =>
      linked(w.hooks.links.rawTracepoint({ ...prog, type: PROG_TYPE.RAW_TRACEPOINT }, 'sys_enter')),
  ],
  [
    'tp_btf',
    false,
    (w, prog) => {
      const tracing = asTracing(prog, ATTACH_TYPE.TRACE_RAW_TP, 'btf_trace_sys_exit');
      return linked(w.hooks.links.rawTracepoint(tracing, undefined));
    },
  ],
  [
    'trace event',
    false,
    (w, prog) => {
      const event = w.hooks.event('syscalls', 'sys_enter_close')!;
      const { tracepoints } = w.hooks;
      expect(tracepoints.perf_event_attach_bpf_prog(event, prog)).toBe(0);
      return { release: () => tracepoints.perf_event_detach_bpf_prog(event, prog) };
    },
  ],
  ['fentry', false, onFunction(ATTACH_TYPE.TRACE_FENTRY)],
  ['fexit', false, onFunction(ATTACH_TYPE.TRACE_FEXIT)],
  ['sleepable fexit', true, onFunction(ATTACH_TYPE.TRACE_FEXIT)],
];

function onFunction(attachType: number) {
  return (w: HookWorld, prog: ExecProgram): Hung =>
    linked(w.hooks.links.tracing(asTracing(prog, attachType, 'file_close_fd')));
}

describe.each(WAYS)('%s', (_, sleepable, hang) => {
  test('a program freed a grace period after it has come off is not touched any more', () => {
    let seen = 0;
    for (let run = 0; run < RUNS; run++) {
      const w = new HookWorld();
      const { rcu, rcuTasksTrace, kasan } = w.kernel;
      const hung: [ExecProgram, Hung][] = [];
      const strategy = new Random(run);
      strategy.begin(run);
      const failures = w.run(function* () {
        for (const name of ['first', 'second']) {
          const prog = w.program(name, 0, { sleepable });
          hung.push([prog, hang(w, prog)]);
        }
        yield* w.fork('closer', function* () {
          for (let i = 0; i < 3; i++) yield* w.sys('close', -1);
        });
        for (const [prog, { release }] of hung) {
          const released = release();
          if (released) yield* released;
          const free = (): void => kasan.free(prog.addr);
          if (sleepable) rcuTasksTrace.call_rcu_tasks_trace('free', free);
          else rcu.call_rcu('free', free);
          yield* w.sys('getpid');
        }
        yield* w.sys('wait4', -1, 0, 0, 0);
      }, strategy);
      expect(failures.map(({ text }) => text)).toEqual([]);
      seen += w.seen.length;
      expect(w.kernel.machine.tracepoints.isAny).toBe(false);
      expect(w.kernel.machine.engine.trampolines.isAny).toBe(false);
    }
    expect(seen).toBeGreaterThan(5);
  });
});
