/** Apps that follow a home over WebSocket: a process of its own. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { summary } from '../statistics.ts';

export type FollowOrder =
  | { type: 'follow'; url: string; token: string; home: string; clients: number }
  | { type: 'count'; seconds: number };

export interface FollowResult {
  /** Turns received by all of them, per second. */
  perSecond: number;
  /** From the moment of the event, as the engine stamped it, to the receipt, ms. */
  latency: { p50: number; p99: number; max: number };
  /** Turns that clients were told they had missed. */
  missed: number;
}

interface Said {
  type: string;
  data?: { at?: string; missed?: number };
}

let lags: number[] = [];
let missed = 0;

async function follow(order: FollowOrder & { type: 'follow' }): Promise<void> {
  for (let n = 0; n < order.clients; n++) {
    const socket = new WebSocket(order.url, {
      headers: { authorization: `Bearer ${order.token}` },
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    const subscribed = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        const { type, data: said } = JSON.parse(String(data)) as Said;
        if (type === 'twin' && said?.at) lags.push(Date.now() - Date.parse(said.at));
        if (type === 'lagged') missed += said?.missed ?? 0;
        if (type === 'subscribed') resolve();
      });
    });
    socket.send(JSON.stringify({ action: 'subscribe', id: 's', home: order.home }));
    await subscribed;
  }
}

async function count(seconds: number): Promise<FollowResult> {
  lags = [];
  missed = 0;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return { perSecond: lags.length / seconds, latency: summary(lags), missed };
}

async function obey(order: FollowOrder): Promise<FollowResult | null> {
  if (order.type === 'count') return count(order.seconds);
  await follow(order);
  return null;
}

process.on('message', (order: FollowOrder) => {
  obey(order).then(
    (result) => process.send?.({ type: 'done', result }),
    (error: unknown) => process.send?.({ type: 'failed', error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
