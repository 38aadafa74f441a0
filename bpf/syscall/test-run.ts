import { array, ptr, struct, u8 } from '../../base/layout.ts';
import { E2BIG, EFAULT, EINVAL, ENOMEM, ENOSPC, ENOTSUPP, ENXIO } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelFunction, type Sim } from '../../sim/request.ts';
import { TASK_UNINTERRUPTIBLE } from '../../kernel/task.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { __sk_buff } from '../prog/sk-buff.ts';
import { progType } from '../prog/types.ts';
import type { BpfAttr } from './attr.ts';
import { putU32, type BpfContext, type Command } from './context.ts';

/** Offsets in union bpf_attr of BPF_PROG_TEST_RUN. */
const AT = {
  fd: 0,
  retval: 4,
  dataSizeIn: 8,
  dataSizeOut: 12,
  dataIn: 16,
  dataOut: 24,
  repeat: 32,
  duration: 36,
  ctxSizeIn: 40,
  ctxSizeOut: 44,
  ctxIn: 48,
  ctxOut: 56,
  flags: 64,
  cpu: 68,
  batchSize: 72,
} as const;
const END_BYTES = 76;

const ETH_HLEN = 14;
/** By type: IPv4 and IPv6. */
const IP_HEADER_BYTES: Readonly<Record<number, number>> = { 0x0800: 20, 0x86dd: 40 };
const PACKET_MAX = 4096;
const CTX_MAX = 0xffff;
const MAX_BPF_FUNC_ARGS = 12;
const BPF_F_TEST_RUN_ON_CPU = 1;
const REPEAT_MAX = 1 << 20;

/** What the context of a socket filter is made with. */
export const testPacket = struct('sk_buff_test', {
  skb: array(u8, __sk_buff.sizeBytes),
  head: ptr('unsigned char'),
});

/** kernel/bpf/syscall.c: bpf_prog_test_run(); net/bpf/test_run.c */
export const progTestRun: Command = {
  endBytes: END_BYTES,
  *run(bpf, attr) {
    if ((attr.u64(AT.ctxIn) === 0n) !== (attr.u32(AT.ctxSizeIn) === 0)) return -EINVAL;
    if ((attr.u64(AT.ctxOut) === 0n) !== (attr.u32(AT.ctxSizeOut) === 0)) return -EINVAL;
    if (bpf.kernel.machine.mutated('prog_run.keep-bracket')) return yield* inBracket(bpf, attr);
    const { fds, ops, programs } = bpf;
    const prog = yield* fds.with(attr.s32(AT.fd), ops.prog, (addr) => programs.bpf_prog_get(addr));
    if (typeof prog === 'number') return prog;
    const result = yield* runByType(bpf, attr, prog);
    yield* programs.bpf_prog_put(prog.addr);
    return result;
  },
};

/** The bug: as many drivers do it, who do not run what may close their file. */
function* inBracket(bpf: BpfContext, attr: BpfAttr): Sim<number> {
  const { kernel, fds, ops, programs } = bpf;
  const { lookup } = kernel.fs;
  const found = yield* lookup.fdget(attr.s32(AT.fd));
  const addr = fds.addrOf(found, ops.prog);
  let result = addr;
  if (addr > 0) {
    result = yield* runByType(bpf, attr, programs.of(addr));
    yield* lookup.use(found);
    fds.addrOf(found, ops.prog);
  }
  yield* lookup.fdput(found);
  return result;
}

function* runByType(bpf: BpfContext, attr: BpfAttr, prog: ExecProgram): Sim<number> {
  const { testRun } = progType(prog.type)!;
  return testRun === 'none' ? -ENOTSUPP : yield* RUNS[testRun](bpf, attr, prog);
}

function anySet(attr: BpfAttr, offsets: readonly number[], wide: readonly number[]): boolean {
  return offsets.some((at) => attr.u32(at) !== 0) || wide.some((at) => attr.u64(at) !== 0n);
}

/** What a program reaches to must be given. prog->aux->max_ctx_offset */
function ctxBytesOf({ kernel, programs }: BpfContext, prog: ExecProgram): number {
  return kernel.machine.memory.unwatched(() => programs.aux(prog.addr).max_ctx_offset);
}

/**
 * In the caller's task, as a reader of sleepable RCU; it may do whatever a task may, so nothing but
 * a reference is held. The context comes back where it was. Spec 01 R4, R6 to R8a.
 */
function* runSyscall(bpf: BpfContext, attr: BpfAttr, prog: ExecProgram): Sim<number> {
  const { kernel, runner } = bpf;
  const zero = [AT.dataSizeIn, AT.dataSizeOut, AT.ctxSizeOut, AT.duration, AT.repeat, AT.flags];
  if (anySet(attr, [...zero, AT.batchSize], [AT.dataIn, AT.dataOut, AT.ctxOut])) return -EINVAL;
  const size = attr.u32(AT.ctxSizeIn);
  if (size < ctxBytesOf(bpf, prog) || size > CTX_MAX) return -EINVAL;
  const ctx = yield* copyIn(bpf, attr.ptr(AT.ctxIn), size);
  if (ctx < 0) return ctx;
  kernel.rcuTasksTrace.rcu_read_lock_trace();
  const r0 = yield* runner.bpf_prog_run(prog, ctx, true);
  kernel.rcuTasksTrace.rcu_read_unlock_trace();
  let result = yield* putU32(kernel, attr.addr + AT.retval, Number(r0 & 0xffff_ffffn));
  if (result === 0 && size > 0) result = yield* copyBack(bpf, attr.ptr(AT.ctxIn), ctx, size);
  if (ctx !== 0) kernel.kasan.free(ctx);
  return result;
}

/** bpf_prog_test_run_raw_tp() */
function* runRawTp(bpf: BpfContext, attr: BpfAttr, prog: ExecProgram): Sim<number> {
  const { kernel } = bpf;
  const zero = [AT.dataSizeIn, AT.dataSizeOut, AT.ctxSizeOut, AT.duration, AT.repeat, AT.batchSize];
  if (anySet(attr, zero, [AT.dataIn, AT.dataOut, AT.ctxOut])) return -EINVAL;
  const size = attr.u32(AT.ctxSizeIn);
  if (size < ctxBytesOf(bpf, prog) || size > MAX_BPF_FUNC_ARGS * 8) return -EINVAL;
  const flags = attr.u32(AT.flags);
  const isOnCpu = (flags & BPF_F_TEST_RUN_ON_CPU) !== 0;
  const cpu = isOnCpu ? attr.u32(AT.cpu) : kernel.cpus.this.id;
  if (!isOnCpu && attr.u32(AT.cpu) !== 0) return -EINVAL;
  if (cpu >= kernel.cpus.all.length) return -ENXIO;
  const ctx = yield* copyIn(bpf, attr.ptr(AT.ctxIn), size);
  if (ctx < 0) return ctx;
  const r0 = yield* runOn(bpf, prog, ctx, cpu);
  if (ctx !== 0) kernel.kasan.free(ctx);
  return yield* putU32(kernel, attr.addr + AT.retval, Number(r0 & 0xffff_ffffn));
}

/** smp_call_function_single(): here, or in an interrupt of the other CPU. */
function* runOn(bpf: BpfContext, prog: ExecProgram, ctx: number, cpu: number): Sim<bigint> {
  const { kernel } = bpf;
  const run = function* (): Sim<bigint> {
    kernel.rcu.rcu_read_lock();
    const r0 = yield* bpf.runner.bpf_prog_run(prog, ctx, true);
    kernel.rcu.rcu_read_unlock();
    return r0;
  };
  if (cpu === kernel.cpus.this.id) return yield* run();
  const task = kernel.sched.current;
  let result: bigint | undefined;
  kernel.irqs.raise(cpu, '__bpf_prog_test_run_raw_tp', function* () {
    result = yield* run();
    kernel.sched.wake(task, TASK_UNINTERRUPTIBLE);
  });
  while (result === undefined) {
    kernel.machine.memory.unwatched(() => (task.s.__state = TASK_UNINTERRUPTIBLE));
    yield* kernel.sched.schedule();
  }
  return result;
}

/** bpf_prog_test_run_skb(): the program sees what stands behind the Ethernet header. */
function* runSkb(bpf: BpfContext, attr: BpfAttr, prog: ExecProgram): Sim<number> {
  const { kernel, runner } = bpf;
  const { memory, slab } = kernel.machine;
  if (anySet(attr, [AT.flags, AT.cpu, AT.batchSize], [])) return -EINVAL;
  const size = attr.u32(AT.dataSizeIn);
  if (size < ETH_HLEN || size > PACKET_MAX) return -EINVAL;
  const packet = yield* copyIn(bpf, attr.ptr(AT.dataIn), size);
  if (packet < 0) return packet;
  const ctx = isWhole(kernel, packet, size) ? slab.kzalloc(testPacket.sizeBytes) : -EINVAL;
  if (ctx <= 0) {
    kernel.kasan.free(packet);
    return ctx || -ENOMEM;
  }
  memory.unwatched(() => {
    const skb = __sk_buff.at(memory, ctx);
    skb.len = size - ETH_HLEN;
    skb.protocol = memory.u8(packet + 12) | (memory.u8(packet + 13) << 8);
    skb.ifindex = 1;
    skb.wire_len = size;
    testPacket.at(memory, ctx).head = packet + ETH_HLEN;
  });
  const repeat = Math.min(attr.u32(AT.repeat) || 1, REPEAT_MAX);
  const startNs = kernel.machine.engine.cpu.nowNs;
  let r0 = 0n;
  for (let i = 0; i < repeat; i++) {
    kernel.rcu.rcu_read_lock();
    r0 = yield* runner.bpf_prog_run(prog, ctx, true);
    kernel.rcu.rcu_read_unlock();
  }
  const forNs = Math.round((kernel.machine.engine.cpu.nowNs - startNs) / repeat);
  const result = yield* finishSkb(bpf, attr, { packet, size, r0, forNs });
  kernel.kasan.free(ctx);
  kernel.kasan.free(packet);
  return result;
}

/** Whether the header of IP is there that the type announces: 6.1 does not look. */
function isWhole({ machine }: Kernel, packet: number, size: number): boolean {
  if (machine.profile === 'v6.1') return true;
  const { memory } = machine;
  const type = memory.unwatched(() => (memory.u8(packet + 12) << 8) | memory.u8(packet + 13));
  return size - ETH_HLEN >= (IP_HEADER_BYTES[type] ?? 0);
}

interface SkbRun {
  readonly packet: number;
  readonly size: number;
  readonly r0: bigint;
  readonly forNs: number;
}

/** bpf_test_finish() */
function* finishSkb(bpf: BpfContext, attr: BpfAttr, run: SkbRun): Sim<number> {
  const { kernel } = bpf;
  const { packet, size, r0, forNs } = run;
  const room = attr.u32(AT.dataSizeOut);
  const out = attr.ptr(AT.dataOut);
  const shown = room > 0 ? Math.min(room, size) : size;
  let result = 0;
  if (out !== 0) result = yield* copyBack(bpf, out, packet, shown);
  const words: readonly [number, number][] = [
    [AT.dataSizeOut, size],
    [AT.retval, Number(r0 & 0xffff_ffffn)],
    [AT.duration, forNs],
  ];
  for (const [at, value] of words) {
    if (result === 0) result = yield* putU32(kernel, attr.addr + at, value);
  }
  return result === 0 && out !== 0 && shown < size ? -ENOSPC : result;
}

/** By kind of program: bpf_prog_ops.test_run. */
const RUNS = {
  syscall: kernelFunction('bpf_prog_test_run_syscall', runSyscall),
  skb: kernelFunction('bpf_prog_test_run_skb', runSkb),
  raw_tp: kernelFunction('bpf_prog_test_run_raw_tp', runRawTp),
} as const;

/** The address of a copy in kernel memory, 0 where there is nothing, or -errno. */
function* copyIn({ kernel }: BpfContext, from: number, size: number): Sim<number> {
  if (size === 0) return 0;
  if (size > CTX_MAX) return -E2BIG;
  const bytes = yield* kernel.mm.copy_from_user(from, size);
  if (!bytes) return -EFAULT;
  const { memory, slab } = kernel.machine;
  const addr = slab.kmalloc(size);
  if (addr === 0) return -ENOMEM;
  memory.unwatched(() => memory.copyIn(addr, bytes));
  return addr;
}

function* copyBack({ kernel }: BpfContext, to: number, addr: number, size: number): Sim<number> {
  const { memory } = kernel.machine;
  const bytes = memory.unwatched(() => memory.copyOut(addr, size));
  return (yield* kernel.mm.copy_to_user(to, bytes)) > 0 ? -EFAULT : 0;
}

/** From these offsets on, what is below zero counts from a header. include/uapi/linux/filter.h */
const SKF_NET_OFF = -0x10_0000;
const SKF_LL_OFF = -0x20_0000;

/**
 * bpf_skb_load_helper_8() and its kin: in network order; undefined beyond the packet.
 * bpf_internal_load_pointer_neg_helper()
 */
export function packetAt(
  kernel: Kernel,
  skb: number,
  offset: number,
  size: 1 | 2 | 4,
): number | undefined {
  const { memory } = kernel.machine;
  return memory.unwatched(() => {
    const { len } = __sk_buff.at(memory, skb);
    const { head } = testPacket.at(memory, skb);
    let at = offset;
    if (offset < SKF_NET_OFF) at = offset - SKF_LL_OFF - ETH_HLEN;
    else if (offset < 0) at = offset - SKF_NET_OFF;
    if (at < (offset < 0 ? -ETH_HLEN : 0) || at + size > len) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + memory.u8(head + at + i);
    return value;
  });
}
