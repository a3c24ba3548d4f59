import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';

describe('homes', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('creates, reads, changes and deletes a home', async () => {
    const made = await api.post('/v1/homes', { id: 'van', timezone: 'Europe/Lisbon' });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe('/v1/homes/van');
    expect(made.body).toEqual({
      id: 'van',
      name: 'van',
      timezone: 'Europe/Lisbon',
      createdAt: '2026-01-05T00:00:00.000Z',
    });
    const changed = await api.patch('/v1/homes/van', { name: 'The van' });
    expect(changed.body).toMatchObject({ name: 'The van', timezone: 'Europe/Lisbon' });
    expect((await api.get('/v1/homes/van')).body).toEqual(changed.body);
    expect((await api.delete('/v1/homes/van')).status).toBe(204);
    expect((await api.get('/v1/homes/van')).body.code).toBe('unknown-home');
    expect((await api.delete('/v1/homes/van')).status).toBe(404);
    expect((await api.patch('/v1/homes/van', { name: 'x' })).status).toBe(404);
  });

  it('gives a home without a timezone the server’s', async () => {
    expect((await api.post('/v1/homes', { id: 'h' })).body.timezone).toBe('UTC');
  });

  it('refuses a second home of the same id, but not the repetition of a keyed request', async () => {
    const call = { headers: { 'idempotency-key': 'k1' } };
    expect((await api.post('/v1/homes', { id: 'h' }, call)).status).toBe(201);
    expect((await api.post('/v1/homes', { id: 'h' }, call)).status).toBe(200);
    expect((await api.post('/v1/homes', { id: 'h', name: 'other' }, call)).status).toBe(409);
    const again = await api.post('/v1/homes', { id: 'h' });
    expect(again.status).toBe(409);
    expect(again.body.code).toBe('conflict');
  });

  it('pages through homes without missing or repeating any', async () => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) await api.post('/v1/homes', { id });
    const seen: unknown[] = [];
    let cursor: unknown = '';
    while (cursor !== null) {
      const query = cursor === '' ? 'limit=2' : `limit=2&cursor=${cursor}`;
      const page = await api.get(`/v1/homes?${query}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it.each([
    ['no id', {}],
    ['an id that no topic could carry', { id: 'a/b' }],
    ['an empty id', { id: '' }],
    ['an id of 65 characters', { id: 'x'.repeat(65) }],
    ['a control character in the name', { id: 'h', name: 'a\u0000b' }],
    ['a member that does not exist', { id: 'h', timezon: 'UTC' }],
    ['a list', []],
    ['a number', 7],
  ])('refuses a new home with %s as malformed', async (_what, body) => {
    const answer = await api.post('/v1/homes', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors).not.toEqual([]);
  });

  it('refuses a timezone that nobody knows, as the engine says it', async () => {
    const answer = await api.post('/v1/homes', { id: 'h', timezone: 'Mars/Olympus' });
    expect(answer.status).toBe(422);
    expect((await api.get('/v1/homes')).items).toEqual([]);
  });

  it.each(['limit=0', 'limit=-1', 'limit=NaN', 'limit=1e9', 'limit=', 'limit=2.5', 'cursor=bogus'])(
    'refuses ?%s as malformed',
    async (query) => {
      expect((await api.get(`/v1/homes?${query}`)).status).toBe(400);
    },
  );

  it('refuses a change that changes nothing', async () => {
    await api.post('/v1/homes', { id: 'h' });
    expect((await api.patch('/v1/homes/h', {})).status).toBe(400);
  });
});
