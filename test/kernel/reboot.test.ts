import { expect, test } from 'vitest';
import { EINVAL, EPERM } from '../../kernel/errno.ts';
import { RESTART } from '../../kernel/reboot.ts';
import { scenario } from '../../scenarios/dsl.ts';
import { World } from '../../scenarios/world.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { Stay } from '../../sim/strategies/stay.ts';

const [MAGIC1, MAGIC2, CMD_RESTART] = RESTART as readonly [number, number, number];
const CAD_ON = 0x89ab_cdef;

const world = new World(
  scenario({
    name: 'reboot',
    about: 'who ends the machine, while another sleeps for ever',
    processes: {
      *A(p) {
        const answers = [
          yield* p.sys('reboot', MAGIC1 - 1, MAGIC2, CMD_RESTART),
          yield* p.sys('reboot', MAGIC1, MAGIC2 + 1, CMD_RESTART),
          yield* p.sys('reboot', MAGIC1, MAGIC2, 0x77),
          yield* p.sys('reboot', MAGIC1, MAGIC2, CAD_ON),
        ];
        const pid = p.ok(
          yield* p.fork(function* (child) {
            p.ok(yield* child.setuid(1_000));
            child.note('unprivileged', yield* child.sys('reboot', 0, 0, CMD_RESTART));
          }),
        );
        p.ok(yield* p.wait(pid));
        p.note('answers', answers);
        yield* p.reboot();
        p.note('after', true);
      },
      *B(p) {
        const [read] = p.ok(yield* p.pipe());
        yield* p.read(read, 1);
      },
    },
  }),
);

test('reboot(2) is for the privileged, who know its magic numbers', () => {
  world.run(new Stay());
  expect(world.notes.get('answers')).toEqual([-EINVAL, -EINVAL, -EINVAL, 0]);
  expect(world.notes.get('unprivileged')).toBe(-EPERM);
});

test.each(['stay', 'random', 'round-robin'])(
  'nothing comes after it, nor is missed: %s',
  (name) => {
    const strategy = strategyByName(name, { seed: 1 });
    for (let run = 0; run < 20 && strategy.begin(run); run++) {
      const { failures, choiceCount } = world.run(strategy);
      strategy.end(choiceCount);
      expect(failures).toEqual([]);
      expect(world.notes.get('after')).toBeUndefined();
      expect(world.notes.has('answers')).toBe(true);
    }
  },
);
