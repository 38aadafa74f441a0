import { kfunc } from './prototype.ts';

/** kernel/bpf/helpers.c */
export const bpf_rcu_read_lock = kfunc({
  name: 'bpf_rcu_read_lock',
  args: [],
  run(call) {
    call.kernel.rcu.rcu_read_lock();
    return 0;
  },
});

export const bpf_rcu_read_unlock = kfunc({
  name: 'bpf_rcu_read_unlock',
  args: [],
  run(call) {
    call.kernel.rcu.rcu_read_unlock();
    return 0;
  },
});
