/** Events that nobody outside may send: what was checked here is told to its twin. */
import { randomUUID } from 'node:crypto';
import {
  type Address,
  detailsOf,
  type Engine,
  EngineError,
  type EventData,
  type Requester,
} from '../engine/index.ts';

/** @throws EngineError where the twin refuses it */
export async function tellInside(
  engine: Engine,
  address: Address,
  event: EventData,
  { principal, ifRevision }: Requester,
): Promise<void> {
  const id = randomUUID();
  const receipt = await engine.tell({
    ...address,
    id,
    dedupe: false,
    event,
    at: engine.clock.now(),
    undated: true,
    principal,
    ifUnknown: 'reject',
    answered: true,
    ...(ifRevision !== undefined && { ifRevision }),
  });
  if (receipt.status === 'rejected')
    throw new EngineError(receipt.code, receipt.reason, detailsOf(receipt));
}
