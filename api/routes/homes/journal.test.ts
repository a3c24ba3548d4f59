import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

const JOURNAL = '/v1/homes/h1/journal';
const MINUTE_MS = 60_000;

describe('the journal of a home', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
    api.clock.advance(MINUTE_MS);
    await api.post('/v1/homes/h1/twins', { id: 'hall', kind: 'nook' });
    api.clock.advance(MINUTE_MS);
    await api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', on: true });
    api.clock.advance(MINUTE_MS);
    await api.post('/v1/homes/h1/twins/l1/events', { type: 'remind' });
    api.clock.advance(MINUTE_MS);
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const read = async (query = '', call = {}) => {
    const { items } = await api.get(`${JOURNAL}${query}`, call);
    return items.map(({ twin, event }) => `${twin} ${(event as { type: string }).type}`);
  };

  it('shows the turns of all its twins, newest first', async () => {
    const { items, body } = await api.get(JOURNAL);
    expect(body.nextCursor).toBeNull();
    expect(items[1]).toMatchObject({
      twin: 'l1',
      revision: 1,
      event: { type: 'telemetry', on: true },
      receivedAt: '2026-01-05T00:02:00.000Z',
      reported: { on: true },
      principal: 'admin',
    });
    expect(await read()).toEqual([
      ...['l1 remind', 'l1 telemetry', 'hall twin.created', 'l1 twin.created'],
    ]);
  });

  it.each([
    ['?twin=hall', ['hall twin.created']],
    ['?kind=lamp', ['l1 remind', 'l1 telemetry', 'l1 twin.created']],
    ['?type=remind', ['l1 remind']],
    ['?principal=nobody', []],
    ['?changed=true', ['l1 telemetry', 'hall twin.created', 'l1 twin.created']],
    ['?changed=true&kind=lamp&from=2026-01-05T00:01:00Z', ['l1 telemetry']],
    ['?from=2026-01-05T00:01:00Z&to=2026-01-05T00:03:00Z', ['l1 telemetry', 'hall twin.created']],
    ['?twin=l1&to=2026-01-05T00:02:00Z', ['l1 twin.created']],
    ['?twin=l9', []],
  ])('%s narrows it', async (query, wanted) => {
    expect(await read(query)).toEqual(wanted);
  });

  it('comes in pages', async () => {
    const first = await api.get(`${JOURNAL}?limit=3`);
    const rest = await api.get(`${JOURNAL}?limit=3&cursor=${first.body.nextCursor}`);
    expect([first.items.length, rest.items.length, rest.body.nextCursor]).toEqual([3, 1, null]);
  });

  it.each(['cursor=x', 'limit=0', 'changed=perhaps', 'from=tomorrow', 'twin=', 'type=a&type=b'])(
    'refuses ?%s as malformed',
    async (query) => {
      expect((await api.get(`${JOURNAL}?${query}`)).status).toBe(400);
    },
  );

  it('hides what an author wrote from who may not read that', async () => {
    const source = 'rule: bell\ntriggers: [{webhook: ring}]\nactions: [{stop: true}]';
    await api.put('/v1/homes/h1/rules/bell', { source });
    const as = async (...scopes: string[]) => {
      const given = { home: 'h1', name: scopes.join(), scopes, expiresAt: null };
      const { secret } = await api.identity.keys.make(given, 'test');
      return { token: secret };
    };
    const whole = await as('home.explain', 'twin.explain', 'rules.read');
    expect(await read('?twin=bell', whole)).toContain('bell twin.created');
    const part = await as('home.explain', 'twin.explain');
    expect(await read('?twin=bell', part)).toEqual([]);
    expect(await read('?kind=rule', part)).toEqual([]);
    expect((await read('', part)).some((line) => line.startsWith('bell'))).toBe(false);
    const none = await api.get(JOURNAL, await as('home.explain'));
    expect([none.status, none.body.code]).toEqual([403, 'forbidden']);
  });

  it('is of a home that is there', async () => {
    expect((await api.get('/v1/homes/h9/journal')).body.code).toBe('unknown-home');
  });
});
