/**
 * Fields that the kernel knows what to do with, in values of maps and in objects of programs.
 * include/linux/bpf.h: enum btf_field_type
 */
export const BPF_SPIN_LOCK = 1 << 0;
export const BPF_TIMER = 1 << 1;
export const BPF_KPTR_UNREF = 1 << 2;
export const BPF_KPTR_REF = 1 << 3;
export const BPF_KPTR_PERCPU = 1 << 4;
export const BPF_LIST_HEAD = 1 << 5;
export const BPF_LIST_NODE = 1 << 6;
export const BPF_RB_ROOT = 1 << 7;
export const BPF_RB_NODE = 1 << 8;
export const BPF_REFCOUNT = 1 << 9;
export const BPF_WORKQUEUE = 1 << 10;
export const BPF_UPTR = 1 << 11;
export const BPF_RES_SPIN_LOCK = 1 << 12;
export const BPF_TASK_WORK = 1 << 13;

export const BPF_KPTR = BPF_KPTR_UNREF | BPF_KPTR_REF | BPF_KPTR_PERCPU;
export const BPF_GRAPH_NODE = BPF_RB_NODE | BPF_LIST_NODE;
export const BPF_GRAPH_ROOT = BPF_RB_ROOT | BPF_LIST_HEAD;

/** What is known of a kind of field. */
export interface FieldKind {
  readonly type: number;
  /** Of its struct; of a pointer, how messages call it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly align: number;
  /** One at most in a struct. */
  readonly isUnique: boolean;
}

function kind(
  type: number,
  name: string,
  sizeBytes: number,
  align: number,
  isUnique = false,
): FieldKind {
  return { type, name, sizeBytes, align, isUnique };
}

/** Fields found by the name of their struct, in the order in which they are looked for. */
export const STRUCT_FIELDS: readonly FieldKind[] = [
  kind(BPF_SPIN_LOCK, 'bpf_spin_lock', 4, 4, true),
  kind(BPF_RES_SPIN_LOCK, 'bpf_res_spin_lock', 4, 4, true),
  kind(BPF_TIMER, 'bpf_timer', 16, 8, true),
  kind(BPF_WORKQUEUE, 'bpf_wq', 16, 8, true),
  kind(BPF_TASK_WORK, 'bpf_task_work', 8, 8, true),
  kind(BPF_LIST_HEAD, 'bpf_list_head', 16, 8),
  kind(BPF_LIST_NODE, 'bpf_list_node', 24, 8),
  kind(BPF_RB_ROOT, 'bpf_rb_root', 16, 8),
  kind(BPF_RB_NODE, 'bpf_rb_node', 32, 8),
  kind(BPF_REFCOUNT, 'bpf_refcount', 4, 4, true),
];

/** Pointers that are marked by a type tag, which may have another name. */
const POINTER_FIELDS: readonly FieldKind[] = [
  kind(BPF_KPTR_UNREF, 'kptr', 8, 8),
  kind(BPF_KPTR_REF, 'kptr', 8, 8),
  kind(BPF_KPTR_PERCPU, 'percpu_kptr', 8, 8),
  kind(BPF_UPTR, 'uptr', 8, 8),
];

const byType = new Map([...STRUCT_FIELDS, ...POINTER_FIELDS].map((row) => [row.type, row]));

export function fieldKind(type: number): FieldKind {
  return byType.get(type)!;
}

/** btf_field_type_name() */
export function btfFieldTypeName(type: number): string {
  return byType.get(type)?.name ?? 'unknown';
}
