import { InputError } from '../../base/errors.ts';
import { POISON_HELPER, type CoreResult } from '../btf/core.ts';
import { rawInsn } from '../isa/decode.ts';
import { CLASS, CODE, SIZES, SRC_X } from '../isa/ops.ts';

const INSN_BYTES = 8;
const OFF_MAX = 0x7fff;
const ACCESSES: readonly number[] = [CLASS.LDX, CLASS.ST, CLASS.STX];

/**
 * Puts the outcome of a relocation into the instruction at `slot`. Where that cannot be, poisons it
 * and says true. Throws InputError where the instruction is none that asks so.
 * bpf_core_patch_insn()
 */
export function patchCore(
  code: Uint8Array,
  slot: number,
  result: CoreResult,
  where: string,
): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const insn = rawInsn(view, slot);
  const isWide = insn.code === CODE.ld_imm64;
  const fail = (what: string): never => {
    throw new InputError(`${where}: insn #${slot}: ${what}, for ${result.text}`);
  };
  const at = slot * INSN_BYTES;
  if (isWide && at + 2 * INSN_BYTES > code.length) fail('half an ld_imm64');
  const isAccess = ACCESSES.includes(insn.code & 0x07);
  if (result.poison || (isAccess && result.cannotFit)) {
    poison(view, slot);
    if (isWide) poison(view, slot + 1);
    return true;
  }
  const check = (found: bigint): void => {
    if (result.validate && BigInt.asUintN(64, found ^ result.from) !== 0n) {
      fail(`unexpected value ${found}, expected ${result.from}`);
    }
  };
  switch (insn.code & 0x07) {
    case CLASS.ALU:
    case CLASS.ALU64:
      if ((insn.code & SRC_X) !== 0) fail('an operation on two registers, expected an immediate');
      check(BigInt(insn.imm));
      view.setInt32(at + 4, Number(BigInt.asIntN(32, result.to)), true);
      return false;
    case CLASS.LDX:
    case CLASS.ST:
    case CLASS.STX:
      check(BigInt(insn.off));
      if (result.to > OFF_MAX) fail(`offset ${result.to} does not fit`);
      view.setInt16(at + 2, Number(result.to), true);
      if (result.fromBytes !== result.toBytes) resize(view, slot, insn.code, result, fail);
      return false;
    default:
      if (!isWide) fail(`code ${insn.code.toString(16)}, expected a load, store, or constant`);
      check(BigInt(insn.imm >>> 0) | (BigInt(view.getUint32(at + 12, true)) << 32n));
      view.setInt32(at + 4, Number(BigInt.asIntN(32, result.to)), true);
      view.setInt32(at + 12, Number(BigInt.asIntN(32, result.to >> 32n)), true);
      return false;
  }
}

function resize(
  view: DataView,
  slot: number,
  code: number,
  { fromBytes, toBytes }: CoreResult,
  fail: (what: string) => never,
): void {
  const now = SIZES.find((size) => size.code === (code & 0x18))!;
  if (now.bytes !== fromBytes) fail(`an access of ${now.bytes} bytes, expected ${fromBytes}`);
  const wanted = SIZES.find(({ bytes }) => bytes === toBytes);
  if (!wanted) return fail(`a field of ${toBytes} bytes`);
  view.setUint8(slot * INSN_BYTES, (code & ~0x18) | wanted.code);
}

function poison(view: DataView, slot: number): void {
  const at = slot * INSN_BYTES;
  view.setUint8(at, CODE.call);
  view.setUint8(at + 1, 0);
  view.setInt16(at + 2, 0, true);
  view.setInt32(at + 4, POISON_HELPER, true);
}
