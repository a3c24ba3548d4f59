import { describe, expect, it } from 'vitest';
import type { InboundPacket } from '../codec.ts';
import { commandRow, desiredRow } from '../testing/fake-engine.ts';
import { nativeCodec } from './native.ts';

const codec = nativeCodec('homeostat');
const decode = (path: string, payload: string | Buffer, more: Partial<InboundPacket> = {}) =>
  codec.decode({
    ...{
      topic: `homeostat/${path}`,
      payload: Buffer.from(payload),
      qos: 1,
      dup: false,
      replayed: false,
    },
    ...more,
  })[0];

describe('the native contract, from devices', () => {
  it('reads telemetry, and takes time and id out of it', () => {
    const sent = '{"temperature": 20.4, "valve": 35, "at": "2026-01-05T12:00:00Z", "id": "t-1"}';
    expect(decode('home/thermostat/trv/telemetry', sent)).toEqual({
      ...{ type: 'event', home: 'home', twin: 'trv', kind: 'thermostat' },
      event: { type: 'telemetry', temperature: 20.4, valve: 35 },
      at: Date.UTC(2026, 0, 5, 12),
      id: 't-1',
    });
    expect(decode('home/thermostat/trv/telemetry', '{"at": 1767614400000}')).toMatchObject({
      at: 1767614400000,
    });
  });

  it('does not let a measurement change what the event is', () => {
    expect(
      decode('home/sensor/s/telemetry', '{"type": "intent.acked", "humidity": 4}'),
    ).toMatchObject({
      event: { type: 'telemetry', humidity: 4 },
    });
  });

  it('reads events', () => {
    expect(decode('home/sensor/s/event', '{"type": "button.pressed", "count": 2}')).toMatchObject({
      event: { type: 'button.pressed', count: 2 },
    });
  });

  it.each([
    'intent.acked',
    'timer.fired',
    'twin.created',
    'alert.acknowledged',
    'member.joined',
    'home.changed',
    'desired.changed',
    'settings.changed',
    'command.requested',
    'ack',
    'status',
    'telemetry',
  ])('refuses the reserved event %s', (type) => {
    expect(decode('home/sensor/s/event', JSON.stringify({ type }))).toMatchObject({
      type: 'refused',
      error: `a device cannot send "${type}"`,
    });
  });

  it.each([
    ['online', true],
    ['offline', false],
    ['Online\n', true],
    ['"offline"', false],
    ['{"state":"online"}', true],
    ['{"online":false}', false],
  ])('reads the status %s', (payload, online) => {
    expect(decode('home/relay/r/status', payload)).toMatchObject({
      event: { type: 'status', online },
    });
  });

  it('reads acks, for the command that they name', () => {
    expect(decode('home/relay/r/ack', '{"id":"home/r@4#0","ok":true}')).toMatchObject({
      event: { type: 'ack', intent: 'home/r@4#0', ok: true },
    });
    expect(decode('home/relay/r/ack', '{"id":"x","ok":false,"error":"stuck"}')).toMatchObject({
      event: { type: 'ack', intent: 'x', ok: false, error: 'stuck' },
    });
  });

  it.each([
    ['home/relay/r/ack', '{"ok":true}', 'which command'],
    ['home/relay/r/ack', '{"id":"x","ok":"yes"}', 'which command'],
    ['home/relay/r/status', 'maybe', 'neither online nor offline'],
    ['home/relay/r/event', '{"count":1}', 'no type'],
    ['home/relay/r/telemetry', '{"id":{"a":1}}', 'id is unusable'],
    ['home/relay/r/telemetry', '[1]', 'an array'],
    ['home/relay/a b/telemetry', '{}', 'names no home'],
    [`home/relay/${'x'.repeat(65)}/telemetry`, '{}', 'names no home'],
  ])('refuses %s %s', (path, payload, error) => {
    const decoded = decode(path, payload);
    expect(decoded).toMatchObject({
      type: 'refused',
      error: expect.stringContaining(error) as string,
    });
    expect(decoded?.type === 'refused' && decoded.hint.length).toBeGreaterThan(10);
  });

  it.each(['home/telemetry', 'home/relay/r/telemetry/power', 'home/relay/r/temeletry'])(
    'does not know the topic %s',
    (path) => {
      expect(decode(path, '{}')).toMatchObject({ type: 'unknown-topic' });
    },
  );

  it('ignores what the engine says, what is cleared, and old occurrences that somebody retained', () => {
    const replayed = { replayed: true };
    for (const decoded of [
      decode('home/relay/r/command', '{}'),
      decode('home/relay/r/desired', '{}', replayed),
      decode('home/relay/r/status', ''),
      decode('home/relay/r/event', '{"type":"button.pressed"}', replayed),
      decode('home/relay/r/ack', '{"id":"x","ok":true}', replayed),
      decode('home/relay/r/telemetry', '', replayed),
    ]) {
      expect(decoded).toMatchObject({ type: 'ignored' });
    }
    expect(decode('home/relay/r/telemetry', '{"power":1}', replayed)).toMatchObject({
      type: 'event',
    });
  });
});

describe('the native contract, to devices', () => {
  const said = (row: Parameters<typeof codec.encode>[0]) => {
    const outgoing = codec.encode(row);
    return outgoing && 'topic' in outgoing
      ? { ...outgoing, payload: JSON.parse(outgoing.payload.toString()) as unknown }
      : outgoing;
  };

  it('says a command with the id to acknowledge and the time it ends', () => {
    const row = commandRow('pump', 'home/pump@3#0', { expiresAt: 1767614400000 });
    expect(said(row)).toEqual({
      topic: 'homeostat/home/relay/pump/command',
      payload: {
        id: 'home/pump@3#0',
        name: 'switch',
        args: { on: true },
        expiresAt: 1767614400000,
      },
      retain: false,
      receiver: 'homeostat/home/relay/pump',
    });
  });

  it('retains the desired state with its revision', () => {
    expect(said(desiredRow('trv', { targetTemperature: 21 }, 9))).toMatchObject({
      topic: 'homeostat/home/thermostat/trv/desired',
      payload: { revision: 9, desired: { targetTemperature: 21 } },
      retain: true,
    });
  });
});
