/** 00 R19, R22: the calls on descriptors against a model of what their numbers stand for. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EBADF, EINVAL } from '../../../kernel/errno.ts';
import {
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GETFD,
  F_SETFD,
  O_CLOEXEC,
} from '../../../kernel/fs/uapi.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { solo } from '../../kit/fd-world.ts';

/** What a descriptor stands for. */
interface Slot {
  readonly file: number;
  readonly cloexec: boolean;
}
type Model = Map<number, Slot>;

/** What is to be called, and what it must return by the model. */
interface Expected {
  readonly what: string;
  readonly wanted: number;
  call(p: Proc): Sim<number>;
}

/** Notes the calls: the kernel makes them all in one run, when the model has said what is right. */
type Noted = Expected[];

/** What a call does to the model; what it must return. */
type Act = (model: Model) => number;

function command(what: string, act: Act, call: Expected['call']): fc.Command<Model, Noted> {
  return {
    check: () => true,
    run: (model, noted) => void noted.push({ what, wanted: act(model), call }),
    toString: () => what,
  };
}

const LIMIT = 1024;
let files = 0;

const lowestFree = (model: Model, from = 0): number => {
  let fd = from;
  while (model.has(fd)) fd++;
  return fd;
};

function put(model: Model, fd: number, file: number, cloexec: boolean): number {
  model.set(fd, { file, cloexec });
  return fd;
}

const newFile = (): fc.Command<Model, Noted> =>
  command(
    'eventfd2(0, EFD_CLOEXEC)',
    (model) => put(model, lowestFree(model), ++files, true),
    (p) => p.eventfd(0, O_CLOEXEC),
  );

const close = (fd: number): fc.Command<Model, Noted> =>
  command(
    `close(${fd})`,
    (model) => (model.delete(fd) ? 0 : -EBADF),
    (p) => p.close(fd),
  );

const closeRange = (first: number, last: number): fc.Command<Model, Noted> =>
  command(
    `close_range(${first}, ${last}, 0)`,
    (model) => {
      if (first > last) return -EINVAL;
      for (const fd of model.keys()) if (fd >= first && fd <= last) model.delete(fd);
      return 0;
    },
    (p) => p.close_range(first, last),
  );

const dup = (fd: number): fc.Command<Model, Noted> =>
  command(
    `dup(${fd})`,
    (model) => {
      const slot = model.get(fd);
      return slot ? put(model, lowestFree(model), slot.file, false) : -EBADF;
    },
    (p) => p.dup(fd),
  );

const dup3 = (from: number, to: number, flags: number): fc.Command<Model, Noted> =>
  command(
    `dup3(${from}, ${to}, ${flags})`,
    (model) => {
      if (from === to) return -EINVAL;
      const slot = model.get(from);
      if (to >= LIMIT || !slot) return -EBADF;
      return put(model, to, slot.file, flags !== 0);
    },
    (p) => p.dup3(from, to, flags),
  );

const dup2 = (from: number, to: number): fc.Command<Model, Noted> =>
  command(
    `dup2(${from}, ${to})`,
    (model) => {
      const slot = model.get(from);
      if (!slot) return -EBADF;
      if (from === to) return to;
      return to >= LIMIT ? -EBADF : put(model, to, slot.file, false);
    },
    (p) => p.dup2(from, to),
  );

const dupFrom = (fd: number, least: number, cmd: number): fc.Command<Model, Noted> =>
  command(
    `fcntl(${fd}, ${cmd}, ${least})`,
    (model) => {
      const slot = model.get(fd);
      if (!slot) return -EBADF;
      if (least >= LIMIT) return -EINVAL;
      return put(model, lowestFree(model, least), slot.file, cmd === F_DUPFD_CLOEXEC);
    },
    (p) => p.fcntl(fd, cmd, least),
  );

const setFlags = (fd: number, flags: number): fc.Command<Model, Noted> =>
  command(
    `fcntl(${fd}, F_SETFD, ${flags})`,
    (model) => {
      const slot = model.get(fd);
      if (!slot) return -EBADF;
      put(model, fd, slot.file, flags !== 0);
      return 0;
    },
    (p) => p.fcntl(fd, F_SETFD, flags),
  );

const getFlags = (fd: number): fc.Command<Model, Noted> =>
  command(
    `fcntl(${fd}, F_GETFD)`,
    (model) => {
      const slot = model.get(fd);
      return slot ? Number(slot.cloexec) : -EBADF;
    },
    (p) => p.fcntl(fd, F_GETFD),
  );

const isSame = (fd: number, other: number): fc.Command<Model, Noted> =>
  command(
    `fcntl(${fd}, F_DUPFD_QUERY, ${other})`,
    (model) => {
      const [a, b] = [model.get(fd), model.get(other)];
      return a && b ? Number(a.file === b.file) : -EBADF;
    },
    (p) => p.fcntl(fd, F_DUPFD_QUERY, other),
  );

/** Numbers that meet, one past the first 64 of a table, and one past the limit. */
const fd = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 7 }) },
  { weight: 2, arbitrary: fc.constantFrom(63, 64, 200) },
  { weight: 1, arbitrary: fc.constant(LIMIT) },
);
const cmd = fc.constantFrom(F_DUPFD, F_DUPFD_CLOEXEC);
const flag = fc.constantFrom(0, 1);

const commands = fc.commands(
  [
    fc.constant(null).map(newFile),
    fd.map(close),
    fc.tuple(fd, fd).map(([a, b]) => closeRange(a, b)),
    fd.map(dup),
    fc.tuple(fd, fd).map(([a, b]) => dup2(a, b)),
    fc.tuple(fd, fd, fc.constantFrom(0, O_CLOEXEC)).map(([a, b, flags]) => dup3(a, b, flags)),
    fc.tuple(fd, fd, cmd).map(([a, b, how]) => dupFrom(a, b, how)),
    fc.tuple(fd, flag).map(([a, flags]) => setFlags(a, flags)),
    fd.map(getFlags),
    fc.tuple(fd, fd).map(([a, b]) => isSame(a, b)),
  ],
  { maxCommands: 60, size: 'max' },
);

test('00 R19, R22: any calls on descriptors return what the model says', () => {
  fc.assert(
    fc.property(commands, (drawn) => {
      const noted: Noted = [];
      fc.modelRun(() => ({ model: new Map<number, Slot>(), real: noted }), drawn);
      const returned: string[] = [];
      solo('v7.2', function* (p) {
        p.ok(yield* p.close_range(0, 2 ** 32 - 1));
        for (const { what, call } of noted) returned.push(`${what} = ${yield* call(p)}`);
      });
      expect(returned).toEqual(noted.map(({ what, wanted }) => `${what} = ${wanted}`));
    }),
    { numRuns: 60, seed: 11 },
  );
});
