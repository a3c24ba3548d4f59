/** The two ways in: what adapters and requests bring, and what features and the engine itself tell. */
import {
  type Envelope,
  type Inbound,
  type Receipt,
  senderId,
  type Told,
} from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { speakerAt } from '../model/vocabulary.ts';
import { isWithinLevels, MAX_LEVELS } from '../turn/state-size.ts';
import type { Core } from './core.ts';

export interface InboundService {
  /**
   * Hands an event from outside to its twin: for adapters and for requests. The event must be one that the door's
   * sender may send (model/vocabulary.ts). Resolves after the commit that holds it; while the store is away it waits.
   * @throws EngineError `overloaded` when the mailbox is full (wait with `hasRoom`),
   *   `stopping`, `fenced`; `bad-input` for a source that is no door
   */
  dispatch(inbound: Inbound): Promise<Receipt>;
  /**
   * Tells a twin what a feature has decided after its own checks; any event that its kind declares.
   * @throws what {@link dispatch} throws
   */
  tell(told: Told): Promise<Receipt>;
}

export function inboundService({
  post,
  telemetry,
}: Pick<Core, 'post' | 'telemetry'>): InboundService {
  /** What cannot be written down never reaches a batch, where others would have to wait for it. */
  function admit(envelope: Envelope): Promise<Receipt> {
    if (isWithinLevels(envelope.event, MAX_LEVELS)) return post(envelope);
    const reason = `${envelope.event.type}: nested deeper than ${MAX_LEVELS} levels`;
    const { home, twin } = envelope;
    telemetry.emit('dead-letter.lost', { code: 'bad-input', error: `${home}/${twin}: ${reason}` });
    const hint = 'Send flat data.';
    return Promise.resolve({ status: 'rejected', code: 'bad-input', reason, hint });
  }

  return {
    dispatch(inbound) {
      const speaker = speakerAt(inbound);
      if (speaker instanceof EngineError) return Promise.reject(speaker);
      const id = senderId(inbound.id);
      return admit({
        ...inbound,
        id,
        sender: speaker,
        cause: null,
        correlation: inbound.correlation === undefined ? id : senderId(inbound.correlation),
      });
    },

    tell(told) {
      const id = told.dedupe ? senderId(told.id) : told.id;
      return admit({
        ...told,
        id,
        sender: 'engine',
        source: 'engine',
        cause: null,
        correlation: id,
      });
    },
  };
}
