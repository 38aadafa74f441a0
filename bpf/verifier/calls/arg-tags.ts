import { EINVAL, EOPNOTSUPP } from '../../../kernel/errno.ts';
import { isModifier, resolve } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import type { VerifierEnv } from '../env.ts';

// What a declaration says of an argument: __arg_ctx, __arg_trusted, … (`arg:` decl tags of the
// function), and __arena (a type tag of the pointer).

/** enum btf_arg_tag */
export const ARG_TAG_CTX = 1 << 0;
export const ARG_TAG_NONNULL = 1 << 1;
export const ARG_TAG_TRUSTED = 1 << 2;
export const ARG_TAG_UNTRUSTED = 1 << 3;
export const ARG_TAG_NULLABLE = 1 << 4;
export const ARG_TAG_ARENA = 1 << 5;

const TAG_KEY = 'arg:';
const DECL_TAGS: ReadonlyMap<string, number> = new Map([
  ['ctx', ARG_TAG_CTX],
  ['trusted', ARG_TAG_TRUSTED],
  ['untrusted', ARG_TAG_UNTRUSTED],
  ['nonnull', ARG_TAG_NONNULL],
  ['nullable', ARG_TAG_NULLABLE],
  ['arena', ARG_TAG_ARENA],
]);

/** `func` is the id of the function. btf_scan_decl_tags() */
export function scanDeclTags(
  env: VerifierEnv,
  btf: Btf,
  func: number,
  arg: number,
  isGlobal: boolean,
): number {
  let tags = 0;
  for (const type of btf.types) {
    if (type?.kind !== 'decl_tag' || type.type !== func || type.component !== arg) continue;
    if (!type.name.startsWith(TAG_KEY)) continue;
    if (!isGlobal) {
      const message = `arg#${arg} type tag is not supported in static functions`;
      throw env.reject(EOPNOTSUPP, message);
    }
    const tag = DECL_TAGS.get(type.name.slice(TAG_KEY.length));
    if (tag === undefined) {
      throw env.reject(EOPNOTSUPP, `arg#${arg} has unsupported set of tags`);
    }
    tags |= tag;
  }
  return tags;
}

/** Of the target of a pointer; 0 where it is none. btf_scan_type_tags() */
export function scanTypeTags(btf: Btf, typeId: number): number {
  const pointer = resolve(btf, typeId);
  if (pointer?.kind !== 'ptr') return 0;
  for (let type = btf.types[pointer.type]; type && isModifier(type); type = btf.types[type.type]) {
    if (type.kind === 'type_tag' && type.name === 'arena') return ARG_TAG_ARENA;
  }
  return 0;
}

/** A tag stands with others that it does not go with. */
export function checkTagsAlone(env: VerifierEnv, arg: number, others: number): void {
  if (others === 0) return;
  throw env.reject(EINVAL, `arg#${arg} has invalid combination of tags`);
}
