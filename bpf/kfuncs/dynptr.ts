import { E2BIG, EINVAL } from '../../kernel/errno.ts';
import { args, dynptr } from '../helpers/args.ts';
import type { Dynptr } from '../objects/dynptr.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const [offset, size] = [args.anything, args.anything];

/** kernel/bpf/helpers.c */
export const DYNPTR_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_dynptr_adjust',
    args: [dynptr, offset, offset],
    run: (_, of, start, end) => of.adjust(start, end),
  }),
  kfunc({
    name: 'bpf_dynptr_is_null',
    args: [dynptr],
    run: (_, of) => (of.isNull ? 1 : 0),
  }),
  kfunc({
    name: 'bpf_dynptr_is_rdonly',
    args: [dynptr],
    run: (_, of) => (of.isRdonly ? 1 : 0),
  }),
  kfunc({
    name: 'bpf_dynptr_size',
    args: [dynptr],
    run: (_, of) => (of.isNull ? -EINVAL : of.size),
  }),
  kfunc({
    name: 'bpf_dynptr_clone',
    args: [dynptr, dynptr],
    run(_, of, clone) {
      if (of.isNull) clone.setNull();
      else clone.copyFrom(of);
      return of.isNull ? -EINVAL : 0;
    },
  }),
  kfunc({
    name: 'bpf_dynptr_slice',
    args: [dynptr, offset, args.memOrNull, size],
    isPointer: true,
    run: (_, of, off, _buffer, len) => of.slice(off, len),
  }),
  kfunc({
    name: 'bpf_dynptr_slice_rdwr',
    args: [dynptr, offset, args.memOrNull, size],
    isPointer: true,
    run: (_, of, off, _buffer, len) => of.sliceRdwr(off, len),
  }),
  kfunc({
    name: 'bpf_dynptr_copy',
    args: [dynptr, offset, dynptr, offset, size],
    run({ memory }, to, toOff, from, fromOff, len) {
      const source = from.slice(fromOff, len);
      const target = to.sliceRdwr(toOff, len);
      if (source !== 0 && target !== 0) memory.copy(target, source, Number(len));
      if (source !== 0) return target !== 0 ? 0 : cannotWrite(to, toOff, len);
      if (target !== 0) return from.isNull ? -EINVAL : from.check(fromOff, len);
      return to.check(toOff, len) || from.check(fromOff, len) ? -E2BIG : -EINVAL;
    },
  }),
  kfunc({
    name: 'bpf_dynptr_memset',
    args: [dynptr, offset, size, args.u32],
    run({ memory }, of, off, len, value) {
      const target = of.sliceRdwr(off, len);
      if (target === 0) return of.isRdonly ? -EINVAL : of.check(off, len) || -EINVAL;
      memory.fill(target, Number(len), value & 0xff);
      return 0;
    },
  }),
];

/** What bpf_dynptr_write() says of it. */
function cannotWrite(to: Dynptr, offset: bigint, len: bigint): number {
  return to.isNull || to.isRdonly ? -EINVAL : to.check(offset, len);
}
