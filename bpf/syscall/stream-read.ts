import { streamsOf } from '../prog/streams.ts';
import type { Command } from './context.ts';

/** Offsets in union bpf_attr of BPF_PROG_STREAM_READ_BY_FD. */
const AT = { buf: 0, len: 8, id: 12, fd: 16 } as const;

/** kernel/bpf/syscall.c: prog_stream_read() */
export const progStreamRead: Command = {
  endBytes: 20,
  *run({ kernel, fds, ops, programs }, attr) {
    const prog = yield* fds.with(attr.s32(AT.fd), ops.prog, (addr) => programs.bpf_prog_get(addr));
    if (typeof prog === 'number') return prog;
    const streams = streamsOf(kernel);
    const { buf, len, id } = AT;
    const result = yield* streams.bpf_prog_stream_read(
      prog,
      attr.u32(id),
      attr.ptr(buf),
      attr.u32(len),
    );
    yield* programs.bpf_prog_put(prog.addr);
    return result;
  },
};
