/* A CO-RE relocation of each kind, and for each rule of matching. For the tests. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct part {
  int x;
  int y;
};

struct thing {
  int a;
  __u32 narrow;
  void *pointer;
  int gone;
  struct part part;
  struct part parts[4];
  union {
    struct {
      int deep;
    };
    long other;
  };
  unsigned bits_u : 3;
  int bits_s : 5;
};

/* The same thing as an older kernel has it. */
struct thing___old {
  int was;
};

struct absent {
  int x;
};

struct twice {
  int x;
};

#pragma clang attribute pop

struct changed {
  int x;
  long y;
} __attribute__((preserve_access_index));

struct fits {
  int x;
};

enum color {
  RED = 1,
  GREEN = 2,
  BLUE = -5,
};

enum big {
  BIG = 0x100000000ULL,
};

typedef int (*callback)(struct part *part, long count);

__u64 out[64];
#define put(i, value) out[i] = (__u64)(value)

SEC("raw_tp/fields")
int fields(struct thing *thing) {
  put(0, thing->a);
  put(1, thing->narrow);
  put(2, thing->pointer);
  put(3, thing->part.y);
  put(4, thing->parts[2].y);
  put(5, thing->deep);
  thing->narrow = 1;
  return 0;
}

SEC("raw_tp/questions")
int questions(struct thing *thing) {
  put(0, bpf_core_field_offset(struct thing, part));
  put(1, bpf_core_field_size(struct thing, parts));
  put(2, bpf_core_field_exists(thing->gone));
  put(3, bpf_core_field_exists(thing->deep));
  put(4, BPF_CORE_READ_BITFIELD(thing, bits_u));
  put(5, BPF_CORE_READ_BITFIELD(thing, bits_s));
  put(6, bpf_core_field_exists(((struct thing___old *)thing)->was));
  return 0;
}

SEC("raw_tp/types")
int types(void *ctx) {
  put(0, bpf_core_type_id_local(struct thing));
  put(1, bpf_core_type_id_kernel(struct thing));
  put(2, bpf_core_type_id_kernel(struct absent));
  put(3, bpf_core_type_exists(struct thing));
  put(4, bpf_core_type_exists(struct absent));
  put(5, bpf_core_type_size(struct thing));
  put(6, bpf_core_type_size(struct absent));
  put(7, bpf_core_type_exists(callback));
#if __clang_major__ >= 15
  put(8, bpf_core_type_matches(struct fits));
  put(9, bpf_core_type_matches(struct changed));
#endif
  return 0;
}

SEC("raw_tp/enums")
int enums(void *ctx) {
  put(0, bpf_core_enum_value_exists(enum color, GREEN));
  put(1, bpf_core_enum_value_exists(enum color, RED));
  put(2, bpf_core_enum_value(enum color, GREEN));
  put(3, bpf_core_enum_value(enum color, BLUE));
#if __clang_major__ >= 15
  put(4, bpf_core_enum_value(enum big, BIG));
#endif
  return 0;
}

static __attribute__((noinline)) int in_text(struct thing *thing) { return thing->gone; }

SEC("raw_tp/poisoned")
int poisoned(struct thing *thing) {
  if (bpf_core_field_exists(thing->gone)) return in_text(thing);
  return bpf_core_enum_value(enum color, RED);
}

SEC("raw_tp/ambiguous")
int ambiguous(struct twice *twice) { return twice->x; }

char LICENSE[] SEC("license") = "Dual MIT/GPL";
