import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { atomicOfImm } from '../../isa/ops.ts';
import { BPF_READ, BPF_WRITE } from './access-types.ts';
import { checkMemAccess } from './access.ts';
import type { VerifierEnv } from '../env.ts';
import { checkLoadMem, checkStoreReg } from './load-store.ts';
import { saveAuxPtrType } from './ptr-type.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { checkRegArg, isPointerValue } from '../values/regs.ts';
import * as t from '../types.ts';

type AtomicInsn = Extract<Insn, { kind: 'atomic' }>;
type BadAtomic = Extract<Insn, { kind: 'bad_atomic' }>;
type LoadAcquire = Extract<Insn, { kind: 'load_acquire' }>;
type StoreRelease = Extract<Insn, { kind: 'store_release' }>;

/**
 * A load that may fault reads zero, but not so with acquire semantics: where one may fault, it is
 * not allowed. is_load_acq_unsafe()
 */
function isLoadAcqUnsafe(type: number): boolean {
  return type === t.PTR_TO_BTF_ID || (type & t.PTR_UNTRUSTED) !== 0;
}

/** x86 makes loops of these where they fetch, in which no fault is looked for. */
const LOOPED: ReadonlySet<string> = new Set(['and', 'or', 'xor']);

/** atomic_ptr_type_ok(); arch/x86/net/bpf_jit_comp.c: bpf_jit_supports_insn() */
function atomicPtrTypeOk(env: VerifierEnv, regno: number, insn: Insn): boolean {
  const { type } = env.regs[regno]!;
  if (type === t.PTR_TO_CTX || t.isPktPointer(type)) return false;
  if (type === t.PTR_TO_FLOW_KEYS || t.isSkPointer(type)) return false;
  if (type === t.PTR_TO_ARENA) {
    return insn.kind !== 'atomic' || !insn.fetch || !LOOPED.has(insn.op);
  }
  return insn.kind !== 'load_acquire' || !isLoadAcqUnsafe(type);
}

function checkPtrType(env: VerifierEnv, regno: number, insn: Insn, what: string): void {
  if (atomicPtrTypeOk(env, regno, insn)) return;
  const name = regTypeStr(env.regs[regno]!.type);
  throw env.reject(EACCES, `BPF_ATOMIC ${what} R${regno} ${name} is not allowed`);
}

function checkNoLeak(env: VerifierEnv, regno: number): void {
  if (isPointerValue(env, regno)) throw env.reject(EACCES, `R${regno} leaks addr into mem`);
}

/** The register that gets what was there, or -1. bpf_atomic_load_reg() */
function loadRegOf({ op, fetch, src }: AtomicInsn): number {
  if (!fetch) return -1;
  return op === 'cmpxchg' ? 0 : src;
}

/** Reads, changes and writes. check_atomic_rmw() */
function checkAtomicRmw(env: VerifierEnv, insn: AtomicInsn): void {
  const { op, size, dst, src, off } = insn;
  checkRegArg(env, src, 'src');
  checkRegArg(env, dst, 'src');
  if (op === 'cmpxchg') {
    checkRegArg(env, 0, 'src');
    checkNoLeak(env, 0);
  }
  checkNoLeak(env, src);
  checkPtrType(env, dst, insn, 'stores into');
  const loadReg = loadRegOf(insn);
  if (loadReg >= 0) checkRegArg(env, loadReg, 'dst');
  const { insnIdx, regs } = env;
  const access = (type: typeof BPF_READ | typeof BPF_WRITE, valueRegno: number): void =>
    checkMemAccess(env, insnIdx, regs[dst]!, dst, off, size, type, valueRegno, true, false);
  access(BPF_READ, -1);
  if (loadReg >= 0) access(BPF_READ, loadReg);
  saveAuxPtrType(env, regs[dst]!.type, false);
  access(BPF_WRITE, -1);
}

/** check_atomic() */
export function checkAtomic(
  env: VerifierEnv,
  insn: AtomicInsn | BadAtomic | LoadAcquire | StoreRelease,
): void {
  switch (insn.kind) {
    case 'bad_atomic': {
      if (atomicOfImm(insn.imm)) throw env.reject(EINVAL, 'invalid atomic operand size');
      const opcode = (insn.imm >>> 0).toString(16).padStart(2, '0');
      throw env.reject(EINVAL, `BPF_ATOMIC uses invalid atomic opcode ${opcode}`);
    }
    case 'atomic':
      checkAtomicRmw(env, insn);
      return;
    case 'load_acquire':
      checkRegArg(env, insn.src, 'src');
      checkPtrType(env, insn.src, insn, 'loads from');
      checkLoadMem(env, insn, true, false, false, 'atomic_load');
      return;
    case 'store_release':
      checkStoreReg(env, insn, true);
      checkPtrType(env, insn.dst, insn, 'stores into');
      return;
  }
}
