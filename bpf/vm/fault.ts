import { Bug } from '../../base/errors.ts';
import type { Machine } from '../../kernel/machine.ts';
import { DIRECT_MAP_HIGH, KASAN_PAGE_FREE, PAGE_SIZE } from '../../kernel/memory.ts';
import { READ } from '../../sim/request.ts';
import { bpfFrame } from './frame.ts';

const { off } = bpfFrame;
const HIGH = BigInt(DIRECT_MAP_HIGH);

/** x86-64 has 48 bits of address: the upper 17 of a canonical one are equal. */
const isCanonical = (addr: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, addr)) === addr;

/**
 * Reports what the instruction that a frame stands at did to memory, as the kernel would, and ends
 * the run. arch/x86/mm/fault.c: page_fault_oops(), arch/x86/kernel/traps.c:
 * exc_general_protection()
 */
export function reportFault(machine: Machine, frame: number): never {
  const { memory } = machine;
  const addr = memory.rawLoad(frame + off.accessAddr, 8);
  const size = memory.rawU32(frame + off.accessSize);
  const write = memory.rawU32(frame + off.accessKind) !== READ;
  if (size === 0) reportDeepCall(machine);
  else if (addr >> 32n === HIGH) memory.check(Number(BigInt.asUintN(32, addr)), size, write);
  else if (addr < BigInt(PAGE_SIZE)) memory.onFault(Number(addr), size, write, KASAN_PAGE_FREE);
  else reportPageFault(machine, addr, write);
  throw new Bug(`a program's fault at 0x${addr.toString(16)} was no fault`);
}

function reportPageFault(machine: Machine, addr: bigint, write: boolean): void {
  const address = addr.toString(16).padStart(16, '0');
  if (!isCanonical(addr)) {
    machine.fail({
      kind: 'bad-access',
      title:
        'Oops: general protection fault, probably for non-canonical address ' +
        `0x${addr.toString(16)}: 0000 [#1] SMP`,
      lines: machine.traceLines(),
    });
  }
  machine.fail({
    kind: 'bad-access',
    title: `BUG: unable to handle page fault for address: ${address}`,
    lines: [
      `#PF: supervisor ${write ? 'write' : 'read'} access in kernel mode`,
      `#PF: error_code(0x000${write ? 2 : 0}) - not-present page`,
      ...machine.traceLines(),
    ],
  });
}

/** arch/x86/kernel/traps.c: handle_stack_overflow() */
function reportDeepCall(machine: Machine): void {
  machine.fail({
    kind: 'stack-overflow',
    title: 'BUG: TASK stack guard page was hit',
    lines: machine.traceLines(),
  });
}

/**
 * A helper was given something else for a map: what stands there for its operations is followed
 * to wherever it leads.
 */
export function reportNoMap(machine: Machine, addr: number): never {
  machine.memory.check(addr, 8, false);
  const ops = machine.memory.rawLoad(addr, 8);
  machine.fail({
    kind: 'bad-access',
    title:
      'Oops: general protection fault, probably for non-canonical address ' +
      `0x${ops.toString(16)}: 0000 [#1] SMP`,
    lines: machine.traceLines(),
  });
  throw new Bug('a fatal report came back');
}
