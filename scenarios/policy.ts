import { NO_POLICY, selectionOf, type Selection } from '../bpf/protect/settings.ts';
import type { TokenHeader } from '../sim/token.ts';
import type { Variant } from './dsl.ts';

/** What --policy texts mean: those that were asked for, else the variant's own. */
export function policyOf(variant: Variant, asked: readonly string[] = []): Selection {
  const texts = asked.length > 0 ? asked : variant.policy;
  return texts.length === 0 ? NO_POLICY : selectionOf(texts);
}

/** The variant, with what it states under the policy that was asked for. */
export function underPolicy(variant: Variant, asked: readonly string[] = []): Variant {
  if (asked.length === 0) return variant;
  const { policy } = selectionOf(asked).all;
  const stated = variant.expectUnder[policy];
  return stated === undefined ? variant : { ...variant, ...stated };
}

/** Options of a token's header: `{ policy: 'record-kill:source=timer' }`. */
export function policyHeader(asked: readonly string[]): Readonly<Record<string, string>> {
  return asked.length === 0 ? {} : { policy: asked.join(' ') };
}

export function policyOfHeader(header: TokenHeader): readonly string[] {
  return header.options?.['policy']?.split(' ') ?? [];
}
