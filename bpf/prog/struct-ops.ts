import { EACCES, EINVAL } from '../../kernel/errno.ts';
import { idOf } from '../btf/resolve.ts';
import * as b from '../helpers/protos-base.ts';
import * as s from '../helpers/protos-sock.ts';
import { baseType, PTR_TO_BTF_ID, PTR_TRUSTED } from '../verifier/types.ts';
import { btfCtxArgIdx } from './access/btf-ctx.ts';
import { tracing } from './access/tracing.ts';
import { writesTo, type WritableStructs } from './access/writes.ts';
import { base } from './funcs/base.ts';
import { funcs } from './funcs/rule.ts';
import type { ProgOps } from './ops.ts';
import type { ProgView } from './view.ts';

/** What is known of an argument of an operation: NULL may be given, or a reference with it. */
export type ArgNote = 'nullable' | 'ref' | '';

/** A struct of functions of the kernel's that programs may implement. struct bpf_struct_ops */
export interface StructOps {
  readonly ops: ProgOps;
  /** By operation that may be implemented, what its stub says of its arguments. */
  readonly members: Readonly<Record<string, readonly ArgNote[]>>;
  /** Positive errno where a program may not implement that one. check_member */
  readonly checkMember?: (member: string, prog: ProgView) => number;
}

const PLAIN = { hasConvertCtxAccess: false, hasGenPrologue: false } as const;

const dummy: StructOps = {
  ops: {
    ...PLAIN,
    isValidAccess: tracing,
    helper: () => undefined,
    btfStructAccess: (struct, _off, _size, log) => {
      if (struct === 'bpf_dummy_ops_state') return 0;
      log('only access to bpf_dummy_ops_state is supported\n');
      return EACCES;
    },
  },
  members: { test_1: ['nullable'], test_2: [], test_sleepable: [] },
  checkMember: (member, { isSleepable }) =>
    isSleepable && member !== 'test_sleepable' ? EINVAL : 0,
};

const CONGESTION: WritableStructs = {
  name: 'tcp_sock',
  structs: ['tcp_sock'],
  members: [
    { struct: 'sock', member: 'sk_pacing_rate' },
    { struct: 'sock', member: 'sk_pacing_status' },
    { struct: 'inet_connection_sock', member: 'icsk_ca_priv', isRange: true },
    { struct: 'inet_connection_sock', member: 'icsk_ack.pending' },
    { struct: 'tcp_sock', member: 'snd_cwnd' },
    { struct: 'tcp_sock', member: 'snd_cwnd_cnt' },
    { struct: 'tcp_sock', member: 'snd_cwnd_stamp' },
    { struct: 'tcp_sock', member: 'snd_ssthresh' },
    { struct: 'tcp_sock', member: 'ecn_flags' },
    { struct: 'tcp_sock', member: 'app_limited' },
  ],
};

const congestion: StructOps = {
  ops: {
    ...PLAIN,
    /** A struct sock is a struct tcp_sock to it. bpf_tcp_ca_is_valid_access() */
    isValidAccess: (off, size, isWrite, prog, info) => {
      if (!tracing(off, size, isWrite, prog, info)) return false;
      const { regType, btf, btfId, kernelBtf } = info;
      const isSock = btf === kernelBtf && btfId === idOf(kernelBtf, 'sock', 'struct');
      if (baseType(regType) === PTR_TO_BTF_ID && isSock) {
        info.btfId = idOf(kernelBtf, 'tcp_sock', 'struct');
      }
      return true;
    },
    helper: funcs(
      [s.bpf_tcp_send_ack, s.bpf_sk_storage_get, s.bpf_sk_storage_delete],
      {
        // Not where it is released: that may be while its options are set.
        setsockopt: ({ attach }) =>
          attach?.name === 'release' ? undefined : s.bpf_sk_setsockopt_nodelay,
        getsockopt: ({ attach }) => (attach?.name === 'release' ? undefined : s.bpf_sk_getsockopt),
        ktime_get_coarse_ns: () => b.bpf_ktime_get_coarse_ns,
      },
      base,
    ),
    btfStructAccess: writesTo(CONGESTION),
  },
  members: {
    ssthresh: [],
    cong_avoid: [],
    set_state: [],
    cwnd_event: [],
    cwnd_event_tx_start: [],
    in_ack_event: [],
    pkts_acked: [],
    min_tso_segs: [],
    cong_control: [],
    undo_cwnd: [],
    sndbuf_expand: [],
    init: [],
    release: [],
  },
};

const writesQdisc = writesTo({
  name: 'Qdisc',
  structs: ['Qdisc'],
  members: [
    { struct: 'Qdisc', member: 'limit' },
    { struct: 'Qdisc', member: 'q.qlen' },
    { struct: 'Qdisc', member: 'qstats', isRange: true },
  ],
});
const writesQueuedSkb = writesTo({
  name: 'sk_buff',
  structs: ['sk_buff'],
  members: [
    { struct: 'sk_buff', member: 'tstamp' },
    {
      struct: 'qdisc_skb_cb',
      member: 'data',
      in: { struct: 'sk_buff', member: 'cb' },
      isRange: true,
    },
  ],
});

const qdisc: StructOps = {
  ops: {
    ...PLAIN,
    hasGenPrologue: true,
    /** What enqueue() is to free is a list, which programs only hand on. */
    isValidAccess: (off, size, isWrite, prog, info) => {
      const { attach } = prog;
      const proto = attach?.btf.types[attach.protoId];
      const func = proto?.kind === 'func_proto' ? proto : undefined;
      const isToFree =
        attach?.name === 'enqueue' && !isWrite && btfCtxArgIdx(attach.btf, func, off) === 2;
      if (!attach || !isToFree) return tracing(off, size, isWrite, prog, info);
      info.regType = PTR_TO_BTF_ID | PTR_TRUSTED;
      info.btf = attach.btf;
      info.btfId = idOf(attach.btf, 'bpf_sk_buff_ptr', 'struct');
      return true;
    },
    helper: base,
    btfStructAccess: (struct, off, size, log, btf) =>
      (struct === 'sk_buff' ? writesQueuedSkb : writesQdisc)(struct, off, size, log, btf),
  },
  members: { enqueue: ['ref'], dequeue: [], init: [], reset: [], destroy: [] },
};

/** By the name of the struct. */
export const STRUCT_OPS: ReadonlyMap<string, StructOps> = new Map([
  ['bpf_dummy_ops', dummy],
  ['tcp_congestion_ops', congestion],
  ['Qdisc_ops', qdisc],
]);
