import { EFAULT, EINVAL, ENOMEM } from '../../kernel/errno.ts';
import { O_CLOEXEC, O_RDWR } from '../../kernel/fs/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import type { Attachment } from '../attach/links.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { ATTACH_TYPE } from '../uapi.ts';
import type { BpfContext, Command } from './context.ts';

const NAME_MAX = 128;
const BPF_F_REPLACE = 4;

/** kernel/bpf/syscall.c: bpf_raw_tracepoint_open() */
export const rawTracepointOpen: Command = {
  endBytes: 24,
  *run(bpf, attr) {
    const { kernel, traceLinks } = bpf;
    return yield* withProg(bpf, attr.s32(8), function* (prog) {
      const named = attr.ptr(0);
      let name: string | undefined;
      if (named !== 0) {
        const text = yield* kernel.mm.strncpy_from_user(named, NAME_MAX);
        if (typeof text === 'number') return -EFAULT;
        name = text;
      }
      return yield* attach(bpf, prog, traceLinks.rawTracepoint(prog, name));
    });
  },
};

/** link_create() */
export const linkCreate: Command = {
  endBytes: 64,
  *run(bpf, attr) {
    const { traceLinks } = bpf;
    const [target, attachType, flags] = [attr.s32(4), attr.u32(8), attr.u32(12)];
    return yield* withProg(bpf, attr.s32(0), function* (prog) {
      if (attachType === ATTACH_TYPE.PERF_EVENT) {
        if (flags !== 0) return -EINVAL;
        return yield* attach(bpf, prog, yield* traceLinks.perfEvent(prog, target));
      }
      if (attachType !== prog.expectedAttachType || target !== 0) return -EINVAL;
      return yield* attach(bpf, prog, traceLinks.tracing(prog));
    });
  },
};

/** Runs `use` with a reference on the program, which `use` keeps where it gives a descriptor. */
function* withProg(
  bpf: BpfContext,
  fd: number,
  use: (prog: ExecProgram) => Sim<number>,
): Sim<number> {
  const { fds, ops, programs } = bpf;
  const prog = yield* fds.with(fd, ops.prog, (addr) => programs.bpf_prog_get(addr));
  if (typeof prog === 'number') return prog;
  const result = yield* use(prog);
  if (result < 0) yield* programs.bpf_prog_put(prog.addr);
  return result;
}

/**
 * A descriptor of a link that holds the program, hung where it is to hang; or -errno, and the
 * reference on the program is still the caller's. bpf_link_prime(), bpf_link_settle()
 */
function* attach(bpf: BpfContext, prog: ExecProgram, attachment: Attachment | number): Sim<number> {
  if (typeof attachment === 'number') return attachment;
  const { kernel, links, ops } = bpf;
  const { tables } = kernel.fs;
  const undo = function* (result: number): Sim<number> {
    if (attachment.abandon) yield* attachment.abandon();
    return result;
  };
  const link = links.create(attachment, prog, prog.expectedAttachType);
  if (link === 0) return yield* undo(-ENOMEM);
  const fd = yield* tables.get_unused_fd_flags(O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    links.abandon(link);
    return yield* undo(fd);
  }
  const file = yield* kernel.fs.anon.anon_inode_getfile({
    ops: ops.link,
    flags: O_RDWR,
    privateData: link,
  });
  const made = file < 0 ? file : attachment.attach();
  const result = typeof made === 'number' ? made : yield* made;
  if (result < 0) {
    yield* tables.put_unused_fd(fd);
    links.forget(link); // the file's release finds nothing to take off
    if (file > 0) yield* kernel.fs.files.fput(file);
    else links.abandon(link);
    return yield* undo(result);
  }
  yield* tables.fd_install(fd, file);
  return fd;
}

/** link_update() */
export const linkUpdate: Command = {
  endBytes: 16,
  *run(bpf, attr) {
    const { fds, ops, links, programs } = bpf;
    const flags = attr.u32(8);
    if ((flags & ~BPF_F_REPLACE) !== 0) return -EINVAL;
    const link = yield* fds.with(attr.s32(0), ops.link, (addr) => links.bpf_link_inc(addr));
    if (link < 0) return link;
    const next = yield* fds.with(attr.s32(4), ops.prog, (addr) => programs.bpf_prog_get(addr));
    let result = typeof next === 'number' ? next : 0;
    if (typeof next !== 'number') {
      const isGiven = (flags & BPF_F_REPLACE) !== 0;
      if (!isGiven && attr.s32(12) !== 0) result = -EINVAL;
      else result = yield* replace(bpf, link, next, isGiven ? attr.s32(12) : undefined);
      if (result < 0) yield* programs.bpf_prog_put(next.addr);
    }
    yield* links.bpf_link_put(link);
    return result;
  },
};

/** `oldFd`: a descriptor of the program that must be there now. */
function* replace(
  { fds, ops, links, programs }: BpfContext,
  link: number,
  next: ExecProgram,
  oldFd: number | undefined,
): Sim<number> {
  if (oldFd === undefined) return yield* links.update(link, next, undefined);
  const old = yield* fds.with(oldFd, ops.prog, (addr) => programs.bpf_prog_get(addr));
  if (typeof old === 'number') return old;
  const result = yield* links.update(link, next, old);
  yield* programs.bpf_prog_put(old.addr);
  return result;
}

export const linkDetach: Command = {
  endBytes: 4,
  *run(bpf, attr) {
    const { fds, ops, links } = bpf;
    const link = yield* fds.with(attr.s32(0), ops.link, (addr) => links.bpf_link_inc(addr));
    if (link < 0) return link;
    const result = yield* links.detach(link);
    yield* links.bpf_link_put(link);
    return result;
  },
};
