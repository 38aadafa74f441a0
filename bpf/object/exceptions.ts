import type { OpenedObject } from './open.ts';
import type { FunctionSpec, ProgramSpec } from './spec.ts';

const TAG = 'exception_callback:';

/**
 * The function that a program ends with where something is thrown: a decl tag of the program names
 * it, and nothing calls it. libbpf.c: bpf_object__init_progs(), exception_cb_idx
 */
export function exceptionCallback(
  { btf, functions }: OpenedObject,
  program: ProgramSpec,
): FunctionSpec | undefined {
  const tag = btf?.types.find(
    (type) =>
      type?.kind === 'decl_tag' &&
      type.component === -1 &&
      type.name.startsWith(TAG) &&
      btf.types[type.type]?.name === program.name,
  );
  const name = tag?.name.slice(TAG.length);
  return name === undefined ? undefined : functions.find((fn) => fn.name === name);
}
