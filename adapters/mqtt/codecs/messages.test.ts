import { describe, expect, it } from 'vitest';
import { CodecSet } from '../codec-set.ts';
import { foreignMessageCodec, messageCodec } from './messages.ts';

const own = messageCodec('homeostat');
const foreign = foreignMessageCodec([
  { home: 'flat', filter: 'weather/#' },
  { home: 'shop', filter: 'weather/rain' },
]);
const codecs = new CodecSet([own, foreign], own);
const packet = (topic: string, payload: string | Buffer, replayed = false) => ({
  ...{ topic, payload: Buffer.from(payload), qos: 1 as const, dup: false, replayed, packetId: 1 },
});
const heard = (topic: string, payload: string | Buffer) =>
  codecs.of(topic)?.decode(packet(topic, payload));
const message = (home: string, topic: string, body: unknown) => ({
  ...{
    type: 'event',
    home,
    twin: 'home',
    speaker: 'message',
    event: { type: 'message', topic, body },
  },
});

describe('messages for the rules of a home', () => {
  it('are events of its twin, with JSON or the text', () => {
    expect(heard('homeostat/flat/messages/door/bell', '{"button": 1}')).toEqual([
      message('flat', 'door/bell', { button: 1 }),
    ]);
    expect(heard('homeostat/flat/messages/a', 'pressed')).toEqual([
      message('flat', 'a', 'pressed'),
    ]);
    expect(heard('homeostat/flat/messages/a', '')).toEqual([message('flat', 'a', '')]);
  });

  it('come from topics that the operator names, for each home that may hear them', () => {
    expect(codecs.of('other')).toBeUndefined();
    expect(codecs.of('homeostat/flat/sensor/hall/telemetry')).toBeUndefined();
    expect(codecs.wants('weather/wind')).toBe(true);
    expect(heard('weather/rain', '2')).toEqual([
      message('flat', 'weather/rain', 2),
      message('shop', 'weather/rain', 2),
    ]);
  });

  it('that were retained are not heard again', () => {
    expect(foreign.decode(packet('weather/snow', '2', true))).toMatchObject([{ type: 'ignored' }]);
  });

  it.each([
    ['homeostat/flat/messages/a', '[1e999]', 'a number is too large'],
    ['homeostat/flat/messages/a', Buffer.from([0xff, 0xfe]), 'the payload is not UTF-8'],
    ['homeostat/flat/messages/a', 'x'.repeat(65_537), 'the payload has 65537 bytes'],
    ['homeostat/-/messages/a', '1', 'the topic names no home and message'],
    ['homeostat/flat/messages', '1', 'the topic names no home and message'],
  ])('that cannot be stored are refused: %s', (topic, payload, error) => {
    expect(heard(topic, payload)).toMatchObject([
      { type: 'refused', error: expect.stringContaining(error), hint: expect.any(String) },
    ]);
  });
});
