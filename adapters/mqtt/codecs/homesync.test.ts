import { beforeEach, describe, expect, it } from 'vitest';
import type { Codec } from '../codec.ts';
import { commandRow } from '../testing/fake-engine.ts';
import { homesyncCodec } from './homesync.ts';

let codec: Codec;
beforeEach(() => {
  codec = homesyncCodec();
});

const decode = (rest: string, payload: unknown, replayed = false) =>
  codec.decode({
    topic: `homesync/home/nodes/node-3/${rest}`,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    ...{ qos: 1, dup: false, replayed },
  });
const switchTo = (id: string, on: boolean) =>
  codec.encode(
    commandRow('node-3', id, { args: { on }, via: 'homesync:node-3', expiresAt: 1767614400000 }),
  );

describe('a homesync node', () => {
  it('reports power and its relay', () => {
    const payload = {
      ...{ power: 61.2, voltage: 229.8, current: 0.27, energy: 3.412, relay: 'on' },
      timestamp: '2026-01-05T12:00:00Z',
    };
    expect(decode('telemetry/power', payload)).toEqual([
      {
        ...{ type: 'event', home: 'home', twin: 'node-3', kind: 'relay', via: 'homesync:node-3' },
        event: {
          type: 'telemetry',
          power: 61.2,
          voltage: 229.8,
          current: 0.27,
          energy: 3.412,
          on: true,
        },
        at: Date.UTC(2026, 0, 5, 12),
        id: undefined,
      },
    ]);
  });

  it('tells whether it is there', () => {
    expect(decode('status', 'offline')).toMatchObject([
      { event: { type: 'status', online: false } },
    ]);
    expect(decode('status', 'asleep')).toMatchObject([{ type: 'refused', twin: 'node-3' }]);
  });

  it('is switched', () => {
    const outgoing = switchTo('home/node-3@2#0', true);
    expect(outgoing).toMatchObject({
      topic: 'homesync/home/nodes/node-3/command/relay',
      retain: false,
    });
    expect(JSON.parse(outgoing && 'topic' in outgoing ? outgoing.payload.toString() : '')).toEqual({
      id: 'home/node-3@2#0',
      command: 'on',
      expiresAt: 1767614400000,
    });
  });

  it('answers the command that it names, and says the new state', () => {
    expect(decode('response/command', { id: 'c9', success: true, state: 'off' })).toMatchObject([
      { event: { type: 'ack', intent: 'c9', ok: true } },
      { event: { type: 'telemetry', on: false } },
    ]);
  });

  it('answers the last command that has no answer, where it names none', () => {
    switchTo('first', true);
    switchTo('second', false);
    expect(decode('response/command', { status: 'error', error: 'relay stuck' })).toMatchObject([
      { event: { type: 'ack', intent: 'second', ok: false, error: 'relay stuck' } },
    ]);
    expect(decode('response/command', { status: 'ok' })).toMatchObject([{ type: 'ignored' }]);
  });

  it('is not heard twice for a retained response', () => {
    switchTo('first', true);
    expect(decode('response/command', { status: 'ok' }, true)).toMatchObject([{ type: 'ignored' }]);
  });

  it('knows no other topics and commands', () => {
    expect(decode('telemetry/mood', {})).toMatchObject([{ type: 'unknown-topic' }]);
    const row = commandRow('node-3', 'x', { name: 'dance', via: 'homesync:node-3' });
    expect(codec.encode(row)).toMatchObject({ later: false });
  });
});
