/** Lists, locks, counters: what others are made of. */
export const BASIC = `
struct list_head {
  struct list_head *next, *prev;
};
struct hlist_head {
  struct hlist_node *first;
};
struct hlist_node {
  struct hlist_node *next, **pprev;
};
struct hlist_nulls_node {
  struct hlist_nulls_node *next, **pprev;
};
struct callback_head {
  struct callback_head *next; void *func;
};
struct rb_node {
  unsigned long __rb_parent_color; struct rb_node *rb_right, *rb_left;
};
struct rb_root {
  struct rb_node *rb_node;
};
struct rb_root_cached {
  struct rb_root rb_root; struct rb_node *rb_leftmost;
};
struct qspinlock {
  union {
    atomic_t val;
    struct {
      u8 locked, pending;
    };
    struct {
      u16 locked_pending, tail;
    };
  } 4;
} 4;
typedef struct qspinlock arch_spinlock_t;
struct raw_spinlock {
  arch_spinlock_t raw_lock;
} 4;
struct spinlock {
  union {
    struct raw_spinlock rlock;
  } 4;
} 4;
typedef struct spinlock spinlock_t;
typedef struct raw_spinlock raw_spinlock_t;
struct qrwlock {
  union {
    atomic_t cnts;
    struct {
      u8 wlocked, __lstate[3];
    };
  } 4;
  @4 arch_spinlock_t wait_lock;
};
typedef struct qrwlock arch_rwlock_t;
struct rwlock {
  arch_rwlock_t raw_lock;
};
typedef struct rwlock rwlock_t;
struct seqcount {
  unsigned int sequence;
};
typedef struct seqcount seqcount_t;
struct kref {
  refcount_t refcount;
} 4;
struct work_struct {
  atomic_long_t data; struct list_head entry;
} 32;
struct timer_list {
  struct hlist_node entry; unsigned long expires; void *function; u32 flags;
};
struct delayed_work {
  struct work_struct work; struct timer_list timer; struct workqueue_struct *wq; int cpu;
};
struct rb_node_linked {
  struct rb_node node; struct rb_node_linked *prev, *next;
};
typedef s64 ktime_t;
struct timerqueue_linked_node {
  struct rb_node_linked node; ktime_t expires;
};
struct hrtimer {
  struct timerqueue_linked_node node; struct hrtimer_clock_base *base;
  bool is_queued, is_rel, is_soft, is_hard, is_lazy; ktime_t _softexpires; void *function;
};
struct kobject {
  const char *name; struct list_head entry; struct kobject *parent; struct kset *kset;
  const struct kobj_type *ktype; struct kernfs_node *sd; struct kref kref;
  unsigned int state_initialized:1, state_in_sysfs:1, state_add_uevent_sent:1;
  unsigned int state_remove_uevent_sent:1, uevent_suppress:1;
};
struct llist_node {
  struct llist_node *next;
};
struct llist_head {
  struct llist_node *first;
};
typedef __s64 time64_t;
struct timespec64 {
  time64_t tv_sec; long tv_nsec;
};
typedef struct {
  atomic_t refcnt;
} 4 rcuref_t;
typedef unsigned int gfp_t;
struct xarray {
  spinlock_t xa_lock; gfp_t xa_flags; void *xa_head;
};
struct idr {
  struct xarray idr_rt; unsigned int idr_base, idr_next;
};
struct swait_queue_head {
  raw_spinlock_t lock; struct list_head task_list;
};
struct completion {
  unsigned int done; struct swait_queue_head wait;
};
struct optimistic_spin_queue {
  atomic_t tail;
} 4;
struct rw_semaphore {
  atomic_long_t count, owner; struct optimistic_spin_queue osq; @20 raw_spinlock_t wait_lock;
  struct rwsem_waiter *first_waiter;
};
struct percpu_ref {
  unsigned long percpu_count_ptr; struct percpu_ref_data *data;
};
struct percpu_counter {
  raw_spinlock_t lock; s64 count; struct list_head list; s32 *counters;
};
struct u64_stats_sync {
};
struct ratelimit_state {
  raw_spinlock_t lock; int interval, burst; @12 atomic_t rs_n_left; atomic_t missed;
  unsigned int flags; unsigned long begin;
};
struct lockref {
  union {
    __u64 lock_count;
    struct {
      spinlock_t lock; int count;
    };
  };
};
struct bpf_wq {
  __u64 __opaque[2];
};
struct seqcount_spinlock {
  seqcount_t seqcount;
};
typedef struct seqcount_spinlock seqcount_spinlock_t;
struct seqlock {
  seqcount_spinlock_t seqcount; @4 spinlock_t lock;
};
typedef struct seqlock seqlock_t;
`;
