import { args } from '../helpers/args.ts';
import { kfunc } from './prototype.ts';

/** Does not return. Releases nothing: the verifier sees to it that nothing is held. helpers.c */
export const bpf_throw = kfunc({
  name: 'bpf_throw',
  args: [args.anything],
  *run(call, cookie) {
    call.throwException!(cookie);
    return 0;
  },
});
