import { s32, struct, u64 } from '../../base/layout.ts';
import { E2BIG, EFAULT, EINVAL, ENOMEM } from '../../kernel/errno.ts';
import { args } from '../helpers/args.ts';
import { copy_from_kernel_nofault } from '../helpers/probe-read.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, type Kfunc } from './prototype.ts';

/** What a program's struct bpf_iter_bits holds: a word, or where a copy of more stands. */
const bpf_iter_bits_kern = struct('bpf_iter_bits_kern', {
  bits: u64,
  nr_bits: s32,
  bit: s32, // the last one given
});
const { off } = bpf_iter_bits_kern;

const WORD_BITS = 64;
/** BITS_ITER_NR_WORDS_MAX */
const WORDS_MAX = 511;

function begin(call: Call, it: number, from: bigint, words: number): number {
  const { memory, kernel } = call;
  const iter = bpf_iter_bits_kern.at(memory, it);
  Object.assign(iter, { nr_bits: 0, bits: 0n, bit: -1 });
  if (from === 0n || words === 0) return -EINVAL;
  if (words > WORDS_MAX) return -E2BIG;
  const bytes = copy_from_kernel_nofault(memory, from, 8 * words);
  if (words === 1) {
    if (typeof bytes === 'number') return -EFAULT;
    memory.copyIn(it, bytes);
  } else {
    const { machine } = kernel;
    const copy = machine.mayAlloc('bpf_iter_bits') ? machine.slab.kmalloc(8 * words) : 0;
    if (copy === 0) return -ENOMEM;
    if (typeof bytes === 'number') {
      kernel.kasan.free(copy);
      return bytes;
    }
    memory.copyIn(copy, bytes);
    memory.setPtr(it, copy);
  }
  iter.nr_bits = WORD_BITS * words;
  return 0;
}

/** The address of the number of the next bit that is set, or 0. */
function next({ memory }: Call, it: number): number {
  const iter = bpf_iter_bits_kern.at(memory, it);
  const { nr_bits, bit } = iter;
  if (nr_bits === 0 || bit >= nr_bits) return 0;
  const words = nr_bits === WORD_BITS ? it : memory.ptr(it);
  let found = bit + 1;
  while (found < nr_bits && (memory.u8(words + (found >> 3)) & (1 << (found & 7))) === 0) found++;
  iter.bit = found;
  return found < nr_bits ? it + off.bit : 0;
}

function end({ memory, kernel }: Call, it: number): number {
  if (memory.s32(it + off.nr_bits) > WORD_BITS) kernel.kasan.free(memory.ptr(it));
  return 0;
}

/** kernel/bpf/helpers.c */
export const ITER_BITS_KFUNCS: readonly Kfunc[] = [
  kfunc({ name: 'bpf_iter_bits_new', args: [args.mem, args.anything, args.u32], run: begin }),
  kfunc({ name: 'bpf_iter_bits_next', args: [args.mem], isPointer: true, run: next }),
  kfunc({ name: 'bpf_iter_bits_destroy', args: [args.mem], run: end }),
];
