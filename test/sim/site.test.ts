import { expect, test } from 'vitest';
import { kernelSymbol, site, siteOf } from '../../sim/site.ts';

test('the address of a function or a place does not hang on what else is loaded', () => {
  const before = kernelSymbol('second', 'test_module').slot;
  kernelSymbol('first', 'test_module');
  expect(kernelSymbol('second', 'test_module').slot).toBe(before);
  expect(siteOf(site('second', 'C2')).offsetBytes).toBe(0xa0);
});
