import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PacketSplitter } from './packet-splitter.ts';

const PUBLISH = 3;
const PUBACK = 4;

/** A packet: type, remaining length in seven bits a byte, body. */
function packet(type: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest % 128) + (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from([type << 4, ...length]), body]);
}

function split(chunks: readonly Buffer[]): { messages: Buffer; others: Buffer } {
  const messages: Buffer[] = [];
  const others: Buffer[] = [];
  const splitter = new PacketSplitter(
    (bytes) => messages.push(bytes),
    (bytes) => others.push(bytes),
  );
  for (const chunk of chunks) splitter.take(chunk);
  return { messages: Buffer.concat(messages), others: Buffer.concat(others) };
}

it('gives each packet its way, whole and in order, however the bytes are cut', () => {
  const one = fc
    .record({ type: fc.integer({ min: 1, max: 15 }), size: fc.integer({ min: 0, max: 2_000 }) })
    .map(({ type, size }) => ({ type, bytes: packet(type, Buffer.alloc(size, type * 16)) }));
  fc.assert(
    fc.property(fc.array(one), fc.integer({ min: 1, max: 500 }), (packets, cut) => {
      const bytes = Buffer.concat(packets.map((each) => each.bytes));
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += cut) chunks.push(bytes.subarray(at, at + cut));
      const isMessage = ({ type }: { type: number }) => type === PUBLISH || type === PUBACK;
      const { messages, others } = split(chunks);
      const wanted = packets.filter(isMessage).map((each) => each.bytes);
      const left = packets.filter((each) => !isMessage(each)).map((each) => each.bytes);
      expect(messages.equals(Buffer.concat(wanted))).toBe(true);
      expect(others.equals(Buffer.concat(left))).toBe(true);
    }),
  );
});

it('leaves all that follows a length that is none to MQTT.js, which ends the connection', () => {
  const flaw = Buffer.from('32ffffffffff', 'hex');
  const ack = packet(PUBACK, Buffer.from([0, 1]));
  expect(split([ack, flaw, ack])).toEqual({ messages: ack, others: Buffer.concat([flaw, ack]) });
});

it('hands on a packet as far as it has come', () => {
  const large = packet(PUBLISH, Buffer.alloc(1_000, 1));
  expect(split([large.subarray(0, 500)]).messages).toEqual(large.subarray(0, 500));
});
