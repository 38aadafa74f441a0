import { kfuncSet, type DeclaredKfunc } from './declare.ts';

/** Connections that are tracked. net/netfilter/nf_conntrack_bpf.c: nf_ct_kfunc_set */
export const CONNTRACK: readonly DeclaredKfunc[] = kfuncSet(
  { hooks: ['xdp', 'tc'] },
  `
  struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) KF_ACQUIRE KF_RET_NULL;
  struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) KF_ACQUIRE KF_RET_NULL;
  struct nf_conn___init *bpf_skb_ct_alloc(struct __sk_buff *skb_ctx, struct bpf_sock_tuple
    *bpf_tuple, u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) KF_ACQUIRE KF_RET_NULL;
  struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz) KF_ACQUIRE KF_RET_NULL;
  struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *nfct_i) KF_ACQUIRE KF_RET_NULL
    KF_RELEASE;
  void bpf_ct_release(struct nf_conn *nfct) KF_RELEASE;
  void bpf_ct_set_timeout(struct nf_conn___init *nfct, u32 timeout);
  int bpf_ct_change_timeout(struct nf_conn *nfct, u32 timeout);
  int bpf_ct_set_status(const struct nf_conn___init *nfct, u32 status);
  int bpf_ct_change_status(struct nf_conn *nfct, u32 status);
`,
);
