import { CAP_BPF, hasCap } from '../capabilities.ts';
import { E2BIG, EFAULT, ENOMEM, EPERM } from '../../kernel/errno.ts';
import { O_RDWR } from '../../kernel/fs/uapi.ts';
import { BtfError, btf_parse } from '../btf/decode.ts';
import { btfParseStructMetas } from '../btf/struct-meta.ts';
import type { Btf } from '../btf/types.ts';
import { type Command } from './context.ts';
import { UserLog } from './log.ts';

/** include/linux/btf.h: BTF_MAX_SIZE */
const BTF_MAX_SIZE = 16 << 20;

/** kernel/bpf/btf.c: btf_new_fd() */
export const btfLoad: Command = {
  endBytes: 40,
  *run(bpf, attr) {
    const { kernel, btfs, fds, ops } = bpf;
    if (!hasCap(kernel, CAP_BPF)) return -EPERM;
    const size = attr.u32(16);
    if (size > BTF_MAX_SIZE) return -E2BIG;
    const log = UserLog.open(kernel, attr, { level: 24, size: 20, buf: 8, trueSize: 28 });
    if (typeof log === 'number') return log;
    const bytes = yield* kernel.mm.copy_from_user(attr.ptr(0), size);
    if (!bytes) return -EFAULT;
    let types: Btf;
    try {
      types = btf_parse(bytes);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
      log.print(error.log);
      return yield* log.finish(-error.errno);
    }
    const { bpfObjects } = kernel.machine.facts;
    const unfit = bpfObjects ? btfParseStructMetas(types, () => bpf.vmlinux().btf) : 0;
    if (unfit < 0) return yield* log.finish(unfit);
    const result = yield* log.finish(0);
    if (result < 0) return result;
    bpf.vmlinux(); // it has the first id
    const made = btfs.create(types, bytes);
    if (!made) return -ENOMEM;
    const fd = yield* fds.install(ops.btf, made.addr, O_RDWR);
    if (fd < 0) yield* btfs.btf_put(made.addr);
    return fd;
  },
};
