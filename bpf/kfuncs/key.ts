import { array, ptr, struct, u8 } from '../../base/layout.ts';
import { args } from '../helpers/args.ts';
import { kfunc, type Kfunc } from './prototype.ts';

/** include/linux/bpf.h. Keyrings that the kernel builds in are known by number. */
const bpf_key = struct('bpf_key', { key: ptr('struct key'), has_ref: u8, pad: array(u8, 7) });

/** include/linux/verification.h: VERIFY_USE_PLATFORM_KEYRING */
const SYSTEM_KEYRING_MAX = 2n;

/** kernel/trace/bpf_trace.c. Users have no keys here. */
export const KEY_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_lookup_system_key',
    args: [args.anything],
    isPointer: true,
    run({ kernel, memory }, id) {
      const { machine } = kernel;
      if (id > SYSTEM_KEYRING_MAX || !machine.mayAlloc('bpf_key')) return 0;
      const key = machine.slab.kzalloc(bpf_key.sizeBytes);
      if (key !== 0) memory.setU64(key, id);
      return key;
    },
  }),
  kfunc({
    name: 'bpf_key_put',
    args: [args.btfId],
    run({ kernel }, key) {
      kernel.kasan.free(key);
      return 0;
    },
  }),
];
