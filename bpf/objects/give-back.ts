import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { ObjectType } from './object-type.ts';
import { objectsOf } from './objects.ts';
import { percpuObjectsOf } from './percpu.ts';

/** What a program holds of such a type: it may be the node of an object. */
export function giveBack(kernel: Kernel, given: number, type: ObjectType): Sim<void> {
  if (type.isPercpu) return percpuObjectsOf(kernel).drop(given);
  return objectsOf(kernel).release(given, type);
}
