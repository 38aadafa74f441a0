import type { Bpf } from './install.ts';
import { KCONFIG } from './kconfig.ts';
import { symbolAddress } from './kernel-types/symbols.ts';
import type { LoaderKernel } from './user/object.ts';

/** What the files of a kernel tell whoever loads objects into it. */
export function loaderKernel(bpf: Bpf): LoaderKernel {
  return {
    btf: bpf.btf,
    kconfig: KCONFIG[bpf.kernel.machine.profile],
    addressOf: (symbol) => symbolAddress(bpf.btf, symbol),
  };
}
