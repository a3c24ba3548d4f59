import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PacketSplitter } from './packet-splitter.ts';
import { packetOf } from './testing/packet.ts';

const PUBLISH = 3;
const PUBACK = 4;

function split(chunks: readonly Buffer[]) {
  const messages: Buffer[] = [];
  const others: Buffer[] = [];
  const acks: { id: number; code: number }[] = [];
  const flaws: string[] = [];
  const splitter = new PacketSplitter({
    onPublish: (bytes) => messages.push(bytes),
    onPuback: (id, code) => acks.push({ id, code }),
    onOther: (bytes) => others.push(bytes),
    onFlaw: ({ message }) => flaws.push(message),
  });
  for (const chunk of chunks) splitter.take(chunk);
  return { messages: Buffer.concat(messages), others: Buffer.concat(others), acks, flaws };
}

const ack = fc
  .record({
    id: fc.integer({ min: 1, max: 65_535 }),
    code: fc.integer({ min: 0, max: 255 }),
    /** Bytes of what comes after the reason code; null: there is none, and no code. */
    rest: fc.option(fc.integer({ min: 0, max: 300 })),
  })
  .map(({ id, code, rest }) => {
    const head = [id >> 8, id & 0xff];
    const body = rest === null ? head : [...head, code, ...Array<number>(rest).fill(7)];
    const known = { id, code: rest === null ? 0 : code };
    return { type: PUBACK, ack: known, bytes: packetOf(PUBACK, Buffer.from(body)) };
  });
const other = fc
  .record({ type: fc.integer({ min: 1, max: 15 }), size: fc.integer({ min: 0, max: 2_000 }) })
  .filter(({ type }) => type !== PUBACK)
  .map(({ type, size }) => ({
    ...{ type, ack: null },
    bytes: packetOf(type, Buffer.alloc(size, type * 16)),
  }));

it('gives each packet its way, whole and in order, however the bytes are cut', () => {
  const packets = fc.array(fc.oneof(ack, other));
  fc.assert(
    fc.property(packets, fc.integer({ min: 1, max: 500 }), (all, cut) => {
      const bytes = Buffer.concat(all.map((each) => each.bytes));
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += cut) chunks.push(bytes.subarray(at, at + cut));
      const { messages, others, acks, flaws } = split(chunks);
      const of = (is: (type: number) => boolean) =>
        Buffer.concat(all.filter(({ type }) => is(type)).map((each) => each.bytes));
      expect(messages.equals(of((type) => type === PUBLISH))).toBe(true);
      expect(others.equals(of((type) => type !== PUBLISH && type !== PUBACK))).toBe(true);
      expect(acks).toEqual(all.flatMap((each) => each.ack ?? []));
      expect(flaws).toEqual([]);
    }),
  );
});

it('reads nothing after a length that is none, or a PUBACK without a packet id', () => {
  const good = packetOf(PUBACK, Buffer.from([0, 1]));
  for (const flaw of ['32ffffffffff', '4000', '400109']) {
    const { acks, flaws } = split([good, Buffer.from(flaw, 'hex'), good]);
    expect(acks).toEqual([{ id: 1, code: 0 }]);
    expect(flaws).toEqual([expect.stringContaining('the broker has sent a')]);
  }
});

it('hands on a packet as far as it has come', () => {
  const large = packetOf(PUBLISH, Buffer.alloc(1_000, 1));
  expect(split([large.subarray(0, 500)]).messages).toEqual(large.subarray(0, 500));
});
