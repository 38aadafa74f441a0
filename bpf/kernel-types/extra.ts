/** Types of modules and of kfuncs, and variables: those of each CPU. */
export const EXTRA = `
typedef int (*bpf_task_work_callback_t)(struct bpf_map *map, void *key, void *value);
struct bpf_ct_opts {
  s32 netns_id, error; u8 l4proto, dir; u16 ct_zone_id; u8 ct_zone_dir, reserved[3];
};
struct bpf_fou_encap {
  __be16 sport, dport;
};
struct bpf_xfrm_info {
  u32 if_id; int link;
};
struct bpf_flowtable_opts {
  s32 error;
};
extern int bpf_prog_active;
extern struct rq runqueues;
extern struct task_struct *current_task;
extern int cpu_number;
extern unsigned long this_cpu_off;
extern int bpf_trace_nest_level;
extern unsigned int tcp_orphan_count;
extern int tcp_memory_per_cpu_fw_alloc;
extern int udp_memory_per_cpu_fw_alloc;
`;

/** What stands in the section .data..percpu. */
export const PERCPU_VARIABLES: readonly string[] = [
  'bpf_prog_active',
  'runqueues',
  'current_task',
  'cpu_number',
  'this_cpu_off',
  'bpf_trace_nest_level',
  'tcp_orphan_count',
  'tcp_memory_per_cpu_fw_alloc',
  'udp_memory_per_cpu_fw_alloc',
];
