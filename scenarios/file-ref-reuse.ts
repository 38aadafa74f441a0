import { scenario } from './dsl.ts';
import { recycledInLookup } from './hazards/h6-lookup-recheck.ts';

/**
 * v7.2 as it stands, in the situation of spec 00 H6. A has loaded the slot; B closes, and the file
 * is freed. A's increment finds the count dead and goes the slow way. Before that reads the count
 * again, C has got the memory and has made the count 1. The slow path finds it live, so A has a
 * reference that nobody counted; the slot has changed, A puts it, and that frees C's file.
 */
export default scenario({
  ...recycledInLookup,
  name: 'file-ref-reuse',
  about: 'The slow path of file_ref_get() takes the count of a recycled file for its own',
  variants: {
    bad: {
      about: '__file_ref_get() reads the count a second time',
      expect: ['use-after-free'],
      also: ['refcount-underflow', 'double-free', 'fd-leak', 'leak', 'fd-misuse'],
    },
    good: {
      about: 'what the addition gave decides',
      mutations: ['file_ref.get-by-sum'],
    },
  },
});
