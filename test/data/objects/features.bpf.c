/* What an object may have besides CO-RE: maps, data, externs, subprograms. For the tests. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define noinline __attribute__((noinline))

struct key {
  __u32 pid;
  __u32 cpu;
};
struct value {
  __u64 count;
  char comm[16];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct key);
  __type(value, struct value);
} counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 3);
  __uint(key_size, 4);
  __uint(value_size, 24);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 4);
  __type(key, __u32);
  __array(values, struct inner);
} outer SEC(".maps") = {
    .values = {[0] = &inner_b, [3] = &inner_a},
};

int tail(void *ctx);

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 8);
  __uint(key_size, 4);
  __array(values, int(void *));
} calls SEC(".maps") = {
    .values = {[5] = (void *)&tail},
};

const volatile int limit = 7;
const volatile char label[6] = "label";
int counter = 41;
static __u64 hidden;
__u64 total;
int special SEC(".data.special") = 99;

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_SMP __kconfig;
extern enum libbpf_tristate CONFIG_MODULE __kconfig;
extern unsigned int CONFIG_HZ __kconfig __weak;
extern char CONFIG_NAME[9] __kconfig;
extern __u64 CONFIG_ABSENT __kconfig __weak;

extern const int runqueues_like __ksym;
extern const void symbol __ksym;
extern const void missing_symbol __ksym __weak;
extern int kernel_function(int a) __ksym;
extern void missing_function(void) __ksym __weak;

static noinline int leaf(int x) {
  hidden += x;
  return counter * x;
}

noinline int middle(int x) {
  total += limit;
  return leaf(x) + 1;
}

__hidden noinline int hidden_global(int x) { return leaf(x) * 3; }

static int each(__u32 index, void *ctx) {
  *(int *)ctx += middle(index);
  return 0;
}

SEC("tp/sched/sched_switch")
int first(void *ctx) {
  struct key key = {.pid = bpf_get_current_pid_tgid() >> 32};
  struct value *value = bpf_map_lookup_elem(&counts, &key);
  int sum = 0;

  if (value) value->count++;
  bpf_loop(10, each, &sum, 0);
  sum += hidden_global(sum);
  bpf_tail_call(ctx, &calls, 5);
  return sum + special + label[sum & 3];
}

SEC("raw_tp/sys_enter")
int tail(void *ctx) { return middle(3); }

SEC("?fentry/never")
int optional(void *ctx) { return 0; }

SEC("syscall")
int externs(void *ctx) {
  int sum = runqueues_like;

  sum += LINUX_KERNEL_VERSION + CONFIG_SMP + CONFIG_MODULE + CONFIG_HZ + CONFIG_NAME[1];
  sum += CONFIG_ABSENT;
  sum += kernel_function(sum);
  if (missing_function) missing_function();
  if (&missing_symbol) sum++;
  bpf_map_delete_elem(&outer, &sum);
  bpf_map_delete_elem(&pinned, &sum);
  bpf_ringbuf_output(&events, &sum, sizeof(sum), 0);
  return sum + (long)&symbol;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
