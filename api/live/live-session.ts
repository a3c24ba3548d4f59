import type { WebSocket } from '@fastify/websocket';
import { z } from 'zod';
import {
  type Engine,
  GAP_REASONS,
  mustReadHome,
  parsePosition,
  parseSafely,
} from '../../engine/index.ts';
import type { Rights } from '../access/rights.ts';
import { type ProblemCode, problemOf, Refusal } from '../problem.ts';
import { heartbeat } from './heartbeat.ts';
import type { LiveConnections } from './live-connections.ts';
import { type LiveFeed, openFeed } from './live-feed.ts';
import type { LiveMessage } from './message.ts';

const MAX_SUBSCRIPTIONS = 32;
/** More than an app has to say that opens all its views at once. */
const MAX_MESSAGES_PER_SECOND = 100;
/** Unread bytes from which on the feeds wait. */
const HIGH_WATER = 1024 * 1024;
/** Unread bytes at which a client that goes on asking is cut off. */
const CUT_OFF = 4 * HIGH_WATER;
/** RFC 6455 §7.4.1 */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
/** How long the closing handshake may take. */
const GOODBYE_MS = 500;

const SubscriptionId = z.string().min(1).max(100);
const ClientMessage = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('subscribe'),
    id: SubscriptionId,
    home: z.string().max(64),
    kind: z.string().max(64).optional(),
    twin: z.string().max(64).optional(),
    snapshot: z.boolean().default(false),
    resume: z.string().max(64).optional(),
  }),
  z.strictObject({ action: z.literal('unsubscribe'), id: SubscriptionId }),
  z.strictObject({ action: z.literal('ping') }),
]);
type ClientMessage = z.infer<typeof ClientMessage>;
type Filter = Omit<ClientMessage & { action: 'subscribe' }, 'action' | 'id'>;

interface Following {
  home: string;
  /** Null until it is known that the client may follow the home. */
  feed: LiveFeed | null;
}

/** Each carries the id of the subscription that it belongs to, where it belongs to one. */
export type ServerMessage =
  | { type: 'subscribed' | 'unsubscribed'; subscription: string }
  | { type: 'pong' }
  | { type: 'error'; subscription?: string; code: ProblemCode; message: string; hint?: string }
  | { type: LiveMessage['event']; subscription?: string; id?: string; data: LiveMessage['data'] };

/**
 * One WebSocket client and what it follows. What it does not read is bounded: the feeds wait for
 * room and lag, and a client that answers no ping is cut off.
 */
export class LiveSession {
  #feeds = new Map<string, Following>();
  #heard = { second: 0, messages: 0 };
  readonly #socket: WebSocket;
  readonly #engine: Engine;
  readonly #rights: Rights;

  constructor(socket: WebSocket, engine: Engine, connections: LiveConnections, rights: Rights) {
    this.#socket = socket;
    this.#engine = engine;
    this.#rights = rights;
    const entry = connections.add({
      account: rights.account,
      end: () => socket.close(GOING_AWAY, 'the server stops'),
      kill: () => socket.terminate(),
    });
    let answered = true;
    const watch = rights.watch(
      () => [...this.#feeds.values()].map(({ home }) => home),
      () => this.#shutOut('you may not follow this any more'),
    );
    const beats = heartbeat(engine.clock, () => {
      watch.look();
      if (!answered) return socket.terminate();
      answered = false;
      socket.ping();
      for (const { feed } of this.#feeds.values()) feed?.mark();
    });
    socket.on('pong', () => {
      answered = true;
    });
    socket.on('message', (data) => {
      if (socket.readyState !== socket.OPEN) return;
      if (this.#isTooMuch()) this.#shutOut('too many messages in a second');
      else this.#hear(String(data));
    });
    socket.on('close', () => {
      beats[Symbol.dispose]();
      watch[Symbol.dispose]();
      entry[Symbol.dispose]();
      this.#giveUpAll();
    });
    const at = new Date(engine.clock.now()).toISOString();
    this.#answer({ type: 'hello', data: { at } });
  }

  /** Counts a message. */
  #isTooMuch(): boolean {
    const second = Math.floor(this.#engine.clock.now() / 1_000);
    if (second !== this.#heard.second) this.#heard = { second, messages: 0 };
    return ++this.#heard.messages > MAX_MESSAGES_PER_SECOND;
  }

  #hear(text: string): void {
    let message: ClientMessage;
    try {
      const parsed = parseSafely(ClientMessage, JSON.parse(text));
      if (!parsed.success) throw parsed.error;
      message = parsed.data;
    } catch (error) {
      this.#answer({ type: 'error', ...flawOf(error) });
      return;
    }
    switch (message.action) {
      case 'ping':
        this.#answer({ type: 'pong' });
        break;
      case 'unsubscribe':
        this.#unsubscribe(message.id);
        break;
      case 'subscribe':
        this.#subscribe(message);
        break;
    }
  }

  #unsubscribe(id: string): void {
    const followed = this.#feeds.get(id);
    if (!followed) {
      this.#refuse(id, new Refusal('not-found', `there is no subscription "${id}"`));
      return;
    }
    this.#feeds.delete(id);
    followed.feed?.[Symbol.dispose]();
    this.#answer({ type: 'unsubscribed', subscription: id });
  }

  #subscribe({ action: _action, id, ...filter }: ClientMessage & { action: 'subscribe' }): void {
    if (this.#feeds.has(id)) {
      const hint = 'Unsubscribe first, or choose another id.';
      this.#refuse(id, new Refusal('conflict', `"${id}" is subscribed already`, { hint }));
      return;
    }
    if (this.#feeds.size >= MAX_SUBSCRIPTIONS) {
      const detail = `a connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`;
      const hint = 'Subscribe to the home as a whole, or open another connection.';
      this.#refuse(id, new Refusal('overloaded', detail, { hint }));
      return;
    }
    if (filter.resume !== undefined && parsePosition(filter.resume) === null) {
      const hint = 'Give the `id` of the last message, or leave `resume` out and read the twins.';
      this.#refuse(id, new Refusal('malformed', `resume: ${GAP_REASONS.malformed}`, { hint }));
      return;
    }
    const following = { home: filter.home, feed: null };
    this.#feeds.set(id, following);
    // Its failures have been told to the client
    void this.#pump(id, filter, following);
  }

  /** Sends a feed until it ends. */
  async #pump(id: string, filter: Filter, following: Following): Promise<void> {
    // It may have been given up while somebody was asked
    const isOver = () => this.#feeds.get(id) !== following;
    try {
      await this.#rights.assertMayFollow(filter.home);
      await mustReadHome(this.#engine, filter.home);
      if (isOver()) return;
      // Not before: what is followed costs the engine something, and the others in the home
      const feed = openFeed(this.#engine, filter, this.#rights);
      following.feed = feed;
      this.#answer({ type: 'subscribed', subscription: id });
      for await (const { event, id: place, data } of feed) {
        if (isOver()) return;
        const placed = place !== undefined && { id: place };
        await this.#push({ type: event, subscription: id, ...placed, data });
      }
    } catch (error) {
      if (!isOver()) this.#refuse(id, error);
    } finally {
      following.feed?.[Symbol.dispose]();
      if (!isOver()) this.#feeds.delete(id);
    }
  }

  /** Nothing more is sent, and who does not go is cut off. */
  #shutOut(because: string): void {
    this.#giveUpAll();
    this.#socket.close(POLICY_VIOLATION, because);
    setTimeout(() => this.#socket.terminate(), GOODBYE_MS).unref();
  }

  #giveUpAll(): void {
    for (const { feed } of this.#feeds.values()) feed?.[Symbol.dispose]();
    this.#feeds.clear();
  }

  /** Resolves when there is room for more. */
  async #push(message: ServerMessage): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    const text = JSON.stringify(message);
    if (socket.bufferedAmount < HIGH_WATER) socket.send(text);
    else await new Promise<void>((resolve) => socket.send(text, () => resolve()));
  }

  #refuse(subscription: string, error: unknown): void {
    this.#answer({ type: 'error', subscription, ...flawOf(error) });
  }

  #answer(message: ServerMessage): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > CUT_OFF) socket.terminate();
    else socket.send(JSON.stringify(message));
  }
}

function flawOf(error: unknown): { code: ProblemCode; message: string; hint?: string } {
  if (error instanceof SyntaxError) return { code: 'malformed', message: 'this is not JSON' };
  if (error instanceof z.ZodError) {
    const flaws = error.issues.map(
      ({ path, message }) => `${path.join('.') || '(all)'}: ${message}`,
    );
    return {
      code: 'malformed',
      message: flaws.join('; '),
      hint: 'Send {"action": "subscribe", "id": …, "home": …}, "unsubscribe" with the id, or "ping".',
    };
  }
  const { code, detail, hint } = problemOf(error, { method: 'GET', url: '' }).body;
  return { code: code as ProblemCode, message: detail, ...(hint !== undefined && { hint }) };
}
