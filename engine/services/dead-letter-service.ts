import { EngineError, messageOf } from '../model/errors.ts';
import type { DeadLetterRow } from '../model/rows.ts';
import { speakerOf } from '../model/vocabulary.ts';
import type { Core } from './core.ts';

const PACKET_KEPT_BYTES = 64 * 1024;

/** A packet that no codec could read. */
export interface BuriedPacket {
  source: string;
  home: string | null;
  twin: string | null;
  topic: string;
  payload: Buffer;
  code: 'bad-input' | 'unknown-kind' | 'unknown-home';
  error: string;
  hint: string;
}

/** What cannot be folded or delivered is kept, and can be tried again. */
export interface DeadLetterService {
  /** Keeps a packet. Never throws; counted even when the store is away. */
  bury(packet: BuriedPacket): Promise<void>;
  /**
   * Takes back packets that {@link bury} kept, for `retryDeadLetter`.
   * @param redeliver dispatches what the packet says as `kept`, and throws why it still cannot be
   */
  addPacketSource(
    name: string,
    redeliver: (topic: string, payload: Buffer) => Promise<void>,
  ): Disposable;
  /**
   * Dispatches, decodes or delivers it again; on success the letter is gone, else it stays.
   * @throws EngineError `not-found`, and what is worth another try: `overloaded`, `stopping` …
   */
  retryDeadLetter(
    id: string,
  ): Promise<{ resolved: boolean; letter: DeadLetterRow; reason?: string }>;
}

export function deadLetterService(core: Core): DeadLetterService {
  const { storage, telemetry, clock, newId } = core;
  const packetSources = new Map<string, (topic: string, payload: Buffer) => Promise<void>>();

  return {
    async bury({ payload, topic, ...packet }) {
      const letter: DeadLetterRow = {
        ...packet,
        id: newId(),
        at: clock.now(),
        attempts: 1,
        content: {
          type: 'packet',
          topic,
          payload: payload.subarray(0, PACKET_KEPT_BYTES).toString('base64'),
          truncated: payload.length > PACKET_KEPT_BYTES,
        },
      };
      const { code, home, twin, error } = packet;
      try {
        await storage.insertDeadLetters([letter]);
        telemetry.emit('dead-letter.kept', { code, home, twin, error });
      } catch (lost) {
        const why = `${error}; not kept: ${messageOf(lost)}`;
        telemetry.emit('dead-letter.lost', { code, error: why });
      }
    },

    addPacketSource(name, redeliver) {
      packetSources.set(name, redeliver);
      return { [Symbol.dispose]: () => packetSources.delete(name) };
    },

    async retryDeadLetter(id) {
      const letter = await storage.getDeadLetter(id);
      if (!letter) throw new EngineError('not-found', `there is no dead letter ${id}`);
      const { content } = letter;
      switch (content.type) {
        case 'envelope': {
          // The sender's own id stays, so that an event which got through meanwhile is not doubled
          const { envelope } = content;
          const receipt = await core.post({
            ...envelope,
            sender: speakerOf(envelope),
            kept: true,
          });
          if (receipt.status === 'rejected') {
            return { resolved: false, letter, reason: receipt.reason };
          }
          await storage.deleteDeadLetter(id);
          return { resolved: true, letter };
        }
        case 'packet': {
          const redeliver = packetSources.get(letter.source);
          if (content.truncated || !redeliver) {
            const reason = content.truncated
              ? 'only its beginning was kept'
              : `its source "${letter.source}" is not running`;
            return { resolved: false, letter, reason };
          }
          try {
            await redeliver(content.topic, Buffer.from(content.payload, 'base64'));
          } catch (error) {
            if (!(error instanceof EngineError) || error.retryable) throw error;
            return { resolved: false, letter, reason: error.message };
          }
          await storage.deleteDeadLetter(id);
          return { resolved: true, letter };
        }
        case 'delivery': {
          const again = { ...content.outbox, attempts: 0, notBefore: clock.now() };
          try {
            await storage.reviveDelivery(id, again);
          } finally {
            // It may have happened although nobody could say so
            core.reloadOutbox();
          }
          return { resolved: true, letter };
        }
      }
    },
  };
}
