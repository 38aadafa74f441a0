import type { Btf } from '../../btf/types.ts';
import * as t from '../types.ts';

/** Names of base types, as the log prints them. kernel/bpf/log.c: reg_type_str() */
const BASE_NAMES: Readonly<Record<number, string>> = {
  [t.NOT_INIT]: '?',
  [t.SCALAR_VALUE]: 'scalar',
  [t.PTR_TO_CTX]: 'ctx',
  [t.CONST_PTR_TO_MAP]: 'map_ptr',
  [t.PTR_TO_MAP_VALUE]: 'map_value',
  [t.PTR_TO_STACK]: 'fp',
  [t.PTR_TO_PACKET]: 'pkt',
  [t.PTR_TO_PACKET_META]: 'pkt_meta',
  [t.PTR_TO_PACKET_END]: 'pkt_end',
  [t.PTR_TO_FLOW_KEYS]: 'flow_keys',
  [t.PTR_TO_SOCKET]: 'sock',
  [t.PTR_TO_SOCK_COMMON]: 'sock_common',
  [t.PTR_TO_TCP_SOCK]: 'tcp_sock',
  [t.PTR_TO_TP_BUFFER]: 'tp_buffer',
  [t.PTR_TO_XDP_SOCK]: 'xdp_sock',
  [t.PTR_TO_BTF_ID]: 'ptr_',
  [t.PTR_TO_MEM]: 'mem',
  [t.PTR_TO_ARENA]: 'arena',
  [t.PTR_TO_BUF]: 'buf',
  [t.PTR_TO_FUNC]: 'func',
  [t.PTR_TO_INSN]: 'insn',
  [t.PTR_TO_MAP_KEY]: 'map_key',
  [t.CONST_PTR_TO_DYNPTR]: 'dynptr_ptr',
};

/** In the order in which they stand in front of the base type. */
const PREFIXES: readonly (readonly [flag: number, name: string])[] = [
  [t.MEM_RDONLY, 'rdonly_'],
  [t.MEM_RINGBUF, 'ringbuf_'],
  [t.MEM_USER, 'user_'],
  [t.MEM_PERCPU, 'percpu_'],
  [t.MEM_RCU, 'rcu_'],
  [t.PTR_UNTRUSTED, 'untrusted_'],
  [t.PTR_TRUSTED, 'trusted_'],
];

const cache = new Map<number, string>();

/** `trusted_ptr_or_null_`, to be followed by the name of the struct; `map_value_or_null`. */
export function regTypeStr(type: number): string {
  let text = cache.get(type);
  if (text === undefined) {
    const prefix = PREFIXES.map(([flag, name]) => ((type & flag) !== 0 ? name : '')).join('');
    const orNull = t.baseType(type) === t.PTR_TO_BTF_ID ? 'or_null_' : '_or_null';
    text = `${prefix}${BASE_NAMES[t.baseType(type)]}${t.mayBeNull(type) ? orNull : ''}`;
    cache.set(type, text);
  }
  return text;
}

const DYNPTR_NAMES: Readonly<Record<number, string>> = {
  [t.BPF_DYNPTR_TYPE_INVALID]: '<invalid>',
  [t.BPF_DYNPTR_TYPE_LOCAL]: 'local',
  [t.BPF_DYNPTR_TYPE_RINGBUF]: 'ringbuf',
  [t.BPF_DYNPTR_TYPE_SKB]: 'skb',
  [t.BPF_DYNPTR_TYPE_XDP]: 'xdp',
  [t.BPF_DYNPTR_TYPE_SKB_META]: 'skb_meta',
  [t.BPF_DYNPTR_TYPE_FILE]: 'file',
};

/** dynptr_type_str() */
export function dynptrTypeStr(type: number): string {
  return DYNPTR_NAMES[type] ?? '<unknown>';
}

const ITER_PREFIX = 'bpf_iter_';

/** `num` of struct bpf_iter_num. iter_type_str() */
export function iterTypeStr(btf: Btf | undefined, btfId: number): string {
  if (!btf || btfId === 0) return '<invalid>';
  return btfTypeName(btf, btfId).slice(ITER_PREFIX.length);
}

const ITER_STATES = ['<invalid>', 'active', 'drained'] as const;

/** iter_state_str() */
export function iterStateStr(state: number): string {
  return ITER_STATES[state] ?? '<unknown>';
}

/** The name of a type; '' where it has none. btf_type_name() */
export function btfTypeName(btf: Btf, id: number): string {
  return btf.types[id]?.name ?? '';
}
