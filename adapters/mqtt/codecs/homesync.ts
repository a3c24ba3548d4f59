import { type DeliveryRow, isName, type JsonObject } from '../../../engine/index.ts';
import {
  type Codec,
  type Decoded,
  deviceOf,
  type InboundPacket,
  ignored,
  type Outgoing,
  refused,
  type Unsayable,
} from '../codec.ts';
import { deviceTime, onOff, readOnline, senderId } from '../device-words.ts';
import { readObject } from '../json-payload.ts';

const NAME = 'homesync';

/**
 * Metering relays that speak `homesync/{home}/nodes/{node}/…`. A response that names no command
 * answers the one that this process sent to the node last and that has no answer yet.
 */
export function homesyncCodec(): Codec {
  return new Homesync();
}

class Homesync implements Codec {
  readonly name = NAME;
  readonly filters = ['telemetry/+', 'response/+', 'status'].map((rest) => ({
    filter: `homesync/+/nodes/+/${rest}`,
  }));
  /** `home/node` → the command that waits for its response. */
  #asked = new Map<string, string>();

  matches(topic: string): boolean {
    return /^homesync\/[^/]+\/nodes\/[^/]+\//.test(topic);
  }

  decode(packet: InboundPacket): Decoded[] {
    const [, home = '', , node = '', ...rest] = packet.topic.split('/');
    const channel = rest.join('/');
    if (channel.startsWith('command/')) return [ignored('what the engine itself sends')];
    if (!isName(home) || !isName(node)) {
      return [
        refused(
          `"${home}/${node}" names no home and node`,
          'Use letters, digits, ".", "_" and "-".',
        ),
      ];
    }
    const base = {
      type: 'event' as const,
      home,
      twin: node,
      kind: 'relay',
      via: `${NAME}:${node}`,
    };
    if (channel === 'status') {
      if (packet.payload.length === 0) return [ignored('a cleared status')];
      const online = readOnline(packet.payload);
      if (online !== null) return [{ ...base, event: { type: 'status', online } }];
      return [
        refused('the status is neither online nor offline', 'Send "online" or "offline".', base),
      ];
    }
    if (channel !== 'telemetry/power' && channel !== 'response/command') {
      return [
        {
          type: 'unknown-topic',
          hint: 'Nodes send to telemetry/power, response/command and status.',
        },
      ];
    }
    const read = readObject(packet.payload);
    if (!read.ok) return [refused(read.error, read.hint, base)];
    if (channel === 'telemetry/power') return [telemetry(base, read.value)];
    return packet.replayed ? [ignored('a retained response')] : this.#response(base, read.value);
  }

  encode(row: DeliveryRow): Outgoing | Unsayable | null {
    const { delivery, home } = row;
    const node = deviceOf(delivery.via, NAME);
    if (delivery.type !== 'command' || node === null) return null;
    if (delivery.name !== 'switch' || typeof delivery.args.on !== 'boolean') {
      return {
        unsayable: `a homesync node has no command "${delivery.name}"`,
        hint: 'It knows switch {on}.',
        later: false,
      };
    }
    this.#asked.set(`${home}/${node}`, row.id);
    const receiver = `homesync/${home}/nodes/${node}`;
    const command = {
      id: row.id,
      command: delivery.args.on ? 'on' : 'off',
      expiresAt: delivery.expiresAt,
    };
    return {
      topic: `${receiver}/command/relay`,
      payload: Buffer.from(JSON.stringify(command)),
      retain: false,
      receiver,
    };
  }

  #response(base: Base, payload: JsonObject): Decoded[] {
    const key = `${base.home}/${base.twin}`;
    const intent = typeof payload.id === 'string' ? payload.id : this.#asked.get(key);
    const decoded: Decoded[] = [];
    if (intent === undefined) decoded.push(ignored('a response to nothing that was asked'));
    else {
      if (this.#asked.get(key) === intent) this.#asked.delete(key);
      const { error } = payload;
      decoded.push({
        ...base,
        event: {
          type: 'ack',
          intent,
          ok: succeeded(payload),
          ...(typeof error === 'string' && { error }),
        },
      });
    }
    const on = onOff(payload.state) ?? onOff(payload.relay);
    if (on !== undefined)
      decoded.push({ ...base, event: { type: 'telemetry', on }, at: timeOf(payload) });
    return decoded;
  }
}

type Base = { type: 'event'; home: string; twin: string; kind: string; via: string };

function telemetry(base: Base, payload: JsonObject): Decoded {
  const {
    at: _at,
    timestamp: _timestamp,
    id: givenId,
    type: _type,
    relay,
    state,
    ...measured
  } = payload;
  const id = senderId(givenId);
  if (id === null)
    return refused('the id is unusable', '"id" is a text of up to 200 characters.', base);
  const on = onOff(relay) ?? onOff(state);
  return {
    ...base,
    event: { ...measured, ...(on !== undefined && { on }), type: 'telemetry' },
    at: timeOf(payload),
    id,
  };
}

function timeOf({ at, timestamp }: JsonObject): number | undefined {
  return deviceTime(at ?? timestamp);
}

/** `ok`/`success` as booleans, or a `status` that speaks of failure; saying nothing is success. */
function succeeded({ ok, success, status, error }: JsonObject): boolean {
  if (typeof ok === 'boolean') return ok;
  if (typeof success === 'boolean') return success;
  if (typeof status === 'string') return /^(ok|success|done|executed|accepted)$/i.test(status);
  return error === undefined || error === null;
}
