import type { Kernel } from '../../kernel/kernel.ts';

/**
 * Gives memory back when nobody looks at it any more: readers under RCU, then sleepable programs.
 * kernel/bpf/memalloc.c: bpf_mem_free_rcu()
 */
export function bpf_mem_free_rcu({ rcu, rcuTasksTrace, kasan }: Kernel, addr: number): void {
  rcu.call_rcu('__free_by_rcu', () =>
    rcuTasksTrace.call_rcu_tasks_trace('__free_rcu_tasks_trace', () => kasan.free(addr)),
  );
}
