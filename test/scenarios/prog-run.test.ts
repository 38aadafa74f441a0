import { describe, expect, test } from 'vitest';
import { EBADF, EINVAL } from '../../kernel/errno.ts';
import { F_GETFD } from '../../kernel/fs/uapi.ts';
import { PROFILES } from '../../kernel/profile.ts';
import { loadClosing, runProgram } from '../../scenarios/prog-run-close.ts';
import { findScenario } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { explore } from '../../sim/explore.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { FdWorld, solo } from '../kit/fd-world.ts';

const KEEP_BRACKET = ['prog_run.keep-bracket'];

describe.each(PROFILES)('%s', (profile) => {
  test('00 R53: looked up, held, the bracket ended; then it runs', () => {
    const w = solo(profile, function* (p, world) {
      p.ok(yield* p.eventfd());
      const fd = p.ok(yield* loadClosing(p, [0, 9]));
      expect(yield* p.fcntl(fd, F_GETFD)).toBe(1);
      expect(yield* runProgram(p, fd)).toEqual({ retval: -EBADF }); // that of the last close
      expect(yield* p.fcntl(0, F_GETFD)).toBe(-EBADF);
      expect(world.refs(fd)).toBe(1);
      expect(yield* runProgram(p, 0)).toBe(-EBADF);
      p.ok(yield* p.eventfd());
      expect(yield* runProgram(p, 0)).toBe(-EINVAL);
    });
    expect(w.sites(/^(bpf_prog_\w+:|fdget:|close_fd:C2)/).slice(0, 7)).toEqual([
      'fdget:L1', // of fcntl()
      'fdget:L1',
      'bpf_prog_get:inc',
      'close_fd:C2',
      'bpf_prog_put:dec',
      'fdget:L1', // of fcntl()
      'fdget:L1',
    ]);
  });

  test('00 R53: alone, a program that closes itself runs to its end', () => {
    const run = (mutations: string[], titles: RegExp[]): void => {
      const w: FdWorld = new FdWorld(
        {
          processes: {
            *A(p) {
              const fd = p.ok(yield* loadClosing(p, [0, 0]));
              expect(yield* runProgram(p, fd)).toEqual({ retval: -EBADF });
              expect([...w.kernel.machine.slab.live('filp')]).toHaveLength(0);
            },
          },
        },
        { profile: 'v7.2', mutations },
      );
      w.run(titles);
    };
    run([], []);
    // The put is deferred: the rule is broken, but nothing comes of it.
    run(KEEP_BRACKET, [/descriptor 0 removed from the table inside fdget\(0\)/]);
  });

  const scenario = findScenario('prog-run-close');
  const found = (mutations: string[]) => {
    const world = new World(scenario, { variant: 'good', profile, mutations });
    return ['exhaustive:2', 'pct:3'].map((name) => {
      const strategy = strategyByName(name, { seed: 1 });
      const { distinct } = explore(world, {
        strategy,
        runsMax: 4_000,
        isFound: ({ failures }) => failures.some(({ kind }) => kind !== 'borrow-rule'),
      });
      return [...new Set(distinct.map(({ failure }) => failure.kind))].toSorted();
    });
  };

  test('00 R53: with another table that drops the last reference: clean', () => {
    expect(found([])).toEqual([[], []]);
  });

  test('00 R53: with the bracket around the run: a use after free', () => {
    for (const kinds of found(KEEP_BRACKET)) {
      expect(kinds).toEqual(['borrow-rule', 'use-after-free']);
    }
  });
});
