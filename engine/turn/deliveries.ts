/** What a turn sends out, worked out from its row in the journal: in the turn, and after a restart. */

import type { Delivery, DeliveryRow, JournalRow } from '../model/rows.ts';
import { effectId, lifeOf } from '../model/turn-ids.ts';
import type { Destinations } from './turned.ts';

/** What the journal does not say of the twin whose turn it was. */
export interface Sender {
  kind: string;
  incarnation: string;
  /** How its device is reached. */
  via: string | null;
}

/**
 * The deliveries in the order of the effects; what is desired comes last. An effect that has no destination goes
 * nowhere.
 */
export function deliveriesOf(
  row: JournalRow,
  { kind, incarnation, via }: Sender,
  destinations: Destinations,
): DeliveryRow[] {
  const rows: DeliveryRow[] = [];
  if (row.effects.length === 0 && row.desired === null) return rows;
  const add = (id: string, delivery: Delivery, expiresAt: number | null) => {
    const destination = destinations[delivery.type];
    if (destination === undefined) return;
    const { home, twin, receivedAt } = row;
    rows.push({
      id,
      home,
      twin,
      destination,
      delivery,
      createdAt: receivedAt,
      expiresAt,
      attempts: 0,
      notBefore: receivedAt,
    });
  };
  for (const effect of row.effects) {
    switch (effect.type) {
      case 'command': {
        const { name, args, ttl, refused } = effect;
        if (refused || ttl === undefined) break;
        const expiresAt = row.receivedAt + ttl;
        add(effect.id, { type: 'command', name, args, expiresAt, kind, via }, expiresAt);
        break;
      }
      case 'retrain':
      case 'notify':
      case 'webhook': {
        const { id, ...delivery } = effect;
        add(id, { ...delivery, kind, via }, null);
        break;
      }
      default:
      // The others stay in the house
    }
  }
  const { desired, revision } = row;
  if (desired !== null) {
    const id = effectId(row, revision, lifeOf(incarnation, row.epoch), 'desired');
    add(id, { type: 'desired', desired, revision, kind, via }, null);
  }
  return rows;
}
