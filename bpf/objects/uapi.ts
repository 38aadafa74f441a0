import { ptr, struct, u64 } from '../../base/layout.ts';

// What of special fields programs cannot look at. include/linux/bpf.h, include/uapi/linux/bpf.h

/** struct bpf_list_head: zero until something is done with it. */
export const list_head = struct('list_head', {
  next: ptr('struct list_head'),
  prev: ptr('struct list_head'),
});

/** `owner`: the head of the list that it is in, BPF_PTR_POISON on its way, or NULL. */
export const bpf_list_node_kern = struct('bpf_list_node_kern', {
  next: ptr('struct list_head'),
  prev: ptr('struct list_head'),
  owner: u64,
});

export const bpf_rb_node_kern = struct('bpf_rb_node_kern', {
  __rb_parent_color: u64, // in no tree: its own address
  rb_right: ptr('struct rb_node'),
  rb_left: ptr('struct rb_node'),
  owner: u64,
});

/** struct bpf_rb_root */
export const rb_root_cached = struct('rb_root_cached', {
  rb_node: ptr('struct rb_node'),
  rb_leftmost: ptr('struct rb_node'),
});

/** Of a node that is being put into a list or tree, or taken out of one that is freed. */
export const BPF_PTR_POISON = 0xdead_0000_0000_eb9fn;
