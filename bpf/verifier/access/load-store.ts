import type { Insn } from '../../isa/insn.ts';
import { BPF_READ, BPF_WRITE } from './access-types.ts';
import { checkMemAccess } from './access.ts';
import { regBoundsSanityCheck } from '../values/bounds-check.ts';
import type { VerifierEnv } from '../env.ts';
import { saveAuxPtrType } from './ptr-type.ts';
import { checkRegArg } from '../values/regs.ts';
import {
  checkStackArgRead,
  checkStackArgWrite,
  isStackArgLdx,
  isStackArgSt,
  isStackArgStx,
} from './stack-arg.ts';
import { SCALAR_VALUE } from '../types.ts';

type Load = Extract<Insn, { kind: 'ldx' | 'load_acquire' }>;
type StoreImm = Extract<Insn, { kind: 'st' }>;
type Store = Extract<Insn, { kind: 'stx' | 'store_release' }>;

/** check_load_mem() */
export function checkLoadMem(
  env: VerifierEnv,
  insn: Load,
  strictAlignmentOnce: boolean,
  isLdsx: boolean,
  allowTrustMismatch: boolean,
  ctx: string,
): void {
  const { insnIdx, regs } = env;
  const { dst, src, off, size } = insn;
  if (isStackArgLdx(insn)) {
    checkRegArg(env, dst, 'dst_no_mark');
    checkStackArgRead(env, env.frame, off, dst);
    return;
  }
  checkRegArg(env, src, 'src');
  checkRegArg(env, dst, 'dst_no_mark');
  const from = regs[src]!;
  checkMemAccess(env, insnIdx, from, src, off, size, BPF_READ, dst, strictAlignmentOnce, isLdsx);
  saveAuxPtrType(env, from.type, allowTrustMismatch);
  const loaded = regs[dst]!;
  if (loaded.type !== SCALAR_VALUE) return;
  const s = regBoundsSanityCheck(env, loaded.s, ctx);
  if (s !== loaded.s) regs[dst] = loaded.with({ s });
}

/** check_store_reg() */
export function checkStoreReg(env: VerifierEnv, insn: Store, strictAlignmentOnce: boolean): void {
  const { insnIdx, regs } = env;
  const { dst, src, off, size } = insn;
  checkRegArg(env, src, 'src');
  if (isStackArgStx(insn)) {
    checkStackArgWrite(env, env.frame, off, regs[src]!);
    return;
  }
  checkRegArg(env, dst, 'src');
  const to = regs[dst]!;
  checkMemAccess(env, insnIdx, to, dst, off, size, BPF_WRITE, src, strictAlignmentOnce, false);
  saveAuxPtrType(env, to.type, false);
}

/** An immediate is stored. */
export function checkStoreImm(env: VerifierEnv, insn: StoreImm): void {
  const { dst, off, size } = insn;
  if (isStackArgSt(insn)) {
    checkStackArgWrite(env, env.frame, off, undefined);
    return;
  }
  checkRegArg(env, dst, 'src');
  const to = env.regs[dst]!;
  checkMemAccess(env, env.insnIdx, to, dst, off, size, BPF_WRITE, -1, false, false);
  saveAuxPtrType(env, to.type, false);
}
