import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameWatch } from './frame-watch.ts';
import { packetOf } from './testing/packet.ts';

it('sees every PUBACK, however the bytes are cut', () => {
  const puback = fc
    .integer({ min: 1, max: 65_535 })
    .map((id) => ({ id, bytes: packetOf(4, Buffer.from([id >> 8, id & 255])) }));
  const ping = fc.constant({ id: null, bytes: packetOf(12, Buffer.alloc(0)) });
  const publish = fc
    .integer({ min: 3, max: 20_000 })
    .map((size) => ({ id: null, bytes: packetOf(3, Buffer.alloc(size, 0x40)) }));
  const packet = fc.oneof(puback, ping, publish);
  fc.assert(
    fc.property(fc.array(packet), fc.integer({ min: 1, max: 5_000 }), (packets, cut) => {
      const seen: number[] = [];
      const watch = new FrameWatch(100_000, {
        onPuback: (id) => seen.push(id),
        onTooLarge: () => expect.unreachable(),
      });
      const bytes = Buffer.concat(packets.map((one) => one.bytes));
      for (let at = 0; at < bytes.length; at += cut) watch.see(bytes.subarray(at, at + cut));
      expect(seen).toEqual(packets.flatMap(({ id }) => (id === null ? [] : [id])));
    }),
  );
});

it('tells of a packet that is too large by its head alone', () => {
  const announced: number[] = [];
  const watch = new FrameWatch(1_000, {
    onPuback: () => expect.unreachable(),
    onTooLarge: (bytes) => announced.push(bytes),
  });
  watch.see(Buffer.from('c0003000', 'hex'));
  watch.see(Buffer.from('32ffffff', 'hex'));
  expect(announced).toEqual([]);
  watch.see(Buffer.from('7f40020001', 'hex'));
  expect(announced).toEqual([268_435_455]);
});
