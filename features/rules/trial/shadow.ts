/** A draft beside the rule that is live: both see the same traffic, and what the draft asks for is withheld. */
import { type Address, pastOf, type Reader } from '../../../engine/index.ts';
import type { Context } from '../kind/context.ts';
import { type Backtest, type Deed, deedsOf, type Verdict } from './backtest.ts';
import type { Span } from './history.ts';

/** The same deed of both may come in two batches, one after the other. */
const SAME_WITHIN_MS = 5_000;

/**
 * What a draft would have done since it is on trial, and what the rule did.
 * @param given `live` null: there is no such rule yet
 * @throws EngineError `state-unreadable` where the journal does not reach back so far
 */
export async function compareDraft(
  reader: Reader,
  { draft, live, span }: { draft: Address; live: Address | null; span: Span },
): Promise<Backtest> {
  const ofDraft = await verdictOf(reader, draft, span);
  const ofLive = live && (await verdictOf(reader, live, span));
  return {
    span,
    turns: ofDraft.turns,
    draft: ofDraft.verdict,
    live: ofLive?.verdict ?? null,
    more: ofLive ? unmatched(ofDraft.verdict.deeds, ofLive.verdict.deeds) : ofDraft.verdict.deeds,
    fewer: ofLive ? unmatched(ofLive.verdict.deeds, ofDraft.verdict.deeds) : [],
  };
}

/** What a rule did in a span, by its journal. */
async function verdictOf(
  reader: Reader,
  address: Address,
  span: Span,
): Promise<{ verdict: Verdict; turns: number }> {
  const deeds: Deed[] = [];
  let first: Context['reported'] | undefined;
  let last: Context['reported'] | undefined;
  let turns = 0;
  for await (const { before, row, turned } of pastOf(reader, address, span)) {
    turns++;
    first ??= before ? contextOf(before).reported : undefined;
    last = contextOf(turned.twin).reported;
    deeds.push(...deedsOf(row.effects, row.receivedAt));
  }
  const since = (count: 'runs' | 'failures') => (last?.[count] ?? 0) - (first?.[count] ?? 0);
  return { verdict: { runs: since('runs'), failed: since('failures'), deeds }, turns };
}

function contextOf({ snapshot }: { snapshot: { context: unknown } }): Context {
  return snapshot.context as Context;
}

/** Those of `some` that have no counterpart of about the same time among `others`; each counts once. */
function unmatched(some: readonly Deed[], others: readonly Deed[]): Deed[] {
  const left = new Map<string, number[]>();
  for (const { type, what, at } of others) {
    const key = `${type} ${what}`;
    left.set(key, [...(left.get(key) ?? []), at]);
  }
  return some.filter(({ type, what, at }) => {
    const times = left.get(`${type} ${what}`) ?? [];
    const match = times.findIndex((time) => Math.abs(time - at) <= SAME_WITHIN_MS);
    if (match < 0) return true;
    times.splice(match, 1);
    return false;
  });
}
