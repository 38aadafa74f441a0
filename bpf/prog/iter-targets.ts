import { aggregateNamed, idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import {
  MEM_RDONLY,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TRUSTED,
} from '../verifier/types.ts';
import type { CtxArg } from './attach-point.ts';

/** One member of an iterator's context: a struct that it points to, or bytes. */
interface IterArg {
  readonly member: string;
  readonly regType: number;
  /** '' of bytes. */
  readonly struct: string;
}

function struct(member: string, name: string, flags = 0): IterArg {
  return { member, regType: PTR_TO_BTF_ID | PTR_MAYBE_NULL | flags, struct: name };
}

function bytes(member: string, flags = 0): IterArg {
  return { member, regType: PTR_TO_BUF | PTR_MAYBE_NULL | flags, struct: '' };
}

/**
 * What programs of `iter/…` are given beside what BTF says: by target, the members of struct
 * bpf_iter__TARGET. struct bpf_iter_reg
 */
const ITER_TARGETS: Readonly<Record<string, readonly IterArg[]>> = {
  task: [struct('task', 'task_struct', PTR_TRUSTED)],
  task_file: [struct('task', 'task_struct'), struct('file', 'file')],
  task_vma: [struct('task', 'task_struct'), struct('vma', 'vm_area_struct')],
  bpf_map: [struct('map', 'bpf_map', PTR_TRUSTED)],
  bpf_map_elem: [bytes('key', MEM_RDONLY), bytes('value')],
  bpf_prog: [struct('prog', 'bpf_prog')],
  bpf_link: [struct('link', 'bpf_link')],
  bpf_sk_storage_map: [struct('sk', 'sock'), bytes('value')],
  cgroup: [struct('cgroup', 'cgroup', PTR_TRUSTED)],
  dmabuf: [struct('dmabuf', 'dma_buf')],
  ipv6_route: [struct('rt', 'fib6_info')],
  kmem_cache: [struct('s', 'kmem_cache', PTR_TRUSTED)],
  ksym: [struct('ksym', 'kallsym_iter')],
  netlink: [struct('sk', 'netlink_sock')],
  sockmap: [bytes('key', MEM_RDONLY), struct('sk', 'sock')],
  tcp: [struct('sk_common', 'sock_common', PTR_TRUSTED)],
  udp: [struct('udp_sk', 'udp_sock', PTR_TRUSTED)],
  unix: [struct('unix_sk', 'unix_sock')],
};

export const BPF_ITER_FUNC_PREFIX = 'bpf_iter_';

/** Of the function that a program is loaded for; undefined where there is no such target. */
export function iterCtxArgs(kernelBtf: Btf, func: string): readonly CtxArg[] | undefined {
  const target = func.slice(BPF_ITER_FUNC_PREFIX.length);
  if (!func.startsWith(BPF_ITER_FUNC_PREFIX) || !Object.hasOwn(ITER_TARGETS, target)) {
    return undefined;
  }
  const ctx = aggregateNamed(kernelBtf, `bpf_iter__${target}`);
  return ITER_TARGETS[target]!.map(({ member, regType, struct: name }) => ({
    offset: ctx ? offsetOf(kernelBtf, ctx.members, member) : -1,
    regType,
    btf: undefined,
    btfId: name === '' ? 0 : idOf(kernelBtf, name, 'struct'),
    isRefcounted: false,
    refId: 0,
  }));
}

type Members = NonNullable<ReturnType<typeof aggregateNamed>>['members'];

/** Through unnamed unions, which pad pointers to eight bytes. */
function offsetOf(btf: Btf, members: Members, wanted: string): number {
  for (const { name, type: id, bitOffset } of members) {
    if (name === wanted) return bitOffset / 8;
    const type = btf.types[id];
    if (name !== '' || (type?.kind !== 'union' && type?.kind !== 'struct')) continue;
    const inner = offsetOf(btf, type.members, wanted);
    if (inner >= 0) return bitOffset / 8 + inner;
  }
  return -1;
}
