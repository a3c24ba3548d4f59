/** Whoever watches a twin and is concerned by its turn has its own turn, before anything else happens. */
import { type Address, type Envelope, type EventData, keyOf } from '../model/envelope.ts';
import type { Facts } from '../model/facts.ts';
import { observedId } from '../model/turn-ids.ts';
import { observationOf } from '../turn/aspect.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import type { Turned } from '../turn/turned.ts';
import { following, type Item } from './cascade.ts';
import { allOf, type Folding, NOTHING } from './folding.ts';
import { refuse } from './refuse.ts';

export function* observe(
  folding: Folding,
  {
    before,
    turned,
    watchers,
  }: { before: LiveTwin | null; turned: Turned; watchers: readonly string[] },
  item: Item,
  next: Item[],
): Generator<undefined, void> {
  const { context, workingSet } = folding;
  const { twin } = turned;
  const seen = observationOf(before, turned);
  for (const id of watchers) {
    const address: Address = { home: twin.home, twin: id };
    const watcher = id === twin.twin ? null : folding.readable(address);
    if (!watcher || context.heldBack.has(watcher.kind)) continue;
    const { onObserved } = watcher.kindOf;
    if (!onObserved) continue;
    let facts: Facts | undefined;
    const factsNow = () => {
      facts ??= workingSet.factsFor(watcher) ?? {};
      return facts;
    };
    const envelope = (event: EventData): Envelope => ({
      ...folding.carry(item.envelope, {
        to: id,
        id: observedId(twin, twin.revision, twin.life, id),
        event,
        source: keyOf(twin),
        sender: 'engine',
      }),
      facts: factsNow(),
    });
    let led = NOTHING;
    try {
      const event = folding.costing(watcher, () =>
        onObserved(watcher.snapshot.context, seen, factsNow),
      );
      if (event !== null) led = folding.turnObserver(following(item, envelope(event)));
    } catch (thrown) {
      const event = { type: 'observed', twin: twin.twin, turn: seen.turn };
      refuse(folding, envelope(event), null, thrown);
    }
    yield;
    yield* allOf(led, next);
  }
}
