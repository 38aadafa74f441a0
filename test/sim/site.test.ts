import { expect, test } from 'vitest';
import { kernelSymbol } from '../../sim/site.ts';

test('where a symbol stands in its module does not hang on what else is loaded', () => {
  const first = kernelSymbol('first', 'test_module');
  kernelSymbol('elsewhere');
  kernelSymbol('elsewhere', 'another_module');
  const second = kernelSymbol('second', 'test_module');
  expect([first.index, second.index]).toEqual([0, 1]);
});
