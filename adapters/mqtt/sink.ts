import {
  type Clock,
  type DeliveryOutcome,
  type DeliveryRow,
  messageOf,
  type Sink,
} from '../../engine/index.ts';
import type { Outgoing } from './codec.ts';
import type { CodecSet } from './codec-set.ts';

/** The way to devices: through a broker elsewhere, or the embedded one. */
export interface Transport {
  /**
   * Begins to send at once, so that packets leave in the order of the calls, and resolves when it
   * knows what came of it. Bounded in time.
   */
  send(row: DeliveryRow, outgoing: Outgoing): DeliveryOutcome | Promise<DeliveryOutcome>;
}

export const SINK_NAME = 'mqtt';

/** Commands and desired states on their way to devices, each in the dialect of its twin. */
export function mqttSink(codecs: CodecSet, transport: Transport, clock: Clock): Sink {
  const send = (row: DeliveryRow): DeliveryOutcome | Promise<DeliveryOutcome> => {
    if (row.expiresAt !== null && row.expiresAt <= clock.now()) {
      return { status: 'retry', error: 'expired before it could be sent' };
    }
    const said = codecs.encode(row);
    if (said === null) return { status: 'delivered' };
    if ('unsayable' in said) {
      return said.later
        ? { status: 'retry', error: said.unsayable }
        : { status: 'refused', error: said.unsayable, hint: said.hint };
    }
    return transport.send(row, said);
  };
  // One that fails must not decide over the others
  const deliverOne = async (row: DeliveryRow): Promise<DeliveryOutcome> => {
    try {
      return await send(row);
    } catch (error) {
      return { status: 'retry', error: messageOf(error) };
    }
  };
  return {
    name: SINK_NAME,
    takes: ['command', 'desired'],
    deliver: (rows) => Promise.all(rows.map(deliverOne)),
  };
}
