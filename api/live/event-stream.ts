/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../engine/index.ts';
import type { RightsWatch } from '../access/rights.ts';
import { problemOf } from '../problem.ts';
import { heartbeat } from './heartbeat.ts';
import type { LiveConnections } from './live-connections.ts';
import type { LiveFeed } from './live-feed.ts';
import type { PlacedMessage } from './message.ts';

/** Heartbeats that a reader may leave unread before it is cut off. */
const PATIENCE_BEATS = 4;
/** How soon a browser connects again, ms. */
const RETRY_MS = 2_000;
const GOODBYE_MS = 500;

export interface StreamSurroundings {
  clock: Clock;
  connections: LiveConnections;
  url: string;
  /** The account on which it counts: see `accountOf`. */
  account: string;
  /** Watches the reader's rights. */
  watch: (onLost: () => void) => RightsWatch;
}

/**
 * Writes a feed to a response until either side ends it. No more is in memory than what the feed
 * holds and one write: the next message is taken when the former has left.
 */
export async function streamEvents(
  raw: ServerResponse,
  feed: LiveFeed,
  { clock, connections, url, account, watch }: StreamSurroundings,
): Promise<void> {
  let unread = 0;
  const end = () => {
    feed[Symbol.dispose]();
    raw.end();
  };
  const watching = watch(() => {
    end();
    // Who does not read does not see that it ends
    setTimeout(() => raw.destroy(), GOODBYE_MS).unref();
  });
  // Since the door let it in, the store has been asked: what ended meanwhile was told to nobody here
  watching.look();
  const beats = heartbeat(clock, () => {
    watching.look();
    if (!raw.writableNeedDrain) {
      unread = 0;
      raw.write(': heartbeat\n\n');
      feed.mark();
    } else if (++unread >= PATIENCE_BEATS) raw.destroy();
  });
  const entry = connections.add({
    account,
    end,
    kill: () => raw.destroy(),
  });
  raw.once('close', () => feed[Symbol.dispose]());
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would hold messages back until its buffer is full
    'x-accel-buffering': 'no',
  });
  try {
    raw.write(`retry: ${RETRY_MS}\n`);
    await write(raw, { event: 'hello', data: { at: new Date(clock.now()).toISOString() } });
    for await (const message of feed) {
      if (raw.destroyed || raw.writableEnded) break;
      await write(raw, message);
    }
  } catch (error) {
    // The status has been sent; the client connects again by itself
    const { body } = problemOf(error, { method: 'GET', url });
    if (!raw.writableEnded) raw.write(`event: error\ndata: ${JSON.stringify(body)}\n\n`);
  } finally {
    beats[Symbol.dispose]();
    watching[Symbol.dispose]();
    end();
    if (raw.closed) entry[Symbol.dispose]();
    else raw.once('close', () => entry[Symbol.dispose]());
  }
}

/** Resolves when there is room for the next, or nobody there any more. */
async function write(raw: ServerResponse, { event, data, id }: PlacedMessage): Promise<void> {
  const place = id === undefined ? '' : `id: ${id}\n`;
  // Without data a browser takes note of the id, and dispatches nothing
  const told = event === 'position' ? '' : `event: ${event}\ndata: ${JSON.stringify(data)}\n`;
  if (raw.write(`${place}${told}\n`)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      raw.off('drain', done).off('close', done);
      resolve();
    };
    raw.on('drain', done).on('close', done);
    if (raw.closed || raw.writableEnded) done();
  });
}
