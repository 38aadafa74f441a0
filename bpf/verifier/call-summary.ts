import type { Insn } from '../isa/insn.ts';
import { FUNC } from '../helpers/func-ids.ts';
import type { VerifierEnv } from './env.ts';
import { fetchKfuncArgMeta, KF_FASTCALL } from './kfunc-meta.ts';
import { RET_VOID } from './types.ts';

/** struct bpf_call_summary */
export interface CallSummary {
  readonly numParams: number;
  readonly isVoid: boolean;
  /** It leaves the registers alone that it has no use for. */
  readonly fastcall: boolean;
}

/** Helpers that are replaced by instructions. bpf_verifier_inlines_helper_call() */
const INLINED: ReadonlySet<number> = new Set([
  FUNC.get_smp_processor_id,
  FUNC.get_current_task,
  FUNC.get_current_task_btf,
]);

/** Of a helper or a kfunc that there is; undefined of other calls. bpf_get_call_summary() */
export function getCallSummary(env: VerifierEnv, call: Insn): CallSummary | undefined {
  if (call.kind !== 'call' || call.target === 'subprog') return undefined;
  if (call.target === 'helper') {
    const fn = env.ops.helper(call.imm, env.prog);
    if (!fn) return undefined;
    const fastcall = fn.allowFastcall && INLINED.has(fn.id);
    return { numParams: fn.args.length, isVoid: fn.ret === RET_VOID, fastcall };
  }
  const meta = fetchKfuncArgMeta(env, call.imm, call.off);
  if (!meta) return undefined;
  const { proto, kfuncFlags } = meta;
  return {
    numParams: proto.params.length,
    isVoid: proto.type === 0,
    fastcall: (kfuncFlags & KF_FASTCALL) !== 0,
  };
}
