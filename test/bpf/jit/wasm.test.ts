import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Code, I32, I64, MEM, OP, moduleBytes, type ValueType } from '../../../bpf/jit/wasm.ts';

/** Makes the module of one function, which V8 checks, and calls it. */
function call(
  code: Code,
  { params = [], results = [], locals = [] }: Record<string, ValueType[]>,
  ...args: (number | bigint)[]
): unknown {
  const bytes = moduleBytes([], [{ type: { params, results }, locals, code }]);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(bytes);
  const { run } = new WebAssembly.Instance(module, { k: { memory } }).exports;
  return (run as (...of: (number | bigint)[]) => unknown)(...args);
}

test('a 64-bit constant comes back, whatever its length in LEB128', () => {
  const constant = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.tuple(fc.nat(63), fc.constantFrom(-1n, 0n, 1n), fc.boolean()).map(([bit, by, minus]) => {
      return BigInt.asIntN(64, (minus ? -1n : 1n) * 2n ** BigInt(bit) + by);
    }),
  );
  fc.assert(
    fc.property(constant, (value) => {
      const code = new Code();
      code.i64Const(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
      expect(call(code, { results: [I64] })).toBe(value);
    }),
    { numRuns: 500, seed: 9669 },
  );
});

test('a 32-bit constant comes back, and is sign-extended to 64 bits', () => {
  for (const value of [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)]) {
    const narrow = new Code();
    narrow.i32Const(value);
    expect(call(narrow, { results: [I32] })).toBe(value);
    const wide = new Code();
    wide.i64Const(value);
    expect(call(wide, { results: [I64] })).toBe(BigInt(value));
  }
});

test('a branch goes to its label from any depth of blocks', () => {
  for (const [index, expected] of [300, 200, 100, 100].entries()) {
    const code = new Code();
    const labels = [code.block(), code.block(), code.block()].toReversed();
    code.localGet(0);
    code.brTable(labels);
    for (const result of [300, 200]) {
      code.end();
      code.i32Const(result);
      code.op(OP.return);
    }
    code.end();
    code.i32Const(100);
    expect(call(code, { params: [I32], results: [I32] }, index)).toBe(expected);
  }
});

test('a loop with a conditional branch adds up in memory', () => {
  const code = new Code();
  const again = code.loop();
  code.i32Const(8);
  code.i32Const(8);
  code.memory(MEM.i64Load, 256);
  code.i64Const(1_000_000_007);
  code.op(OP.i64Add);
  code.memory(MEM.i64Store, 256);
  code.localGet(0);
  code.i32Const(1);
  code.op(OP.i32Sub);
  code.localTee(0);
  code.brIf(again);
  code.end();
  code.i32Const(0);
  code.memory(MEM.i64Load, 264);
  expect(call(code, { params: [I32], results: [I64], locals: [I32, I64, I64, I32] }, 9)).toBe(
    9_000_000_063n,
  );
});

test('every instruction has the number that V8 knows it by: its type is right', () => {
  const takes = (name: string): ValueType => (name.startsWith('i32') ? I32 : I64);
  for (const [name, opcode] of Object.entries(OP)) {
    if (!/^i\d\d[A-Z]/.test(name)) continue;
    const code = new Code();
    const isCast = name === 'i32WrapI64' || name === 'i64ExtendI32U';
    const isUnary = isCast || /Eqz|Extend\d/.test(name);
    const operand = isCast ? (takes(name) === I32 ? I64 : I32) : takes(name);
    const isTest = /^i\d\d(Eq|Ne|Lt|Gt|Le|Ge)/.test(name);
    for (let i = isUnary ? 1 : 2; i > 0; i--) {
      if (operand === I32) code.i32Const(6 + i);
      else code.i64Const(6 + i);
    }
    code.op(opcode);
    const results = [isTest ? I32 : takes(name)];
    expect(call(code, { results }), name).toBeDefined();
  }
});
