import { describe, expect, test } from 'vitest';
import { PROG_TYPES } from '../../../bpf/prog/types.ts';
import type { ProgView } from '../../../bpf/prog/view.ts';
import { ATTACH_TYPE } from '../../../bpf/uapi.ts';
import { EFAULT, EPERM } from '../../../kernel/errno.ts';
import { findScenario } from '../../../scenarios/registry.ts';
import { World } from '../../../scenarios/world.ts';
import { register } from '../../../scenarios/writes/registered.ts';
import registered from '../../../scenarios/writes/registered.bpf.o';
import { defaultPlan, explore } from '../../../sim/explore.ts';
import { isFound } from '../../../scenarios/judge.ts';
import { compiledBytes } from '../../kit/compiled.ts';
import { FIXED, PATCH, withRegions } from '../../kit/registered-world.ts';

const HELPER = 212;

/** The same object under a license of as many letters. */
function under(license: string): Uint8Array {
  const bytes = registered.slice();
  const text = String.fromCharCode(...bytes);
  const at = text.indexOf('GPL\0');
  for (let i = 0; i < license.length; i++) bytes[at + i] = license.charCodeAt(i);
  return bytes;
}

describe('05 R8: who may call the helper', () => {
  const mayCall = (name: string, caps: ProgView['caps']): boolean => {
    const type = PROG_TYPES.find((row) => row.name === name)!;
    const expectedAttachType = name === 'TRACING' ? ATTACH_TYPE.TRACE_FENTRY : 0;
    const prog = { type, expectedAttachType, isSleepable: false, attach: undefined, caps };
    return type.helper(HELPER, prog) !== undefined;
  };
  const ADMIN = { bpf: true, perfmon: true, registeredWrites: true };

  test.each(['KPROBE', 'TRACEPOINT', 'PERF_EVENT', 'RAW_TRACEPOINT', 'TRACING', 'LSM'])(
    '%s programs of those with CAP_SYS_ADMIN',
    (name) => {
      expect(mayCall(name, ADMIN)).toBe(true);
      expect(mayCall(name, { ...ADMIN, registeredWrites: false })).toBe(false);
    },
  );

  test.each(['SOCKET_FILTER', 'XDP', 'SCHED_CLS', 'CGROUP_SKB', 'SK_LOOKUP'])(
    'not %s programs',
    (name) => expect(mayCall(name, ADMIN)).toBe(false),
  );

  test.each([
    ['GPL', ''],
    ['MIT', 'cannot call GPL-restricted function from non-GPL compatible program'],
  ])('a program under %s', (license, complaint) => {
    withRegions(PATCH, function* (p) {
      const object = p.openObject(under(license), 'registered.bpf.o');
      for (const name of ['on_switch', 'on_exec', 'on_exit', 'interrupt']) {
        object.program(name).isWanted = false;
      }
      let text = '';
      try {
        yield* object.load();
      } catch (error) {
        text = String(error);
      }
      if (complaint === '') expect(text).toBe('');
      else expect(text).toContain(complaint);
    });
  });
});

test.each([
  ['the patch', PATCH],
  ['fixed', FIXED],
])('05 R4: security modules are asked first, %s', (_name, mutations) => {
  withRegions(mutations, function* (p) {
    const hooks = p.openObject(compiledBytes('hooks', 'clang-22-v3'), 'hooks.bpf.o');
    hooks.set('process', yield* p.getpid());
    hooks.set('answer', -EPERM);
    hooks.program('on_task_prctl').isWanted = true;
    yield* hooks.load();
    yield* hooks.program('on_task_prctl').attach();
    expect(yield* register(p, 0, 0)).toBe(-EPERM);
    yield* hooks.program('on_task_prctl').detach();
    expect(yield* register(p, 0, 0)).toBe(-EFAULT);
  });
});

describe('what is reported is named by what was meant', () => {
  const IN = 'in bpf_probe_write_user_registered';
  test.each([
    ['05 H3', 'switch-in-sort', 'bad', `BUG: lost region ${IN}`],
    ['05 H3', 'switch-in-sort', 'bad-torn', `BUG: write outside registered memory ${IN}`],
    ['05 H4', 'exec-window', 'bad', `BUG: write to unregistered memory of new image ${IN}`],
    ['05 H5', 'stale-region', 'bad', `BUG: write to reused memory ${IN}`],
    ['05 H5', 'stale-region', 'bad-fixed', `BUG: write to reused memory ${IN}`],
  ])('%s: %s %s', (_hazard, name, variant, title) => {
    const world = new World(findScenario(name), { variant });
    const strategy = defaultPlan({ seed: 1 });
    const { found } = explore(world, { strategy, runsMax: 500, isFound: isFound(world.variant) });
    expect(found!.result.failures.map((failure) => failure.title)).toEqual([title]);
  });

  test.each([
    ['05 H1', 'early-fork-regions', 'bad', /^BUG: KASAN: slab-use-after-free in bpf_probe_write/],
    ['05 H1', 'early-fork-regions', 'bad-exit', /^BUG: KASAN: double-free in delayed_put_task_/],
    ['05 H2', 'switch-in-growth', 'bad', /^BUG: KASAN: slab-use-after-free in bpf_probe_write/],
    ['05 H2', 'switch-in-growth', 'bad-recycled', /^BUG: write outside registered memory in/],
    ['05 H6', 'thread-blindness', 'bad', /lost update$/],
    ['05 H7', 'cow-after-fork', 'bad', /non-deterministic failure/],
  ])('%s: %s %s', (_hazard, name, variant, title) => {
    const world = new World(findScenario(name), { variant });
    const strategy = defaultPlan({ seed: 1 });
    const runsMax = 10_000;
    const { found } = explore(world, { strategy, runsMax, isFound: isFound(world.variant) });
    expect(found!.result.failures[0]!.title).toMatch(title);
  });
});
