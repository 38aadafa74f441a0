import type { TestRunResult } from '../../bpf/user/calls.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';
import held from './held.bpf.o';

/** In setup: loads these programs of held.bpf.c; processes inherit their descriptors. */
export function* loadHeld(init: Proc, ...names: readonly string[]): Sim<void> {
  const object = init.openObject(held, 'held.bpf.o');
  for (const name of names) object.program(name).isWanted = true;
  yield* object.load();
  for (const name of names) init.note(name, object.program(name).fd);
}

/** Runs one of them. */
export function* runHeld(p: Proc, name: string, ctxBytes = 0): Sim<TestRunResult> {
  const ctx = ctxBytes === 0 ? {} : { ctxIn: new Uint8Array(ctxBytes) };
  const run = yield* p.calls.testRun(p.noted(name) as number, ctx);
  p.ok(run.result);
  return run;
}

/** Runs one of them as an interrupt of another CPU. */
export function* interruptWith(p: Proc, name: string, cpu: number): Sim<TestRunResult> {
  const BPF_F_TEST_RUN_ON_CPU = 1;
  const flags = BPF_F_TEST_RUN_ON_CPU;
  const run = yield* p.calls.testRun(p.noted(name) as number, { flags, cpu });
  p.ok(run.result);
  return run;
}
