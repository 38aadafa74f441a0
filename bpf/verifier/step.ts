import { EINVAL } from '../../kernel/errno.ts';
import type { Insn } from '../isa/insn.ts';
import { checkAluOp } from './insns/alu.ts';
import { checkAtomic } from './access/atomic.ts';
import type { VerifierEnv } from './env.ts';
import { checkFuncCall } from './calls/func-call.ts';
import { processBpfExitFull } from './calls/func-exit.ts';
import { checkHelperCall } from './calls/helper-call.ts';
import { checkIndirectJump } from './insns/indirect-jump.ts';
import { checkCondJmpOp } from './insns/jump.ts';
import { checkKfuncCall } from './kfuncs/kfunc-call.ts';
import { kfuncNameOf } from './kfuncs/kfunc-meta.ts';
import { SPIN_KFUNCS } from './kfuncs/kfunc-names.ts';
import { checkLdAbs } from './insns/ld-abs.ts';
import { checkLdImm } from './insns/ld-imm.ts';
import { checkLoadMem, checkStoreImm, checkStoreReg } from './access/load-store.ts';
import type { Outcome } from './outcome.ts';

type Call = Extract<Insn, { kind: 'call' }>;

const BPF_FUNC_SPIN_UNLOCK = 94;
const BPF_FUNC_KPTR_XCHG = 194;

/** One instruction on one path: may it run, and what is known behind it. do_check_insn() */
export function checkInsn(env: VerifierEnv): Outcome {
  const { insn } = env;
  switch (insn.kind) {
    case 'alu':
    case 'movsx':
    case 'neg':
    case 'endian':
    case 'addr_space_cast':
      checkAluOp(env, insn);
      return 'next';
    case 'ldx':
      checkLoadMem(env, insn, false, insn.mode === 'memsx', true, 'ldx');
      return 'next';
    case 'stx':
      checkStoreReg(env, insn, false);
      return 'next';
    case 'st':
      checkStoreImm(env, insn);
      return 'next';
    case 'atomic':
    case 'bad_atomic':
    case 'load_acquire':
    case 'store_release':
      checkAtomic(env, insn);
      return 'next';
    case 'ld_abs':
    case 'ld_ind':
      checkLdAbs(env, insn);
      return 'next';
    case 'ld_imm64':
      checkLdImm(env, insn);
      env.insnIdx++;
      markInsnSeen(env);
      return 'next';
    default:
      env.jmpsProcessed++;
      return checkJump(env, insn);
  }
}

function checkJump(env: VerifierEnv, insn: Insn): Outcome {
  switch (insn.kind) {
    case 'jmp':
    case 'may_goto':
      return checkCondJmpOp(env, insn);
    case 'ja':
      env.insnIdx += insn.off + 1;
      return 'moved';
    case 'call':
      return checkCall(env, insn);
    case 'exit':
      return processBpfExitFull(env, false);
    case 'gotox':
      env.insnIdx = checkIndirectJump(env, insn.dst);
      return 'moved';
    default:
      throw env.bug(`unknown instruction ${insn.kind}`);
  }
}

function checkCall(env: VerifierEnv, insn: Call): Outcome {
  if (env.cur.activeLocks > 0 && !isAllowedWithLock(env, insn)) {
    throw env.reject(EINVAL, 'function calls are not allowed while holding a lock');
  }
  env.markRegScratched(0);
  const { frame } = env;
  if (env.subprogs[frame.subprogno]!.inStackArgCnt > 0) frame.noStackArgLoad = true;
  switch (insn.target) {
    case 'subprog':
      return checkFuncCall(env, insn);
    case 'kfunc':
      return checkKfuncCall(env, insn);
    case 'helper':
      return checkHelperCall(env, insn);
  }
}

/** What may be called while a lock is held. */
function isAllowedWithLock(env: VerifierEnv, insn: Call): boolean {
  const { target, imm } = insn;
  if (target === 'helper') return imm === BPF_FUNC_SPIN_UNLOCK || imm === BPF_FUNC_KPTR_XCHG;
  return target === 'subprog' || SPIN_KFUNCS.has(kfuncNameOf(env, insn));
}

/** It is not dead. What only speculation comes to is. sanitize_mark_insn_seen() */
export function markInsnSeen(env: VerifierEnv): void {
  if (!env.cur.speculative) env.curAux.seen = env.passCnt;
}
