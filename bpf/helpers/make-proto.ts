import { FUNC, type FuncName } from './func-ids.ts';
import type { ArgProto, FuncProto } from './proto.ts';

/** What may change the packet, so that pointers into it are valid no more. */
const CHANGES_PACKET: ReadonlySet<FuncName> = new Set([
  'clone_redirect',
  'l3_csum_replace',
  'l4_csum_replace',
  'lwt_push_encap',
  'lwt_seg6_action',
  'lwt_seg6_adjust_srh',
  'lwt_seg6_store_bytes',
  'msg_pop_data',
  'msg_pull_data',
  'msg_push_data',
  'skb_adjust_room',
  'skb_change_head',
  'skb_change_proto',
  'skb_change_tail',
  'skb_pull_data',
  'skb_store_bytes',
  'skb_vlan_pop',
  'skb_vlan_push',
  'store_hdr_opt',
  'xdp_adjust_head',
  'xdp_adjust_meta',
  'xdp_adjust_tail',
  'tail_call', // what is called may do all of it
]);

type Rest = Omit<FuncProto, 'id' | 'name' | 'ret' | 'args' | 'isChangingPkt'>;

/** A row of the tables of prototypes. */
export function proto(
  name: FuncName,
  ret: number,
  args: readonly ArgProto[],
  rest: Partial<Rest> = {},
): FuncProto {
  return {
    id: FUNC[name],
    name: `bpf_${name}`,
    ret,
    args,
    gplOnly: false,
    pktAccess: false,
    mightSleep: false,
    allowFastcall: false,
    isChangingPkt: CHANGES_PACKET.has(name),
    ...rest,
  };
}
