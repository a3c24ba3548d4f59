import {
  type DeliveryRow,
  type EventData,
  isName,
  type JsonObject,
  sendersOf,
} from '../../../engine/index.ts';
import {
  type Codec,
  type Decoded,
  type InboundPacket,
  ignored,
  type Outgoing,
  refused,
} from '../codec.ts';
import { deviceTime, readOnline, senderId } from '../device-words.ts';
import { readObject } from '../json-payload.ts';
import { DEVICE_CHANNELS } from '../native-topics.ts';

/** Homeostat's own contract: `{root}/{home}/{kind}/{twin}/{channel}`. */
export function nativeCodec(root: string): Codec {
  const prefix = `${root}/`;
  return {
    name: 'native',
    filters: [
      ...DEVICE_CHANNELS.map((channel) => ({ filter: `${root}/+/+/+/${channel}` })),
      // Topics of the wrong depth are reported as unknown. Not `{root}/#`: our own subscription
      // would count as a receiver of each command, and the broker could not tell us that none is there
      ...['+', '+/+', '+/+/+', '+/+/+/+/+/#'].map((rest) => ({ filter: `${root}/${rest}` })),
    ],
    matches: (topic) => topic.startsWith(prefix),
    decode: (packet) => [decode(packet, packet.topic.slice(prefix.length).split('/'))],
    encode: (row) => encode(row, root),
  };
}

function decode(packet: InboundPacket, levels: readonly string[]): Decoded {
  const [home = '', kind = '', twin = '', channel = ''] = levels;
  if (levels.length !== 4) {
    return unknown('Below the root come exactly four levels: {home}/{kind}/{twin}/{channel}.');
  }
  if (channel === 'command' || channel === 'desired')
    return ignored('what the engine itself sends');
  if (!isName(home) || !isName(twin) || !isName(kind)) {
    return refused(
      `"${home}/${kind}/${twin}" names no home, kind and twin`,
      'Each is 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit.',
    );
  }
  const where = { home, twin };
  const base = { type: 'event' as const, home, twin, kind };

  if (channel === 'status') {
    if (packet.payload.length === 0) return ignored('a cleared status');
    const online = readOnline(packet.payload);
    return online === null
      ? refused(
          'the status is neither online nor offline',
          'Send the text "online" or "offline".',
          where,
        )
      : { ...base, event: { type: 'status', online } };
  }
  if (channel !== 'telemetry' && channel !== 'event' && channel !== 'ack') {
    return unknown(
      `There is no channel "${channel}"; devices send to ${DEVICE_CHANNELS.join(', ')}.`,
    );
  }
  if (packet.replayed && packet.payload.length === 0) return ignored('a cleared topic');
  // An old button press or ack that somebody retained must not happen again
  if (packet.replayed && channel !== 'telemetry') return ignored(`a retained ${channel}`);

  const read = readObject(packet.payload);
  if (!read.ok) return refused(read.error, read.hint, where);
  if (channel === 'ack') return ack(base, read.value);
  return occurrence(base, channel, read.value);
}

type Base = { type: 'event'; home: string; twin: string; kind: string };

function occurrence(base: Base, channel: 'telemetry' | 'event', payload: JsonObject): Decoded {
  const { at, type } = payload;
  const id = senderId(payload.id);
  if (id === null) {
    return refused(
      'the id is unusable',
      '"id" is a text of up to 200 characters, or a number.',
      base,
    );
  }
  if (channel === 'event') {
    if (typeof type !== 'string' || type === '') {
      return refused(
        'the event has no type',
        'Say what happened: {"type": "button.pressed"}.',
        base,
      );
    }
    const channelHint = Object.hasOwn(elsewhere, type) ? elsewhere[type] : undefined;
    // Whatever the kind: what its own events let a device say, the engine asks when it knows the twin
    if (channelHint !== undefined || !sendersOf({ kind: base.kind }, type).includes('device')) {
      return refused(
        `a device cannot send "${type}"`,
        channelHint ?? 'The engine makes events of this type itself. Choose another name.',
        base,
      );
    }
    return { ...base, event: eventOf(type, payload), at: deviceTime(at), id };
  }
  return { ...base, event: eventOf('telemetry', payload), at: deviceTime(at), id };
}

/** The payload without what belongs to the envelope. A loop, as this runs for each message and a rest pattern is slow. */
function eventOf(type: string, payload: JsonObject): EventData {
  const event: EventData = { type };
  for (const [name, value] of Object.entries(payload)) {
    if (name !== 'type' && name !== 'at' && name !== 'id') event[name] = value;
  }
  return event;
}

const elsewhere: Record<string, string> = {
  ack: 'Acknowledge commands on the "ack" channel.',
  status: 'Tell your presence on the "status" channel.',
  telemetry: 'Send measurements on the "telemetry" channel.',
};

function ack(base: Base, { id, ok, error }: JsonObject): Decoded {
  if (typeof id !== 'string' || id === '' || typeof ok !== 'boolean') {
    return refused(
      'the ack does not say which command, or how it went',
      'Send {"id": <the command\'s id>, "ok": true}, or "ok": false with "error".',
      base,
    );
  }
  return {
    ...base,
    event: { type: 'ack', intent: id, ok, ...(typeof error === 'string' && { error }) },
  };
}

function unknown(hint: string): Decoded {
  return { type: 'unknown-topic', hint };
}

function encode(row: DeliveryRow, root: string): Outgoing | null {
  const { delivery } = row;
  const receiver = `${root}/${row.home}/${delivery.kind}/${row.twin}`;
  if (delivery.type === 'command') {
    const { name, args, expiresAt } = delivery;
    return {
      topic: `${receiver}/command`,
      payload: Buffer.from(JSON.stringify({ id: row.id, name, args, expiresAt })),
      retain: false,
      receiver,
    };
  }
  if (delivery.type !== 'desired') return null;
  const { desired, revision } = delivery;
  return {
    topic: `${receiver}/desired`,
    payload: Buffer.from(JSON.stringify({ revision, desired })),
    retain: true,
    receiver,
  };
}
