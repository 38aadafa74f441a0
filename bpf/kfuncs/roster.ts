import { args } from '../helpers/args.ts';
import { kfunc } from './prototype.ts';

/** kernel/fs/roster.ts */
export const roster_lock = kfunc({
  name: 'roster_lock',
  args: [],
  isPointer: true,
  run: ({ kernel }) => kernel.fs.roster.roster_lock(),
});

export const roster_unlock = kfunc({
  name: 'roster_unlock',
  args: [args.btfId],
  *run({ kernel }) {
    yield* kernel.fs.roster.roster_unlock();
    return 0;
  },
});

export const roster_add = kfunc({
  name: 'roster_add',
  args: [args.u32],
  isPointer: true,
  run: ({ kernel }, number) => kernel.fs.roster.roster_add(number),
});

export const roster_put = kfunc({
  name: 'roster_put',
  args: [args.btfId],
  *run({ kernel }, entry) {
    yield* kernel.fs.roster.roster_put(entry);
    return 0;
  },
});

export const roster_open = kfunc({
  name: 'roster_open',
  args: [],
  isPointer: true,
  run: ({ kernel }) => kernel.fs.roster.roster_open(),
});

export const roster_close = kfunc({
  name: 'roster_close',
  args: [args.btfId],
  *run({ kernel }, file) {
    yield* kernel.fs.roster.roster_close(file);
    return 0;
  },
});
