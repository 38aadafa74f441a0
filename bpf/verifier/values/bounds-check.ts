import type { VerifierEnv } from '../env.ts';
import type { Scalar } from './scalar.ts';

/** What is wrong in itself with a scalar, if something is. */
function violation(s: Scalar): string | undefined {
  const { tnum, r64, r32 } = s;
  if (s.isImpossible) return 'range bounds violation';
  if (tnum.isConst && !(r64.isConst && r64.base === tnum.value)) {
    return 'const tnum out of sync with range bounds';
  }
  if (s.isConst32 && !(r32.isConst && r32.base === s.value32)) {
    return 'const subreg tnum out of sync with range bounds';
  }
  return undefined;
}

/**
 * A scalar that contradicts itself is an error of the verifier; ranges are forgotten then, unless
 * the loader asked for more with BPF_F_TEST_REG_INVARIANTS. reg_bounds_sanity_check()
 */
export function regBoundsSanityCheck(env: VerifierEnv, s: Scalar, where: string): Scalar {
  const wrong = violation(s);
  if (wrong === undefined) return s;
  const { tnum, r64, r32 } = s;
  const bug = env.bug(
    `REG INVARIANTS VIOLATION (${where}): ${wrong} ` +
      `r64={.base=${hex(r64.base)}, .size=${hex(r64.size)}} ` +
      `r32={.base=${hex(r32.base)}, .size=${hex(r32.size)}} ` +
      `var_off=(${hex(tnum.value)}, ${hex(tnum.mask)})`,
  );
  if (env.testRegInvariants) throw bug;
  return s.unbounded();
}

/** As C's `%#llx`: 0 without a prefix. */
function hex(n: bigint | number): string {
  return n === 0 || n === 0n ? '0' : `0x${n.toString(16)}`;
}
