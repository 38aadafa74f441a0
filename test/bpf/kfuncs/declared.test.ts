import { expect, test } from 'vitest';
import { idOf } from '../../../bpf/btf/resolve.ts';
import { kernelBtf } from '../../../bpf/kernel-btf.ts';
import { OLD_KFUNCS } from '../../../bpf/kfuncs/declared-old.ts';
import { ROSTER_KFUNCS } from '../../../bpf/kfuncs/declared-roster.ts';
import { DECLARED_KFUNCS } from '../../../bpf/kfuncs/declared.ts';
import * as kf from '../../../bpf/kfuncs/flags.ts';
import { KFUNCS } from '../../../bpf/kfuncs/table.ts';

const btf = kernelBtf([], { kptrGet: false });

test('all kfuncs of Linux 7.2, x86-64 as Debian builds it, and those of conntrack', () => {
  expect(DECLARED_KFUNCS.size - ROSTER_KFUNCS.length).toBe(301 + 10);
});

test('the kernel has a function of each, and those with implicit arguments have another', () => {
  for (const { name, flags } of DECLARED_KFUNCS.values()) {
    expect(idOf(btf, name, 'func'), name).toBeGreaterThan(0);
    if ((flags & kf.KF_IMPLICIT_ARGS) === 0) continue;
    expect(idOf(btf, `${name}_impl`, 'func'), name).toBeGreaterThan(0);
  }
});

test('those that run are among them', () => {
  const old = OLD_KFUNCS.map(({ name }) => name);
  for (const { name } of KFUNCS) {
    expect(DECLARED_KFUNCS.has(name) || old.includes(name), name).toBe(true);
  }
});

test('flags and hooks come from the row', () => {
  expect(DECLARED_KFUNCS.get('bpf_task_acquire')).toMatchObject({
    flags: kf.KF_ACQUIRE | kf.KF_RET_NULL | kf.KF_RCU,
    hooks: ['tracing', 'tc', 'xdp', 'struct_ops', 'syscall', 'cgroup'],
    filter: undefined,
  });
  // Registered twice.
  expect(DECLARED_KFUNCS.get('bpf_modify_return_test_tp')!.hooks).toEqual(['common', 'fmodret']);
});

/** What register_btf_kfunc_id_set() asks of iterators. btf_check_iter_kfuncs() */
test('iterators have a struct of whole slots', () => {
  for (const { name, flags } of DECLARED_KFUNCS.values()) {
    if ((flags & (kf.KF_ITER_NEW | kf.KF_ITER_NEXT | kf.KF_ITER_DESTROY)) === 0) continue;
    const struct = name.replace(/_(new|next|destroy)$/, '');
    const type = btf.types[idOf(btf, struct, 'struct')];
    expect(type?.kind === 'struct' && type.sizeBytes > 0 && type.sizeBytes % 8, struct).toBe(0);
  }
});
