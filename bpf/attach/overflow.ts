import { pt_regs } from '../../kernel/structs.ts';
import { kernelFunction, type Sim } from '../../sim/request.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { bpf_perf_event_data } from './perf-data.ts';
import type { RunRules } from './run-rules.ts';

/** arch/x86/include/asm/segment.h */
const __KERNEL_CS = 0x10n;
const __KERNEL_DS = 0x18n;
const X86_EFLAGS_IF = 0x200n;
const X86_EFLAGS_FIXED = 2n;

/** A counter, and its period. */
interface Overflow {
  readonly hw: number;
  readonly period: number;
}

/**
 * Runs the program of an event that has overflowed. Registers of what was interrupted are those of
 * kernel text: the simulation has no others. kernel/events/core.c
 */
export const bpf_overflow_handler = kernelFunction(
  'bpf_overflow_handler',
  function* (rules: RunRules, prog: ExecProgram, of: Overflow): Sim<void> {
    const { scratch } = rules;
    const { cpus, machine } = rules.kernel;
    const { memory } = machine;
    const ctx = scratch.take(bpf_perf_event_data.sizeBytes);
    if (ctx === 0) return;
    const flags = X86_EFLAGS_FIXED | (cpus.this.irqsOff === 0 ? X86_EFLAGS_IF : 0n);
    memory.unwatched(() => {
      Object.assign(pt_regs.at(memory, ctx), { cs: __KERNEL_CS, ss: __KERNEL_DS, flags });
      const data = bpf_perf_event_data.at(memory, ctx);
      data.sample_period = of.period;
      data.hw = of.hw;
    });
    yield* rules.runOnOverflow(prog, ctx);
    scratch.give(ctx, bpf_perf_event_data.sizeBytes);
  },
);
