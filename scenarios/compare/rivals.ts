import { numberOf } from '../../bpf/user/object-map.ts';
import type { PolicyName } from '../../bpf/protect/names.ts';
import { BPF_PROG_TERMINATE } from '../../bpf/syscall/terminate.ts';
import type { Sim } from '../../sim/request.ts';
import arenaBomb from '../protection/arena-bomb.bpf.o';
import { BOMBS, type Bomb } from '../protection/bomb.ts';
import rivalBombs from '../protection/rival-bombs.bpf.o';
import type { Proc } from '../proc.ts';
import { ints } from '../user-memory.ts';

/** What the bomb holds while it runs. Spec 03 R37. */
export const BOMB_KINDS = ['plain', 'reference', 'lock'] as const;
export type BombKind = (typeof BOMB_KINDS)[number];

/** One way to try a policy out. */
export interface Trial {
  readonly bomb: Bomb;
  /** What is special about it. */
  readonly where?: string;
}

function rival(program: string, place: Bomb['in'], more: Partial<Bomb> = {}): Bomb {
  return { bytes: rivalBombs, file: 'rival-bombs.bpf.o', program, in: place, ...more };
}

const ARENA: Bomb = {
  bytes: arenaBomb,
  file: 'arena-bomb.bpf.o',
  program: 'arena_plain',
  in: 'switch',
};

/** Long enough for the watchdog at three quarters of the soft lockup's time. */
const PATIENT = { watched: 30 };

/** The task on the other CPU wants what the bomb holds. */
const WAITED_FOR: Bomb = rival('res_lock', 'call', {
  watched: 30,
  also: ['waiter'],
  *everySecond(p, object) {
    yield* p.getppid();
    const waited = yield* object.mapOf('waited').variable('waited');
    p.note('waited', Number(numberOf(waited)) | 0);
  },
});

/** The task on the other CPU asks for its end. */
function asked(bomb: Bomb): Bomb {
  return {
    ...bomb,
    *everySecond(p, object): Sim<void> {
      const { id } = yield* object.program(bomb.program).stats();
      p.note('terminated', yield* terminate(p, id));
    },
  };
}

function terminate(p: Proc, id: number): Sim<number> {
  return p.bpf(BPF_PROG_TERMINATE, ints(id));
}

const SAME: Readonly<Record<BombKind, readonly Trial[]>> = {
  plain: [{ bomb: BOMBS.plain }],
  reference: [{ bomb: BOMBS.reference }],
  lock: [{ bomb: BOMBS.lock }],
};

/** By policy, the bombs that it is tried with; none: it has nothing to do with that. */
export const TRIALS: Readonly<Record<PolicyName, Readonly<Record<BombKind, readonly Trial[]>>>> = {
  none: SAME,
  'record-kill': SAME,
  throw: {
    plain: [{ bomb: rival('throw_plain', 'switch'), where: 'bpf_throw() behind the loops' }],
    reference: [{ bomb: rival('throw_reference', 'switch'), where: 'bpf_throw() in the loop' }],
    lock: [{ bomb: rival('throw_lock', 'switch'), where: 'bpf_throw() in the loop' }],
  },
  'timed-goto': {
    plain: [
      { bomb: BOMBS.plain, where: 'loops without may_goto' },
      { bomb: rival('goto_plain', 'switch'), where: 'rewritten with may_goto' },
    ],
    reference: [{ bomb: rival('goto_reference', 'switch'), where: 'rewritten with may_goto' }],
    lock: [{ bomb: rival('goto_lock', 'switch'), where: 'rewritten with may_goto' }],
  },
  'res-lock': {
    plain: [{ bomb: BOMBS.plain }],
    reference: [],
    lock: [{ bomb: WAITED_FOR, where: 'bpf_res_spin_lock()' }],
  },
  streams: SAME,
  'arena-fault': {
    plain: [{ bomb: ARENA, where: 'a load from an arena in each round' }],
    reference: [],
    lock: [],
  },
  'fast-path': {
    plain: [
      { bomb: BOMBS.plain, where: 'interrupts off' },
      { bomb: BOMBS['preempt-off'], where: 'interrupts on' },
    ],
    reference: [{ bomb: rival('irqs_reference', 'call', PATIENT), where: 'interrupts on' }],
    lock: [{ bomb: rival('res_lock', 'call', PATIENT), where: 'interrupts on' }],
  },
  'terminate-cmd': {
    plain: [{ bomb: asked(BOMBS.plain) }],
    reference: [{ bomb: asked(BOMBS.reference) }],
    lock: [{ bomb: asked(BOMBS.lock) }],
  },
};
