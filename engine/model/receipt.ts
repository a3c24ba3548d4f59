import type { Receipt } from './envelope.ts';
import { EngineError } from './errors.ts';

/** @throws EngineError with the receipt's own code, where the event was rejected */
export function assertAccepted(
  receipt: Receipt,
): asserts receipt is Exclude<Receipt, { status: 'rejected' }> {
  if (receipt.status !== 'rejected') return;
  const { code, reason, hint, quota } = receipt;
  throw new EngineError(code, reason, {
    ...(hint !== undefined && { hint }),
    ...(quota && { quota }),
  });
}
