import { Aedes, type Client } from 'aedes';
import { expect, it } from 'vitest';
import { boundSessions } from './session-memory.ts';

interface Persistence {
  addSubscriptions(client: object, subscriptions: object[]): Promise<void>;
  subscriptionsByTopic(topic: string): Promise<{ topic: string }[]>;
  outgoingEnqueue(session: object, packet: object): Promise<void>;
  outgoingClearMessageId(session: object, packet: object): Promise<unknown>;
  outgoingUpdate(session: object, packet: object): Promise<void>;
  outgoingStream(session: object): AsyncIterable<{ brokerCounter: number }>;
  incomingStorePacket(client: object, packet: object): Promise<void>;
  incomingGetPacket(client: object, packet: object): Promise<{ payload: Buffer }>;
}

async function open(mayKeep: (client: Client, filter: string) => boolean, mostInAll?: number) {
  const broker = await Aedes.createBroker();
  boundSessions(broker, mayKeep, mostInAll);
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

it('bounds all sessions together: the one with the most loses its oldest messages', async () => {
  await using broker = await open(() => true, 10_000);
  const { memory } = broker;
  let sent = 0;
  const send = (clientId: string) =>
    memory.outgoingEnqueue(
      { clientId },
      { cmd: 'publish', brokerId: 'b', brokerCounter: ++sent, payload: Buffer.alloc(744) },
    );
  const kept = async (id: string) => {
    const numbers: number[] = [];
    for await (const { brokerCounter } of memory.outgoingStream({ id }))
      numbers.push(brokerCounter);
    return numbers;
  };
  await send('few');
  for (let n = 0; n < 9; n++) await send('many');
  await send('few');
  expect(await kept('few')).toEqual([1, 11]);
  expect(await kept('many')).toEqual([6, 7, 8, 9, 10]);
  // What is acknowledged makes room again
  await memory.outgoingUpdate({ id: 'many' }, { brokerId: 'b', brokerCounter: 6, messageId: 1 });
  await memory.outgoingClearMessageId({ id: 'many' }, { messageId: 1 });
  for (let n = 0; n < 4; n++) await send('few');
  expect(await kept('many')).toEqual([7, 8, 9, 10]);
  expect(await kept('few')).toEqual([1, 11, 12, 13, 14, 15]);
});
