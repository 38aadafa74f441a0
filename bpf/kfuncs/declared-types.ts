/** Types that only kfuncs are about. See btf/c-parse.ts. */
export const KFUNC_TYPES = `
struct btf_struct_meta {
  u32 btf_id; struct btf_record *record;
};
struct bpf_ws_lock {
};
struct iou_ctx {
};
struct prog_test_member1 {
  int a;
};
struct prog_test_member {
  struct prog_test_member1 m; int c;
};
struct prog_test_ref_kfunc {
  int a, b; struct prog_test_member memb; struct prog_test_ref_kfunc *next; refcount_t cnt;
};
struct bpf_tcp_req_attrs {
  u32 rcv_tsval, rcv_tsecr; u16 mss;
  u8 rcv_wscale, snd_wscale, ecn_ok, wscale_ok, sack_ok, tstamp_ok, usec_ts_ok, reserved[3];
};
struct xfrm_state {
} 832;
enum xdp_rss_hash_type {
  XDP_RSS_L3_IPV4 = 1, XDP_RSS_L3_IPV6 = 2, XDP_RSS_L3_DYNHDR = 4, XDP_RSS_L4 = 8,
  XDP_RSS_L4_TCP = 16, XDP_RSS_L4_UDP = 32, XDP_RSS_L4_SCTP = 64, XDP_RSS_L4_IPSEC = 128,
  XDP_RSS_L4_ICMP = 256, XDP_RSS_TYPE_NONE = 0, XDP_RSS_TYPE_L2 = 0, XDP_RSS_TYPE_L3_IPV4 = 1,
  XDP_RSS_TYPE_L3_IPV6 = 2, XDP_RSS_TYPE_L4_ANY = 8, XDP_RSS_TYPE_L4_IPV4_TCP = 25,
  XDP_RSS_TYPE_L4_IPV4_UDP = 41, XDP_RSS_TYPE_L4_IPV6_TCP = 26, XDP_RSS_TYPE_L4_IPV6_UDP = 42,
};
enum memcg_memory_event {
  MEMCG_LOW, MEMCG_HIGH, MEMCG_MAX, MEMCG_OOM, MEMCG_OOM_KILL, MEMCG_OOM_GROUP_KILL,
  MEMCG_SWAP_HIGH, MEMCG_SWAP_MAX, MEMCG_SWAP_FAIL, MEMCG_SOCK_THROTTLED, MEMCG_NR_MEMORY_EVENTS,
};
enum vm_event_item {
  PGPGIN, PGPGOUT, PSWPIN, PSWPOUT, PGFREE = 19, PGACTIVATE, PGDEACTIVATE, PGLAZYFREE, PGFAULT,
  PGMAJFAULT, PGLAZYFREED, PGREUSE, OOM_KILL = 39,
};
struct scx_event_stats {
  s64 SCX_EV_SELECT_CPU_FALLBACK, SCX_EV_DISPATCH_LOCAL_DSQ_OFFLINE, SCX_EV_DISPATCH_KEEP_LAST;
  s64 SCX_EV_ENQ_SKIP_EXITING, SCX_EV_ENQ_SKIP_MIGRATION_DISABLED, SCX_EV_REENQ_IMMED;
  s64 SCX_EV_REENQ_LOCAL_REPEAT, SCX_EV_REFILL_SLICE_DFL, SCX_EV_BYPASS_DURATION;
  s64 SCX_EV_BYPASS_DISPATCH, SCX_EV_BYPASS_ACTIVATE, SCX_EV_INSERT_NOT_OWNED;
  s64 SCX_EV_SUB_BYPASS_DISPATCH;
};
struct scx_cid_topo {
  s32 core_cid, core_idx, llc_cid, llc_idx, node_cid, node_idx;
};
struct scx_bpf_dsq_insert_vtime_args {
  u64 dsq_id, slice, vtime, enq_flags;
};
struct scx_bpf_select_cpu_and_args {
  s32 prev_cpu; u64 wake_flags, flags;
};
`;
