import type { Address, EventData, Receipt } from '../model/envelope.ts';
import { assertAccepted } from '../model/receipt.ts';
import type { Engine } from './engine.ts';
import type { Requester } from './requester.ts';

/**
 * Tells a twin that is there what a feature has decided after its own checks: an event that nobody outside may send.
 * @param key `Idempotency-Key` of the request; the twin takes what comes under it once
 * @throws EngineError where the twin refuses it
 */
export async function tellTwin(
  engine: Pick<Engine, 'tell' | 'clock' | 'newId'>,
  address: Address,
  event: EventData,
  { principal, ifRevision }: Pick<Requester, 'principal' | 'ifRevision'>,
  key?: string,
): Promise<Exclude<Receipt, { status: 'rejected' }>> {
  const receipt = await engine.tell({
    ...address,
    id: key ?? engine.newId(),
    dedupe: key !== undefined,
    event,
    at: engine.clock.now(),
    undated: true,
    principal,
    ifUnknown: 'reject',
    answered: true,
    ...(ifRevision !== undefined && { ifRevision }),
  });
  assertAccepted(receipt);
  return receipt;
}
