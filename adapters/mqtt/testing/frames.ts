/** MQTT 3.1.1 as bytes, written by hand so that they can be wrong. */
import fc from 'fast-check';
import { hostileText } from './hostile-json.ts';

/** CONNECT of a clean session that keeps alive for a minute. */
export function connectFrame(clientId: string): Buffer {
  return frame(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, 2, 0, 60]), text(clientId)]));
}

function text(given: string): Buffer {
  const bytes = Buffer.from(given).subarray(0, 65_535);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function frame(head: number, body: Buffer, claimed = body.length): Buffer {
  const length: number[] = [];
  let rest = claimed;
  do {
    length.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([head, ...length]), body]);
}

const topic = fc.oneof(
  fc.constantFrom(
    ...['homeostat/home/relay/pump/telemetry', 'homeostat/home/relay/pump/command', 'a/+/b', '#'],
    ...['$SYS/x', '', 'homeostat/#', '+/+', '/', 'homeostat/home/relay/pump/status', 'a\0b'],
  ),
  hostileText,
);
const packetId = fc.constantFrom(0, 1, 2, 65_535).map((id) => Buffer.from([id >> 8, id & 0xff]));
const bytes = fc.uint8Array({ maxLength: 40 }).map((given) => Buffer.from(given));
/** The first byte of a PUBLISH: at each QoS, sent again, to be retained; some flags contradict each other. */
const published = fc.constantFrom(...[0x30, 0x32, 0x32, 0x32, 0x33, 0x3a, 0x31, 0x34, 0x36, 0x3f]);

const publish = fc
  .tuple(published, topic, packetId, bytes)
  .map(([first, to, id, payload]) =>
    frame(first, Buffer.concat([text(to), ...((first & 6) === 0 ? [] : [id]), payload])),
  );
const subscribe = fc
  .tuple(fc.constantFrom(0x82, 0x82, 0x80), packetId, topic, fc.integer({ min: 0, max: 4 }))
  .map(([first, id, to, qos]) => frame(first, Buffer.concat([id, text(to), Buffer.from([qos])])));
const unsubscribe = fc
  .tuple(fc.constantFrom(0xa2, 0xa0), packetId, topic)
  .map(([first, id, to]) => frame(first, Buffer.concat([id, text(to)])));
/** CONNECT with a will, a name and a password, or with flags that contradict what follows. */
const connect = fc
  .tuple(fc.constantFrom('MQTT', 'MQIsdp', 'x', ''), fc.nat(255), fc.nat(255), topic, bytes)
  .map(([protocol, version, flags, to, will]) =>
    frame(
      0x10,
      Buffer.concat([
        text(protocol),
        Buffer.from([version, flags, 0, 60]),
        text('x'),
        text(to),
        will,
      ]),
    ),
  );
const answers = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.nat(15), fc.oneof(packetId, bytes))
  .map(([type, flags, body]) => frame((type << 4) | flags, body));
/** A length that is not that of the body: the next frame begins elsewhere, or never. */
const misfit = fc
  .tuple(published, topic, fc.constantFrom(0, 1, 2, 5, 127, 128, 5_000_000, 268_435_455))
  .map(([first, to, claimed]) => frame(first, text(to), claimed));
const endless = fc.constant(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]));

const whole = fc.oneof(
  publish,
  publish,
  publish,
  publish,
  subscribe,
  unsubscribe,
  connect,
  answers,
  misfit,
  endless,
);

/** Frames of which some are cut short or have bytes changed. */
export const hostileFrame: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 6, arbitrary: whole },
  { weight: 1, arbitrary: bytes },
  {
    weight: 2,
    arbitrary: fc
      .tuple(whole, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([given, part]) => given.subarray(0, Math.floor(given.length * part))),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(whole, fc.nat(50), fc.nat(255)).map(([given, at, byte]) => {
      const changed = Buffer.from(given);
      changed[at % changed.length] = byte;
      return changed;
    }),
  },
);
