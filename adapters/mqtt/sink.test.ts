import { describe, expect, it } from 'vitest';
import { systemClock } from '../../engine/index.ts';
import { CodecSet } from './codec-set.ts';
import { homesyncCodec } from './codecs/homesync.ts';
import { nativeCodec } from './codecs/native.ts';
import { mqttSink } from './sink.ts';
import { commandRow, desiredRow } from './testing/fake-engine.ts';

const native = nativeCodec('homeostat');

function sinkTo(sent: string[], fail?: string) {
  return mqttSink(
    new CodecSet([native, homesyncCodec()], native),
    {
      send: async (row, { topic }) => {
        if (row.id === fail) throw new Error('broke');
        sent.push(topic);
        return { status: 'delivered' };
      },
    },
    systemClock,
  );
}

describe('the sink', () => {
  it('speaks to each twin in its dialect', async () => {
    const sent: string[] = [];
    const outcomes = await sinkTo(sent).deliver([
      commandRow('pump', 'a'),
      commandRow('fan', 'b', { via: 'homesync:node-3' }),
      desiredRow('trv', { targetTemperature: 20 }, 3),
    ]);
    expect(outcomes).toEqual(Array(3).fill({ status: 'delivered' }));
    expect(sent).toEqual([
      'homeostat/home/relay/pump/command',
      'homesync/home/nodes/node-3/command/relay',
      'homeostat/home/thermostat/trv/desired',
    ]);
  });

  it('answers for each delivery by itself', async () => {
    const sent: string[] = [];
    const outcomes = await sinkTo(sent, 'a').deliver([
      commandRow('pump', 'a'),
      commandRow('pump', 'b'),
      commandRow('fan', 'c', { via: 'homesync:n', name: 'dance' }),
      commandRow('lamp', 'd', { via: 'zigbee2mqtt:lamp' }),
      commandRow('lamp', 'e', { expiresAt: 1 }),
    ]);
    expect(outcomes).toEqual([
      { status: 'retry', error: 'broke' },
      { status: 'delivered' },
      {
        status: 'refused',
        error: expect.stringContaining('dance') as string,
        hint: 'It knows switch {on}.',
      },
      { status: 'retry', error: expect.stringContaining('no codec "zigbee2mqtt"') as string },
      { status: 'retry', error: expect.stringContaining('expired') as string },
    ]);
  });

  it('has nothing to say of desired states to gateways that keep none', async () => {
    const sent: string[] = [];
    const row = desiredRow('fan', { on: true }, 2);
    row.delivery.via = 'homesync:n';
    expect(await sinkTo(sent).deliver([row])).toEqual([{ status: 'delivered' }]);
    expect(sent).toEqual([]);
  });
});
