import { s32, struct } from '../../base/layout.ts';
import { E2BIG, EINVAL } from '../../kernel/errno.ts';
import { args } from '../helpers/args.ts';
import { BPF_MAX_LOOPS } from '../vm/frame.ts';
import { kfunc } from './prototype.ts';

/** What a program's struct bpf_iter_num holds. kernel/bpf/bpf_iter.c */
const bpf_iter_num_kern = struct('bpf_iter_num_kern', {
  cur: s32, // the last number given
  end: s32, // exclusive
});

/** The numbers from start to end - 1. An empty iterator where the range is bad or too long. */
export const bpf_iter_num_new = kfunc({
  name: 'bpf_iter_num_new',
  args: [args.mem, args.int, args.int],
  run({ memory }, it, start, end) {
    const iter = bpf_iter_num_kern.at(memory, it);
    iter.cur = 0;
    iter.end = 0;
    if (start > end) return -EINVAL;
    if (end - start > BPF_MAX_LOOPS) return -E2BIG;
    iter.cur = (start - 1) | 0;
    iter.end = end;
    return 0;
  },
});

/** The address of the next number, or 0. */
export const bpf_iter_num_next = kfunc({
  name: 'bpf_iter_num_next',
  args: [args.mem],
  isPointer: true,
  run({ memory }, it) {
    const iter = bpf_iter_num_kern.at(memory, it);
    if (((iter.cur + 1) | 0) >= iter.end) {
      iter.cur = 0;
      iter.end = 0;
      return 0;
    }
    iter.cur = (iter.cur + 1) | 0;
    return it + bpf_iter_num_kern.off.cur;
  },
});

export const bpf_iter_num_destroy = kfunc({
  name: 'bpf_iter_num_destroy',
  args: [args.mem],
  run({ memory }, it) {
    const iter = bpf_iter_num_kern.at(memory, it);
    iter.cur = 0;
    iter.end = 0;
    return 0;
  },
});
