import type { Fields, StructType } from '../../../base/layout.ts';
import {
  PTR_MAYBE_NULL,
  PTR_TO_FLOW_KEYS,
  PTR_TO_PACKET,
  PTR_TO_PACKET_END,
  PTR_TO_PACKET_META,
  PTR_TO_SOCK_COMMON,
} from '../../verifier/types.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import type { ProgOps } from '../ops.ts';
import { __sk_buff } from '../sk-buff.ts';
import type { ProgView } from '../view.ts';
import { layoutOf, uapiLayout } from './layout.ts';
import { CtxTable, type MemberRule, type MemberRules } from './table.ts';

/* Contexts that are packets. net/core/filter.c */

type IsValidAccess = ProgOps['isValidAccess'];

const hasBpf = ({ caps }: ProgView): boolean => caps.bpf;

const SKB = layoutOf(__sk_buff as unknown as StructType<Fields>);
/** Bounds of the packet are words that become pointers. */
const BOUND: MemberRule = { read: 4, noSignExtension: true };
const DATA: MemberRules = {
  data: { ...BOUND, is: PTR_TO_PACKET },
  data_end: { ...BOUND, is: PTR_TO_PACKET_END },
};
const NONE: MemberRule = {};

/** What all types of program may read, for those to change that may do less or more. */
const SKB_REST: MemberRules = {
  cb: { read: 'any', write: 'any' },
  'data data_meta data_end': BOUND,
  'remote_ip4 local_ip4 remote_ip6 local_ip6': { read: 4 },
  'flow_keys tstamp_type': NONE,
  hwtstamp: { read: 8 },
  tstamp: { read: 8 },
  sk: { read: 8, is: PTR_TO_SOCK_COMMON | PTR_MAYBE_NULL },
  'len..ifindex tc_index hash..napi_id family..local_port wire_len gso_segs gso_size': {
    read: 'narrow',
  },
};
const WRITABLE_WORD: MemberRule = { read: 'narrow', write: 4 };

/** bpf_skb_is_valid_access(), behind what a type of program says of it. */
function skb(rules: MemberRules): IsValidAccess {
  const table = new CtxTable(SKB, { ...rules, ...without(SKB_REST, rules) });
  return (off, size, isWrite, prog, info) => table.isValidAccess(off, size, isWrite, prog, info);
}

function without(rest: MemberRules, rules: MemberRules): MemberRules {
  return Object.fromEntries(Object.entries(rest).filter(([names]) => !(names in rules)));
}

/** sk_filter_is_valid_access() */
export const sk_filter = skb({
  'tc_classid data data_meta data_end family..local_port tstamp wire_len hwtstamp': NONE,
});

/** cg_skb_is_valid_access() */
export const cg_skb = skb({
  'tc_classid data_meta wire_len': NONE,
  data: { ...DATA['data'], when: hasBpf },
  data_end: { ...DATA['data_end'], when: hasBpf },
  'mark priority': WRITABLE_WORD,
  tstamp: { read: 8, write: 8, writeWhen: hasBpf },
});

/** lwt_is_valid_access() */
export const lwt = skb({
  'tc_classid family..local_port data_meta tstamp wire_len hwtstamp': NONE,
  ...DATA,
  'mark priority': WRITABLE_WORD,
});

/** tc_cls_act_is_valid_access() */
export const tc_cls_act = skb({
  'mark tc_index priority tc_classid queue_mapping': WRITABLE_WORD,
  tstamp: { read: 8, write: 8 },
  ...DATA,
  data_meta: { ...BOUND, is: PTR_TO_PACKET_META },
  'family..local_port': NONE,
  tstamp_type: { read: 1 },
});

/** sk_skb_is_valid_access() */
export const sk_skb = skb({
  'tc_classid data_meta tstamp wire_len hwtstamp mark': NONE,
  'tc_index priority': WRITABLE_WORD,
  cb: { read: 'any' },
  ...DATA,
});

const flowDissector = new CtxTable(SKB, {
  ...DATA,
  flow_keys: { read: 8, is: PTR_TO_FLOW_KEYS },
});

/** flow_dissector_is_valid_access() */
export const flow_dissector: IsValidAccess = (off, size, isWrite, prog, info) =>
  flowDissector.isValidAccess(off, size, isWrite, prog, info);

const xdpMd = new CtxTable(uapiLayout('xdp_md'), {
  data: { ...BOUND, is: PTR_TO_PACKET },
  data_meta: { ...BOUND, is: PTR_TO_PACKET_META },
  data_end: { ...BOUND, is: PTR_TO_PACKET_END },
  egress_ifindex: {
    read: 4,
    when: ({ expectedAttachType }) => expectedAttachType === ATTACH_TYPE.XDP_DEVMAP,
  },
  'ingress_ifindex rx_queue_index': { read: 4 },
});

/** xdp_is_valid_access() */
export const xdp: IsValidAccess = (off, size, isWrite, prog, info) =>
  xdpMd.isValidAccess(off, size, isWrite, prog, info);
