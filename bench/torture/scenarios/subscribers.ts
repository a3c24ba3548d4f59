import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { TOKEN } from '../../../api/e2e/homeostat-process.ts';
import { until, within } from '../patience.ts';
import { BOTH_BROKERS, BOTH_STORES, type Ground, type Scenario } from '../scenario.ts';
import { trouble } from '../trouble.ts';
import type { World } from '../world.ts';

/** Each stream may hold a few MB; without a bound it would hold tens. */
const MAX_RSS_MB = 450;
const SERVED_MS = 30_000;

interface Told {
  type: string;
  data?: { eventId?: string; resume?: string | null };
}

/** Live streams that are opened and never read, beside one that is. */
const deaf: Scenario = {
  name: 'deaf-subscribers',
  stores: BOTH_STORES,
  brokers: BOTH_BROKERS,
  run(ground, random) {
    // One home, so that everything is told to everybody
    const fleet = { homes: 1, thermostats: 12, relays: 6, sensors: 3 };
    const setting = { fleet, perSecond: 1_500, mostRssMb: MAX_RSS_MB };
    return trouble(ground, random, setting, async ({ world, devices, goOn }) => {
      const count = ground.size === 'short' ? 3 : 10;
      const sockets: WebSocket[] = [];
      for (let n = 0; n < count; n++) {
        const socket = await follow(world, ground, 'home0');
        socket.pause();
        sockets.push(socket);
        (await openStream(world, ground, 'home0')).pause();
      }
      const reader = await follow(world, ground, 'home0');
      let heard = 0;
      let resumed = 0;
      let hasLost = false;
      const ids = new Set<string>();
      reader.on('message', (data) => {
        heard++;
        const { type, data: told } = JSON.parse(String(data)) as Told;
        if (type === 'gap') hasLost = true;
        if (told?.eventId) ids.add(told.eventId);
        // On a busy machine it lags, too; it goes on where it was, as clients do
        if (type === 'lagged' && told?.resume) {
          const next = { action: 'subscribe', id: `again-${++resumed}`, home: 'home0' };
          const last = resumed === 1 ? 'all' : `again-${resumed - 1}`;
          reader.send(JSON.stringify({ action: 'unsubscribe', id: last }));
          reader.send(JSON.stringify({ ...next, resume: told.resume }));
        } else if (type === 'lagged') hasLost = true;
      });
      const amount = ground.size === 'short' ? 2_500 : 25_000;
      await goOn(amount, amount);
      const teller = devices.find(({ home }) => home === 'home0');
      if (!teller) throw new Error('there is no device');
      let id = '';
      hasLost = true;
      await until(SERVED_MS, 'who reads is served', async () => {
        // What memory has let go cannot be resumed: what is said after that must come
        if (hasLost) {
          hasLost = false;
          id = teller.nextId();
          await teller.report(teller.state(), id);
        }
        return ids.has(id);
      });
      // The short version ends before their buffers are full
      if (ground.size === 'full') await hearsOfItsLoss(random.pick(sockets));
      return { heard, resumed, deaf: 2 * count };
    });
  },
};

/** A WebSocket that follows a home. */
async function follow(world: World, { stack }: Ground, home: string): Promise<WebSocket> {
  const address = world.engine.url.replace('http', 'ws');
  const socket = new WebSocket(`${address}/v1/live?access_token=${TOKEN}`);
  socket.on('error', () => {}); // it is cut off in the end
  stack.defer(async () => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ action: 'subscribe', id: 'all', home }));
  return socket;
}

/** It begins to read, and is told that it has missed something: what it did not read was not kept. */
async function hearsOfItsLoss(socket: WebSocket): Promise<void> {
  const lagged = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const { type } = JSON.parse(String(data)) as { type: string };
      if (type === 'lagged') resolve();
    });
  });
  socket.resume();
  await within(SERVED_MS, 'who did not read is told of its loss', lagged);
}

/** Server-sent events of a home. */
async function openStream(world: World, { stack }: Ground, home: string): Promise<IncomingMessage> {
  const request = get(`${world.engine.url}/v1/homes/${home}/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  request.on('error', () => {});
  stack.defer(async () => void request.destroy());
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

export const subscribers: readonly Scenario[] = [deaf];
