import { InputError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import autofsClosemount from './autofs-closemount.ts';
import execEvents from './bpf/exec-events.ts';
import mapFdLifetime from './bpf/map-fd-lifetime.ts';
import mapRace from './bpf/map-race.ts';
import storeBuffering from './bpf/store-buffering.ts';
import tailCalls from './bpf/tail-calls.ts';
import wakeLatency from './bpf/wake-latency.ts';
import type { Scenario } from './dsl.ts';
import fileRefReuse from './file-ref-reuse.ts';
import h1 from './hazards/h1-viro-plain.ts';
import h2 from './hazards/h2-viro-recycled.ts';
import h3 from './hazards/h3-autofs-unload.ts';
import h4 from './hazards/h4-synchronous-close.ts';
import h5 from './hazards/h5-borrow-acquire.ts';
import h6 from './hazards/h6-lookup-recheck.ts';
import h7 from './hazards/h7-dup2-reserved.ts';
import h8 from './hazards/h8-number-reuse.ts';
import h9 from './hazards/h9-task-work-starved.ts';
import h10 from './hazards/h10-early-fork-failure.ts';
import forkStorm from './life/fork-storm.ts';
import missedWakeup from './life/missed-wakeup.ts';
import passDescriptor from './life/pass-descriptor.ts';
import pingPong from './life/ping-pong.ts';
import sharedTable from './life/shared-table.ts';
import tableGrowth from './life/table-growth.ts';
import p1 from './protection/h1-bomb.ts';
import p2 from './protection/h2-unrecorded.ts';
import p3 from './protection/h3-killed-release.ts';
import p4 from './protection/h4-erase-by-address.ts';
import p5 from './protection/h5-stashed.ts';
import p6 from './protection/h6-record-per-task.ts';
import p7 from './protection/h7-oldest-first.ts';
import p8 from './protection/h8-sleeping-release.ts';
import p9 from './protection/h9-free-cpu.ts';
import p10 from './protection/h10-abba.ts';
import p11 from './protection/h11-nested-may-goto.ts';
import progRunClose from './prog-run-close.ts';
import bpfBomb from './protection/bpf-bomb.ts';
import cpuWaiters from './writes/cpu-waiters.ts';
import w8 from './writes/h8-slot-reuse.ts';
import w9 from './writes/h9-fork-shares-slot.ts';
import w10 from './writes/h10-orphan-page.ts';
import w1 from './writes/h1-early-fork-failure.ts';
import w2 from './writes/h2-switch-in-growth.ts';
import w3 from './writes/h3-switch-in-sort.ts';
import w4 from './writes/h4-exec-window.ts';
import w5 from './writes/h5-stale-region.ts';
import w6 from './writes/h6-thread-blindness.ts';
import w7 from './writes/h7-cow-after-fork.ts';

/** Every scenario that has a name, in the order in which they are listed. */
export const SCENARIOS: readonly Scenario[] = [
  autofsClosemount,
  h1,
  h2,
  h3,
  h4,
  h5,
  h6,
  h7,
  h8,
  h9,
  h10,
  fileRefReuse,
  forkStorm,
  pingPong,
  sharedTable,
  passDescriptor,
  tableGrowth,
  missedWakeup,
  progRunClose,
  execEvents,
  wakeLatency,
  cpuWaiters,
  tailCalls,
  mapRace,
  storeBuffering,
  mapFdLifetime,
  bpfBomb,
  p1,
  p2,
  p3,
  p4,
  p5,
  p6,
  p7,
  p8,
  p9,
  p10,
  p11,
  w1,
  w2,
  w3,
  w4,
  w5,
  w6,
  w7,
  w8,
  w9,
  w10,
];

/** The scenario of that name. An InputError suggests the nearest one. */
export function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((candidate) => candidate.name === name);
  if (found) return found;
  const meant = nearest(
    name,
    SCENARIOS.map((candidate) => candidate.name),
  );
  throw new InputError(
    `unknown scenario '${name}'` +
      (meant === undefined ? ', see `bohrbug list`' : `, did you mean ${meant}?`),
  );
}
