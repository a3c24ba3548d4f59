import { EventEmitter } from 'node:events';
import type { MqttClient } from 'mqtt';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeliveryOutcome, DeliveryRow } from '../../engine/index.ts';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import { ClientPublisher } from './client-publisher.ts';
import type { Outgoing } from './codec.ts';
import type { MessagePath, Publish } from './message-path.ts';
import { commandRow } from './testing/fake-engine.ts';

describe('publishing to a broker', () => {
  let clock: ManualClock;
  let client: EventEmitter & { serverProperties: NonNullable<MqttClient['serverProperties']> };
  let publisher: ClientPublisher;
  let sent: Publish[];
  let fails: Error | null;

  beforeEach(() => {
    clock = new ManualClock();
    client = Object.assign(new EventEmitter(), { serverProperties: {} });
    sent = [];
    fails = null;
    const path = {
      publish(packet: Publish) {
        if (fails) throw fails;
        return sent.push(packet);
      },
    };
    publisher = new ClientPublisher(
      client as unknown as MqttClient,
      path as unknown as MessagePath,
      clock,
    );
    client.emit('connect');
  });

  function send(topic: string, more: Partial<DeliveryRow> = {}, retain = false) {
    const outgoing: Outgoing = { topic, payload: Buffer.from('{}'), retain, receiver: topic };
    const row = { ...commandRow('pump', topic), expiresAt: null, ...more };
    return Promise.resolve<DeliveryOutcome>(publisher.send(row, outgoing));
  }

  it('sends the next in order when there is room, also past those whose time is over', async () => {
    client.serverProperties.receiveMaximum = 2;
    const soon = { expiresAt: clock.now() + 1_000 };
    const first = [send('a'), send('b')];
    const over = [send('c', soon), send('d', soon), send('e', soon)];
    const last = [send('f'), send('g')];
    clock.advance(2_000);
    publisher.answered(1, 0);
    expect((await Promise.all(over)).map(({ status }) => status)).toEqual(Array(3).fill('retry'));
    publisher.answered(2, 0);
    publisher.answered(3, 0);
    publisher.answered(4, 0);
    const outcomes = await Promise.all([...first, ...last]);
    expect(outcomes).toEqual(Array(4).fill({ status: 'delivered' }));
    expect(sent.map(({ topic }) => topic)).toEqual(['a', 'b', 'f', 'g']);
  });

  it('sends the next when the one before it cannot be written', async () => {
    client.serverProperties.receiveMaximum = 1;
    const first = send('a');
    const second = send('b');
    const third = send('c');
    fails = new Error('no room for it');
    publisher.answered(1, 0);
    await expect(second).rejects.toThrow('no room for it');
    await expect(third).rejects.toThrow('no room for it');
    expect(await first).toEqual({ status: 'delivered' });
  });

  it('counts what was under way when the connection ended, and not what had not been sent', async () => {
    client.serverProperties.receiveMaximum = 1;
    const outcomes = [send('a'), send('b')];
    client.emit('close');
    expect(await Promise.all(outcomes)).toEqual([
      { status: 'retry', error: 'the connection ended before the broker had answered' },
      { status: 'retry', error: 'not connected to the broker', scope: 'destination' },
    ]);
  });

  it.each([
    [0x00, { status: 'delivered' }],
    [0x10, { status: 'retry', error: 'nobody is subscribed to a' }],
    [0x80, { status: 'retry', error: 'the broker answers a with reason code 128' }],
    [0x87, { status: 'refused', error: 'the broker refuses a: not authorized' }],
    [0x95, { status: 'refused', error: 'the broker refuses a: packet too large' }],
  ])('takes reason code %i for what it is', async (code, wanted) => {
    const outcome = send('a');
    publisher.answered(1, code);
    expect(await outcome).toMatchObject(wanted);
  });

  it('refuses at once what the broker says that it does not take', async () => {
    expect(await send('a/#')).toMatchObject({ status: 'refused', error: '"a/#" is not a topic' });
    client.serverProperties.retainAvailable = false;
    expect(await send('a', {}, true)).toMatchObject({ error: 'the broker retains no messages' });
    client.serverProperties.maximumQoS = 0;
    expect(await send('a')).toMatchObject({ error: 'the broker takes nothing but QoS 0' });
    expect(sent).toEqual([]);
  });
});
