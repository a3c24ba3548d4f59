/** Each message of a stream × everyone: shown where, and only where, the route that shows the same lets them in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiBench, TOKEN } from '../http/testing/api-bench.ts';
import { openFeed } from '../live/live-feed.ts';
import type { LiveMessage } from '../live/message.ts';
import { permissions } from './permissions.ts';
import { Rights } from './rights.ts';

const RULE =
  'rule: secretive\ntriggers: [{webhook: bell}]\nactions: [{notify: {title: a, message: b}}]';

let api: ApiBench;
const tokens = new Map<string, string>([['platform', TOKEN]]);
const ROLES = ['owner', 'admin', 'member', 'guest'] as const;
const CALLERS = [
  'platform',
  ...ROLES,
  'stranger',
  ...permissions.scopes.map((scope) => `key ${scope}`),
  'key',
];
/** What happens in the home, as somebody sees it who sees all. */
let told: LiveMessage[];
const shownTo = new Map<string, LiveMessage[]>();

beforeAll(async () => {
  api = await ApiBench.open();
  await api.furnish();
  const { people, memberships, keys } = api.identity;
  for (const name of [...ROLES, 'stranger'] as const) {
    const password = 'correct horse battery staple';
    const email = `${name}@example.org`;
    const person = await people.make({ email, password, name, language: 'en', isAdmin: false });
    if (name !== 'stranger') {
      const twins = name === 'guest' ? ['l1'] : [];
      await memberships.add('h1', person.id, { role: name, twins, until: null }, person.id);
    }
    tokens.set(name, (await people.signIn(person, { address: null })).accessToken);
  }
  const key = async (name: string, scopes: readonly string[]) => {
    const made = await keys.make(
      { home: 'h1', name, scopes: [...scopes], expiresAt: null },
      'test',
    );
    tokens.set(name, made.secret);
  };
  for (const scope of permissions.scopes) await key(`key ${scope}`, [scope]);
  await key('key', permissions.scopes);

  const feeds = await Promise.all(
    CALLERS.map(async (caller) => {
      const principal = await api.identity.principalOf(tokens.get(caller) ?? '');
      const rights = new Rights(api.identity, principal);
      return { caller, feed: openFeed(api.engine, { home: 'h1', snapshot: true }, rights) };
    }),
  );
  await api.put('/v1/homes/h1/rules/secretive', { source: RULE });
  await api.post('/v1/homes/h1/twins/l1/commands', { name: 'blink', args: { times: 1 } });
  await api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', power: 900 });
  await api.engine.tell({
    ...{ home: 'h1', twin: 'secretive', id: 'bell-1', dedupe: true, at: api.clock.now() },
    event: { type: 'webhook.called', hook: 'bell', body: { pin: '1234' } },
    ...{ principal: 'hook', ifUnknown: 'reject' },
  });
  await api.engine.idle();
  for (const { caller, feed } of feeds) {
    const messages: LiveMessage[] = [];
    const reading = (async () => {
      for await (const message of feed) messages.push(message);
    })();
    // What was told before it ends is still read
    await api.engine.readTwin({ home: 'h1', twin: 'l1' });
    await readAll(messages);
    feed[Symbol.dispose]();
    await reading;
    shownTo.set(caller, messages);
  }
  told = shownTo.get('platform') ?? [];
});
afterAll(() => api[Symbol.asyncDispose]());

/** Until nothing more comes: everything has been published already. */
async function readAll(messages: readonly LiveMessage[]): Promise<void> {
  for (let still = 0, count = -1; still < 50; still++) {
    if (messages.length !== count) still = 0;
    count = messages.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Where REST shows the same. */
function routeOf({ event, data }: LiveMessage): string | null {
  switch (event) {
    case 'snapshot':
    case 'twin':
      return `/v1/homes/h1/twins/${data.id}`;
    case 'intent':
      return `/v1/homes/h1/intents/${encodeURIComponent(data.id)}`;
    case 'alert':
      return `/v1/homes/h1/alerts/${encodeURIComponent(data.id)}`;
    default:
      return null;
  }
}

const isSame = (one: LiveMessage, other: LiveMessage) =>
  one.event === other.event &&
  routeOf(one) === routeOf(other) &&
  (one.event !== 'twin' || other.event !== 'twin' || one.data.revision === other.data.revision);

describe('a stream', () => {
  test('tells all kinds of messages to who may see all', () => {
    const kinds = new Set(told.map(({ event }) => event));
    expect(kinds).toEqual(
      new Set(['snapshot', 'snapshot.end', 'position', 'twin', 'intent', 'alert']),
    );
    expect(JSON.stringify(told)).toContain('pin');
  });

  test.each(CALLERS)('shows %s what the routes show them, and nothing else', async (caller) => {
    const call = { token: tokens.get(caller) ?? null };
    const shown = shownTo.get(caller) ?? [];
    for (const message of told) {
      const route = routeOf(message);
      if (route === null) continue;
      const isShown = shown.some((one) => isSame(one, message));
      expect([message.event, route, isShown]).toEqual([
        ...[message.event, route],
        (await api.get(route, call)).status === 200,
      ]);
    }
    for (const message of shown) {
      if (message.event !== 'twin') continue;
      const journal = await api.get(`/v1/homes/h1/twins/${message.data.id}/journal`, call);
      const { event, eventId, cause, correlation, effects } = message.data;
      const parts = [event, eventId, cause, correlation, effects];
      expect(parts.every((part) => part === undefined)).toBe(journal.status !== 200);
    }
  });

  test('shows a guest neither a rule’s source, nor what calls its webhook, nor what became of commands', () => {
    const text = JSON.stringify(shownTo.get('guest'));
    for (const secret of ['triggers', 'pin', '"event":"intent"'])
      expect(text).not.toContain(secret);
    expect(text).toContain('"alert"');
  });
});
