import { Aedes, type Client } from 'aedes';
import { expect, it } from 'vitest';
import { boundSessions } from './session-memory.ts';

interface Persistence {
  addSubscriptions(client: object, subscriptions: object[]): Promise<void>;
  subscriptionsByTopic(topic: string): Promise<{ topic: string }[]>;
  incomingStorePacket(client: object, packet: object): Promise<void>;
  incomingGetPacket(client: object, packet: object): Promise<{ payload: Buffer }>;
}

async function open(mayKeep: (client: Client, filter: string) => boolean) {
  const broker = await Aedes.createBroker();
  boundSessions(broker, mayKeep);
  return {
    memory: (broker as Aedes & { persistence: Persistence }).persistence,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => broker.close(resolve)),
  };
}

it('keeps no messages of filters that were refused beside one that was not', async () => {
  await using broker = await open((_client, filter) => filter !== '#');
  const subscriptions = [
    { topic: 'own/#', qos: 1 },
    { topic: '#', qos: 1 },
  ];
  await broker.memory.addSubscriptions({ id: 'a' }, subscriptions);
  expect(await broker.memory.subscriptionsByTopic('own/x')).toMatchObject([{ topic: 'own/#' }]);
  expect(await broker.memory.subscriptionsByTopic('other/x')).toEqual([]);
});

it('remembers of a message that awaits its PUBREL the id, and not what it says', async () => {
  await using broker = await open(() => true);
  const packet = { cmd: 'publish', topic: 't', qos: 2, messageId: 7, payload: Buffer.alloc(9) };
  await broker.memory.incomingStorePacket({ id: 'a' }, packet);
  const kept = await broker.memory.incomingGetPacket({ id: 'a' }, packet);
  expect(kept.payload).toHaveLength(0);
});
