import type { Insn } from '../../isa/insn.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import type { VerifierEnv } from '../env.ts';
import { fetchKfuncArgMeta, KF_FASTCALL, type KfuncCallArgMeta } from '../kfuncs/kfunc-meta.ts';
import { Rejection } from '../rejection.ts';
import { RET_VOID } from '../types.ts';

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

/**
 * What a call of a kfunc is, before it is come to: what is wrong with it is only said, as it may
 * turn out to be dead.
 */
export function kfuncMetaIfAny(
  env: VerifierEnv,
  { imm, off }: Extract<Insn, { kind: 'call' }>,
): KfuncCallArgMeta | undefined {
  try {
    return fetchKfuncArgMeta(env, imm, off);
  } catch (reason) {
    if (reason instanceof Rejection) return undefined;
    throw reason;
  }
}

/** Of a helper or a kfunc that there is; undefined of other calls. bpf_get_call_summary() */
export function getCallSummary(env: VerifierEnv, call: Insn): CallSummary | undefined {
  if (call.kind !== 'call' || call.target === 'subprog') return undefined;
  if (call.target === 'helper') {
    const fn = env.ops.helper(call.imm, env.prog);
    if (!fn) return undefined;
    const fastcall = fn.allowFastcall && INLINED.has(fn.id);
    return { numParams: fn.args.length, isVoid: fn.ret === RET_VOID, fastcall };
  }
  const meta = kfuncMetaIfAny(env, call);
  if (!meta) return undefined;
  const { proto, kfuncFlags } = meta;
  return {
    numParams: proto.params.length,
    isVoid: proto.type === 0,
    fastcall: (kfuncFlags & KF_FASTCALL) !== 0,
  };
}
