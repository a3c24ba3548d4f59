import { type DeliveryRow, type Engine, lifeOf, turnOfId } from '../../../engine/index.ts';

/**
 * Whether a delivery that has waited is still to be carried out: a command that is open, or what is desired of the twin
 * that is there now, not of a former one of its name.
 */
export async function isCurrentDelivery(
  engine: Pick<Engine, 'getIntent' | 'storage'>,
  { id, home, twin, delivery }: DeliveryRow,
): Promise<boolean> {
  if (delivery.type === 'command') {
    const intent = await engine.getIntent(home, id);
    return intent?.status === 'pending' || intent?.status === 'sent';
  }
  const turn = turnOfId(id);
  const stored = await engine.storage.getTwin({ home, twin });
  if (!stored || !turn || turn.revision > stored.revision) return false;
  const [row] = await engine.storage.readJournal({ home, twin }, turn.revision, 1);
  // What the journal does not hold any more cannot be told apart by its life
  if (row?.revision !== turn.revision) return true;
  return lifeOf(stored.incarnation, row.epoch) === turn.life;
}
