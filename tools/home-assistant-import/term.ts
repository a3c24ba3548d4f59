/** What a part of a template comes to, with its type. */
import { literal, type Mapped } from './entities.ts';
import { type Spot, Untranslatable } from './part.ts';
import type { Reading, Translation } from './translation.ts';

/** `state`: a text in Home Assistant, which the twin has in its own way. */
export type Term =
  | { type: 'bool' | 'number' | 'text' | 'any'; cel: string; value?: string | number | boolean }
  | { type: 'state'; cel: string; reading: Reading }
  | { type: 'list'; items: Term[] }
  | { type: 'none' }
  | { type: 'id' | 'twin'; cel: string };

export function literalTerm(value: string | number | boolean | null): Term {
  if (value === null) return { type: 'none' };
  const type = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'bool';
  return { type, cel: literal(value), value };
}

/** @throws Untranslatable */
export function notUnderstood(
  at: Spot,
  reason: string,
  instead = 'write it as a CEL expression by hand',
): never {
  throw new Untranslatable(at, reason, instead);
}

/** Where a twin has not reported, a comparison is neither true nor false. */
export function noteNegation(
  { mapped }: { mapped: Mapped },
  at: Spot,
  translation: Translation,
): void {
  translation.assume(
    at,
    `as long as ${mapped.entity} has not reported, what is asked here is not true; in Home Assistant it was`,
  );
}
