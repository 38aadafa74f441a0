import { EACCES } from '../../../kernel/errno.ts';
import {
  BPF_GRAPH_NODE,
  BPF_KPTR_PERCPU,
  BPF_KPTR_REF,
  BPF_KPTR_UNREF,
  BPF_UPTR,
} from '../../btf/field-types.ts';
import { type BtfField, btfRecordHasField, type FieldKptr } from '../../btf/record.ts';
import { sizeOf } from '../../btf/resolve.ts';
import { btfFindStructMeta } from '../../btf/struct-meta.ts';
import { checkPtrOffReg } from './access-mem.ts';
import { markBtfLdReg } from './access-btf.ts';
import { btfStructIdsMatch } from './btf-walk.ts';
import type { VerifierEnv } from '../env.ts';
import { markChainPrecision } from '../search/precision.ts';
import { isNullReg, pointerReg, type Reg } from '../values/reg.ts';
import { btfTypeName, regTypeStr } from '../values/reg-names.ts';
import { inRcuCs } from '../objects/sections.ts';
import * as t from '../types.ts';

// Pointers that stand in values of maps: loaded, stored, exchanged.

/** Structs of the kernel's that stay as long as somebody may read them. rcu_protected_types */
const RCU_PROTECTED: ReadonlySet<string> = new Set([
  'prog_test_ref_kfunc',
  'cgroup',
  'bpf_cpumask',
  'task_struct',
  'bpf_crypto_ctx',
]);

/** Flags that a pointer may have that goes into a field. */
function allowedFlags(env: VerifierEnv, { type }: BtfField, reg: Reg): number {
  if (reg.btf !== env.kernelBtf) {
    const perCpu = type === BPF_KPTR_PERCPU ? t.MEM_PERCPU : 0;
    return t.PTR_MAYBE_NULL | t.MEM_ALLOC | perCpu;
  }
  const untrusted = type === BPF_KPTR_UNREF ? t.PTR_UNTRUSTED : 0;
  return t.PTR_MAYBE_NULL | t.PTR_TRUSTED | t.MEM_RCU | untrusted;
}

/** A register holds what may be put into a field. map_kptr_match_type() */
export function mapKptrMatchType(
  env: VerifierEnv,
  kptrField: BtfField,
  reg: Reg,
  regno: number,
): void {
  const isPerCpu = (reg.type & t.MEM_PERCPU) !== 0;
  if (
    t.baseType(reg.type) !== t.PTR_TO_BTF_ID ||
    (t.typeFlags(reg.type) & ~allowedFlags(env, kptrField, reg)) !== 0 ||
    (kptrField.type === BPF_KPTR_PERCPU) !== isPerCpu
  ) {
    throw badType(env, kptrField, reg, regno, '');
  }
  checkPtrOffReg(env, reg, regno, true);
  const { btf, btfId } = kptrField.kptr!;
  const isMatch = btfStructIdsMatch(env, {
    btf: reg.btf!,
    btfId: reg.btfId,
    off: reg.s.num,
    needBtf: btf,
    needId: btfId,
    strict: kptrField.type !== BPF_KPTR_UNREF,
    walkFlexArrays: (reg.type & t.MEM_ALLOC) === 0,
  });
  if (!isMatch) throw badType(env, kptrField, reg, regno, btfTypeName(reg.btf!, reg.btfId));
}

function badType(
  env: VerifierEnv,
  { type, kptr }: BtfField,
  reg: Reg,
  regno: number,
  regName: string,
): unknown {
  const target = btfTypeName(kptr!.btf, kptr!.btfId);
  const isUnref = type === BPF_KPTR_UNREF;
  const orElse = isUnref ? ` or ${regTypeStr(t.PTR_TO_BTF_ID | t.PTR_UNTRUSTED)}${target}` : '';
  return env.reject(
    EACCES,
    `invalid kptr access, R${regno} type=${regTypeStr(reg.type)}${regName} ` +
      `expected=${regTypeStr(t.PTR_TO_BTF_ID)}${target}${orElse}`,
  );
}

/** rcu_safe_kptr(), rcu_protected_object() */
function isRcuSafe({ type, kptr }: BtfField): boolean {
  if (type === BPF_KPTR_PERCPU) return true;
  if (type !== BPF_KPTR_REF) return false;
  return !kptr!.isKernel || RCU_PROTECTED.has(btfTypeName(kptr!.btf, kptr!.btfId));
}

/** An object of the program's that may be linked into a list or tree. */
function isGraphNode({ btf, btfId, isKernel }: FieldKptr): boolean {
  if (isKernel) return false;
  return btfRecordHasField(btfFindStructMeta(btf, btfId)?.record, BPF_GRAPH_NODE);
}

/** How far a pointer that was loaded can be relied on. btf_ld_kptr_type() */
export function btfLdKptrType(env: VerifierEnv, kptrField: BtfField): number {
  if (!env.world.facts.rcuKptrs || !isRcuSafe(kptrField) || !inRcuCs(env)) {
    return t.PTR_MAYBE_NULL | t.PTR_UNTRUSTED;
  }
  let flags = t.PTR_MAYBE_NULL | t.MEM_RCU;
  if (kptrField.type === BPF_KPTR_PERCPU) flags |= t.MEM_PERCPU;
  else if (!kptrField.kptr!.isKernel) flags |= t.MEM_ALLOC;
  return isGraphNode(kptrField.kptr!) ? flags | t.NON_OWN_REF : flags;
}

/** mark_uptr_ld_reg() */
function markUptrLdReg(env: VerifierEnv, regno: number, { btf, btfId }: FieldKptr): void {
  env.regs[regno] = pointerReg(t.PTR_TO_MEM | t.PTR_MAYBE_NULL, {
    memSize: sizeOf(btf, btfId),
    id: env.newId(),
  });
}

/** A pointer in a map's value is loaded or stored. check_map_kptr_access() */
export function checkMapKptrAccess(
  env: VerifierEnv,
  valueRegno: number,
  insnIdx: number,
  kptrField: BtfField,
): void {
  const insn = env.insns[insnIdx]!;
  const { type, kptr } = kptrField;
  switch (insn.kind) {
    case 'ldx':
      if (insn.mode !== 'mem') break;
      if (type === BPF_UPTR) {
        markUptrLdReg(env, valueRegno, kptr!);
      } else {
        const flags = btfLdKptrType(env, kptrField);
        const { btf, btfId } = kptr!;
        markBtfLdReg(env, env.regs, valueRegno, t.PTR_TO_BTF_ID, btf, btfId, flags);
      }
      return;
    case 'st':
      checkIsStorable(env, type);
      if (insn.imm === 0) return;
      throw env.reject(
        EACCES,
        `BPF_ST imm must be 0 when storing to kptr at off=${kptrField.offset}`,
      );
    case 'stx': {
      checkIsStorable(env, type);
      const reg = env.regs[valueRegno]!;
      // That it is zero makes it right: another number would not be.
      if (isNullReg(reg)) markChainPrecision(env, valueRegno);
      else mapKptrMatchType(env, kptrField, reg, valueRegno);
      return;
    }
    default:
  }
  throw env.reject(EACCES, 'kptr in map can only be accessed using BPF_MEM instruction mode');
}

function checkIsStorable(env: VerifierEnv, type: number): void {
  if (type === BPF_KPTR_REF || type === BPF_KPTR_PERCPU) {
    throw env.reject(EACCES, 'store to referenced kptr disallowed');
  }
  if (type === BPF_UPTR) throw env.reject(EACCES, 'store to uptr disallowed');
}
