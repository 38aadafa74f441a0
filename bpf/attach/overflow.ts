import { embed, long, struct, type Fields, type StructType } from '../../base/layout.ts';
import { pt_regs } from '../../kernel/structs.ts';
import { kernelFunction, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { RunRules } from './run-rules.ts';

/** arch/x86/include/asm/segment.h */
const __KERNEL_CS = 0x10n;
const __KERNEL_DS = 0x18n;
const X86_EFLAGS_IF = 0x200n;
const X86_EFLAGS_FIXED = 2n;

/** include/uapi/linux/bpf_perf_event.h: what programs see; Linux makes it up from three structs. */
const bpf_perf_event_data = struct('bpf_perf_event_data', {
  regs: embed(pt_regs as unknown as StructType<Fields>),
  sample_period: long,
  data_addr: long,
});

/**
 * Runs the program of an event that has overflowed. Registers of what was interrupted are those of
 * kernel text: the simulation has no others. kernel/events/core.c
 */
export const bpf_overflow_handler = kernelFunction(
  'bpf_overflow_handler',
  function* (rules: RunRules, prog: ExecProgram, period: number): Sim<void> {
    const { scratch } = rules;
    const { cpus, machine } = rules.kernel;
    const { memory } = machine;
    const ctx = scratch.take(bpf_perf_event_data.sizeBytes);
    if (ctx === 0) return;
    const flags = X86_EFLAGS_FIXED | (cpus.this.irqsOff === 0 ? X86_EFLAGS_IF : 0n);
    memory.unwatched(() => {
      Object.assign(pt_regs.at(memory, ctx), { cs: __KERNEL_CS, ss: __KERNEL_DS, flags });
      bpf_perf_event_data.at(memory, ctx).sample_period = period;
    });
    yield* rules.runOnOverflow(prog, ctx);
    scratch.give(ctx, bpf_perf_event_data.sizeBytes);
  },
);
