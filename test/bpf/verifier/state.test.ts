import { expect, test } from 'vitest';
import { constReg } from '../../../bpf/verifier/values/reg.ts';
import { INVALID_SLOT } from '../../../bpf/verifier/values/stack.ts';
import { FuncState, VerifierState } from '../../../bpf/verifier/state.ts';

/** Two functions, the first with a slot of stack. */
function aState(): VerifierState {
  const state = new VerifierState();
  state.frames.push(new FuncState(-1, 0, 0), new FuncState(3, 1, 1));
  state.frames[0]!.growStack(8);
  return state;
}

test('a kept state shares what is the same in its parent, until that is to be changed', () => {
  const state = aState();
  const first = state.keptCopy();
  state.parent = first;
  state.frame.regs[1] = constReg(1n);
  const second = state.keptCopy();
  expect(second.frames[0]).toBe(first.frames[0]);
  expect(second.frame.regs).not.toBe(first.frame.regs);

  const own = second.ownFrame(0, true);
  own.stack[0] = INVALID_SLOT.withType(0, 2);
  expect(first.frames[0]!.stack[0]).toBe(INVALID_SLOT);
  expect(second.frames[0]!.stack[0]!.typeAt(0)).toBe(2);
});

test('the state that goes on shares nothing', () => {
  const state = aState();
  state.parent = state.keptCopy();
  const kept = state.keptCopy();
  state.frames[0]!.stack[0] = INVALID_SLOT.withType(7, 1);
  expect(kept.frames[0]!.stack[0]).toBe(INVALID_SLOT);
});
