/** What kinds of things a program can hold. Spec 03 R6. */
export const HELD_CLASSES = [
  'reference',
  'lock',
  'rcu',
  'preempt-off',
  'irq-off',
  'iterator',
  'reservation',
] as const;
export type HeldClass = (typeof HELD_CLASSES)[number];

/** Classes in which nobody may sleep. */
export const ATOMIC_CLASSES: ReadonlySet<HeldClass> = new Set<HeldClass>([
  'lock',
  'rcu',
  'preempt-off',
  'irq-off',
]);

/** Where the address stands of what a call acquires: its result, or an argument. */
export type Where = 'r0' | 'r1' | 'r4' | 'nowhere';

/** When the call has acquired something: its result is no NULL, is 0, or whatever it is. */
export type When = 'pointer' | 'zero' | 'always';

/** What acquires and what gives back, for one kind of thing. Spec 03 R7. */
export interface Pair {
  readonly class: HeldClass;
  /** What is held: the C type. */
  readonly type: string;
  readonly acquire: readonly string[];
  readonly where: Where;
  readonly when: When;
  /** A second argument of the acquiring call that the release is given too: r2, the saved flags. */
  readonly withFlags?: boolean;
  /** By what a kill gives it back: its first argument is the address. */
  readonly release: string;
  /** Other calls that end the holding in the same way: submit, where the release is discard. */
  readonly ends?: readonly string[];
  /** Calls that put it elsewhere: it belongs to a list or tree then. Its node is r2. */
  readonly moves?: readonly string[];
  readonly maySleep?: boolean;
}

function reference(
  type: string,
  acquire: readonly string[],
  release: string,
  more: Partial<Pair> = {},
): Pair {
  return { class: 'reference', type, acquire, where: 'r0', when: 'pointer', release, ...more };
}

function section(cls: HeldClass, type: string, acquire: string, release: string): Pair {
  const [where, when] = ['nowhere', 'always'] as const;
  return { class: cls, type, acquire: [acquire], where, when, release };
}

function lock(type: string, acquire: string, release: string, more: Partial<Pair> = {}): Pair {
  return { class: 'lock', type, acquire: [acquire], where: 'r1', when: 'always', release, ...more };
}

/** Every pair, but for iterators: those go by their names. */
export const PAIRS: readonly Pair[] = [
  reference(
    'task_struct',
    ['bpf_task_acquire', 'bpf_task_from_pid', 'bpf_task_from_vpid', 'bpf_task_kptr_get'],
    'bpf_task_release',
  ),
  reference('file', ['bpf_get_task_exe_file'], 'bpf_put_file', { maySleep: true }),
  reference('bpf_cpumask', ['bpf_cpumask_create', 'bpf_cpumask_acquire'], 'bpf_cpumask_release'),
  reference(
    'cgroup',
    ['bpf_cgroup_acquire', 'bpf_cgroup_ancestor', 'bpf_cgroup_from_id', 'bpf_task_get_cgroup1'],
    'bpf_cgroup_release',
  ),
  reference('mem_cgroup', ['bpf_get_mem_cgroup', 'bpf_get_root_mem_cgroup'], 'bpf_put_mem_cgroup'),
  reference('bpf_key', ['bpf_lookup_user_key', 'bpf_lookup_system_key'], 'bpf_key_put'),
  reference(
    'bpf_crypto_ctx',
    ['bpf_crypto_ctx_create', 'bpf_crypto_ctx_acquire'],
    'bpf_crypto_ctx_release',
  ),
  reference(
    'sock',
    ['bpf_sk_lookup_tcp', 'bpf_sk_lookup_udp', 'bpf_skc_lookup_tcp'],
    'bpf_sk_release',
  ),
  reference(
    'object',
    [
      'bpf_obj_new',
      'bpf_obj_new_impl',
      'bpf_refcount_acquire',
      'bpf_refcount_acquire_impl',
      'bpf_list_pop_front',
      'bpf_list_pop_back',
      'bpf_list_del',
      'bpf_rbtree_remove',
    ],
    'bpf_obj_drop',
    {
      ends: ['bpf_obj_drop_impl'],
      moves: [
        'bpf_list_push_front',
        'bpf_list_push_front_impl',
        'bpf_list_push_back',
        'bpf_list_push_back_impl',
        'bpf_list_add',
        'bpf_rbtree_add',
        'bpf_rbtree_add_impl',
      ],
    },
  ),
  reference(
    'percpu object',
    ['bpf_percpu_obj_new', 'bpf_percpu_obj_new_impl'],
    'bpf_percpu_obj_drop',
    { ends: ['bpf_percpu_obj_drop_impl'] },
  ),
  lock('roster_lock', 'roster_lock', 'roster_unlock', { where: 'r0', when: 'pointer' }),
  reference('roster_entry', ['roster_add'], 'roster_put'),
  reference('roster_file', ['roster_open'], 'roster_close', { maySleep: true }),
  lock('bpf_spin_lock', 'bpf_spin_lock', 'bpf_spin_unlock'),
  lock('bpf_res_spin_lock', 'bpf_res_spin_lock', 'bpf_res_spin_unlock', { when: 'zero' }),
  lock('bpf_res_spin_lock', 'bpf_res_spin_lock_irqsave', 'bpf_res_spin_unlock_irqrestore', {
    when: 'zero',
    withFlags: true,
  }),
  section('rcu', 'rcu_read_lock', 'bpf_rcu_read_lock', 'bpf_rcu_read_unlock'),
  section('preempt-off', 'preempt_disable', 'bpf_preempt_disable', 'bpf_preempt_enable'),
  {
    ...section('irq-off', 'local_irq_save', 'bpf_local_irq_save', 'bpf_local_irq_restore'),
    where: 'r1',
  },
  {
    class: 'reservation',
    type: 'ring buffer record',
    acquire: ['bpf_ringbuf_reserve'],
    where: 'r0',
    when: 'pointer',
    release: 'bpf_ringbuf_discard',
    ends: ['bpf_ringbuf_submit'],
  },
  {
    class: 'reservation',
    type: 'bpf_dynptr',
    acquire: ['bpf_ringbuf_reserve_dynptr'],
    where: 'r4',
    when: 'always', // also one that is NULL must be given back
    release: 'bpf_ringbuf_discard_dynptr',
    ends: ['bpf_ringbuf_submit_dynptr'],
  },
];

/** bpf_iter_NAME_new() is undone by bpf_iter_NAME_destroy(), also where it has failed. */
function iteratorPair(name: string): Pair {
  return {
    class: 'iterator',
    type: name.replace(/_new$/, ''),
    acquire: [name],
    where: 'r1',
    when: 'always',
    release: name.replace(/_new$/, '_destroy'),
  };
}

/** Those that programs of this machine have used, by number: what a record holds. */
const numbered: Pair[] = [...PAIRS];
const iterators = new Map<string, number>();

export function pairAt(index: number): Pair {
  return numbered[index]!;
}

/** More than there are kinds of things to hold. */
export const PAIRS_MAX = 128;

/** The number of the iterator's pair whose constructor this is. */
export function iteratorIndex(name: string): number {
  let index = iterators.get(name);
  if (index === undefined) {
    index = numbered.push(iteratorPair(name)) - 1;
    iterators.set(name, index);
  }
  return index;
}
