import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TwinRow } from '../../../engine/index.ts';
import { idLike } from '../../../engine/testing/ids.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';

const L1 = '/v1/homes/h1/twins/l1';

describe('twins', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  it('reads a twin in the shape of the contract', async () => {
    await api.post(`${L1}/events`, { type: 'telemetry', on: true, power: 20 });
    await api.post(`${L1}/commands`, { name: 'switch', args: { on: false } });
    const twin = await api.get(L1);
    expect(twin.status).toBe(200);
    expect(twin.headers.etag).toBe('"2"');
    expect(twin.body).toEqual({
      home: 'h1',
      id: 'l1',
      kind: 'lamp',
      name: 'Lamp',
      room: null,
      revision: 2,
      state: { power: 'on', load: 'normal' },
      reported: { on: true, power: 20 },
      desired: {},
      settings: { limit: 100 },
      timers: [
        {
          id: 'xstate.after.autoOff.lamp.power.on',
          due: '2026-01-05T00:10:00.000Z',
          event: { type: 'xstate.after.autoOff.lamp.power.on' },
          lateness: { policy: 'fire' },
        },
      ],
      leases: {},
      pending: [
        {
          id: idLike('h1/l1@2#0'),
          name: 'switch',
          args: { on: false },
          status: 'pending',
          createdAt: '2026-01-05T00:00:00.000Z',
          expiresAt: '2026-01-05T00:01:00.000Z',
        },
      ],
      lastEventAt: '2026-01-05T00:00:00.000Z',
      updatedAt: '2026-01-05T00:00:00.000Z',
    });
  });

  it('answers with "malformed" what its schema cannot even compare', async () => {
    const uncomparable = { length: { toString: 1 } };
    for (const answer of [
      await api.post(`${L1}/commands`, { name: uncomparable, args: {} }),
      await api.post('/v1/homes/h1/rules/check', { source: uncomparable }),
    ]) {
      const detail = expect.stringContaining('a "length" in here is an object');
      expect(answer.body).toMatchObject({ status: 400, code: 'malformed', detail });
    }
  });

  it('lists the others when one cannot be read, and says of that one what is wrong', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
    const { storage } = api.engine;
    const { listTwins, getTwin } = storage;
    // As after a change of the kind without a migration
    const spoil = <T extends TwinRow>(row: T): T =>
      row.twin === 'l1' ? { ...row, state: { ...row.state, value: 'gone' } } : row;
    storage.listTwins = async (...query) => {
      const page = await listTwins(...query);
      return { ...page, items: page.items.map(spoil) };
    };
    storage.getTwin = async (address) => {
      const row = await getTwin(address);
      return row && spoil(row);
    };
    const { items } = await api.get('/v1/homes/h1/twins');
    expect(items).toMatchObject([
      { id: 'l1', state: 'gone', reported: {} },
      { id: 'l2', settings: { limit: 100 } },
    ]);
    const alone = await api.get(L1);
    expect([alone.status, alone.body.code]).toEqual([500, 'state-unreadable']);
  });

  it('creates a twin with name, room and settings', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'corner', kind: 'nook' });
    const made = await api.post('/v1/homes/h1/twins', {
      id: 'l2',
      kind: 'lamp',
      name: 'Lampe für Ölbild',
      room: 'corner',
      settings: { limit: 40 },
    });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe('/v1/homes/h1/twins/l2');
    expect(made.body).toMatchObject({
      name: 'Lampe für Ölbild',
      room: 'corner',
      settings: { limit: 40 },
    });
    expect((await api.get('/v1/homes/h1/twins/corner')).body.reported).toEqual({
      members: ['l2'],
    });
  });

  it('makes a keyed creation once, and refuses an unkeyed second one', async () => {
    const call = { headers: { 'idempotency-key': 'k1' } };
    const wanted = { id: 'l2', kind: 'lamp' };
    const first = await api.post('/v1/homes/h1/twins', wanted, call);
    const second = await api.post('/v1/homes/h1/twins', wanted, call);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect((await api.post('/v1/homes/h1/twins', wanted)).status).toBe(409);
  });

  it.each([
    [{ id: 'x', kind: 'toaster' }, 422, 'unknown-kind'],
    [{ id: 'x', kind: 'lamp', room: 'l1' }, 422, 'bad-input'],
    [{ id: 'x', kind: 'lamp', room: 'nowhere' }, 422, 'bad-input'],
    [{ id: 'x', kind: 'lamp', settings: { limit: 0 } }, 422, 'bad-input'],
    [{ id: 'x', kind: 'lamp', settings: { type: 'timer.fired' } }, 400, 'malformed'],
    [{ id: '../x', kind: 'lamp' }, 400, 'malformed'],
    [{ kind: 'lamp' }, 400, 'malformed'],
    [{ id: 'x', kind: 'lamp', settings: null }, 400, 'malformed'],
  ])('refuses to create %j: %i %s', async (body, status, code) => {
    const answer = await api.post('/v1/homes/h1/twins', body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await api.get('/v1/homes/h1/twins/x')).status).toBe(404);
  });

  it('filters by kind, room, state and text, and pages', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'corner', kind: 'nook', name: 'Corner' });
    for (const id of ['l2', 'l3', 'l4']) {
      await api.post('/v1/homes/h1/twins', { id, kind: 'lamp', room: 'corner' });
    }
    await api.post('/v1/homes/h1/twins/l3/events', { type: 'telemetry', on: true });
    const idsFor = async (query: string) =>
      (await api.get(`/v1/homes/h1/twins?${query}`)).items.map(({ id }) => id);
    expect(await idsFor('kind=nook')).toEqual(['corner']);
    expect(await idsFor('room=corner')).toEqual(['l2', 'l3', 'l4']);
    expect(await idsFor('state=power.on')).toEqual(['l3']);
    expect(await idsFor('text=CORN')).toEqual(['corner']);
    expect(await idsFor('room=corner&state=power.off&limit=1')).toEqual(['l2']);
    expect(await idsFor('text=%25')).toEqual([]);
    const first = await api.get('/v1/homes/h1/twins?limit=3');
    expect(first.items.map(({ id }) => id)).toEqual(['corner', 'l1', 'l2']);
    expect(await idsFor(`limit=3&cursor=${first.body.nextCursor}`)).toEqual(['l3', 'l4']);
  });

  it('changes name, room and settings', async () => {
    const changed = await api.patch(L1, { name: 'New', settings: { limit: 50 } });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ name: 'New', settings: { limit: 50 }, revision: 2 });
    expect(changed.headers.etag).toBe('"2"');
    expect((await api.patch(L1, { room: null })).body.room).toBeNull();
  });

  it('changes all or nothing', async () => {
    const refused = await api.patch(L1, { name: 'New', settings: { limit: -1 } });
    expect(refused.status).toBe(422);
    expect((await api.get(L1)).body).toMatchObject({ name: 'Lamp', revision: 0 });
  });

  it.each([[{}], [{ nam: 'x' }], [{ name: '' }], [{ settings: { type: 'x' } }], [null], ['x']])(
    'refuses the change %j as malformed',
    async (body) => {
      expect((await api.patch(L1, body)).status).toBe(400);
    },
  );

  it('deletes a twin', async () => {
    expect((await api.delete(L1)).status).toBe(204);
    expect((await api.get(L1)).body.code).toBe('unknown-twin');
    expect((await api.delete(L1)).status).toBe(404);
  });

  it.each([
    ['/v1/homes/nowhere/twins', 'unknown-home'],
    ['/v1/homes/nowhere/twins/l1', 'unknown-twin'],
    ['/v1/homes/h1/twins/l2', 'unknown-twin'],
    ['/v1/homes/h1/twins/%C3%BC', 'unknown-twin'],
    ['/v1/homes/h1/twins/..%2F..%2Fetc', 'unknown-twin'],
    ['/v1/homes/h1/twins/a%2Fb', 'unknown-twin'],
    ['/v1/homes/h1/twins/%00', 'unknown-twin'],
    [`/v1/homes/h1/twins/${'x'.repeat(300)}`, 'unknown-twin'],
    ['/v1/homes/%F0%9F%8F%A0/twins', 'unknown-home'],
  ])('answers 404 for %s', async (url, code) => {
    const answer = await api.get(url);
    expect([answer.status, answer.body.code]).toEqual([404, code]);
  });

  it('answers 414 for an id that is longer than any can be', async () => {
    expect((await api.get(`/v1/homes/h1/twins/${'x'.repeat(2_000)}`)).status).toBe(414);
  });

  describe('revisions', () => {
    it('answers 304 for the revision that is known', async () => {
      const known = await api.get(L1, { headers: { 'if-none-match': '"0"' } });
      expect([known.status, known.text]).toEqual([304, '']);
      const weak = await api.get(L1, { headers: { 'if-none-match': 'W/"0", "7"' } });
      expect(weak.status).toBe(304);
      const other = await api.get(L1, { headers: { 'if-none-match': '"1"' } });
      expect(other.status).toBe(200);
    });

    it('changes only the revision that the sender has seen', async () => {
      const stale = await api.patch(L1, { name: 'x' }, { headers: { 'if-match': '"3"' } });
      expect([stale.status, stale.body.code]).toEqual([412, 'stale-revision']);
      const fresh = await api.patch(L1, { name: 'x' }, { headers: { 'if-match': '"0"' } });
      expect(fresh.status).toBe(200);
      const any = await api.patch(L1, { name: 'y' }, { headers: { 'if-match': '*' } });
      expect(any.status).toBe(200);
    });

    it('guards every way to change a twin', async () => {
      const headers = { 'if-match': '"9"' };
      const answers = [
        await api.patch(`${L1}/desired`, { on: true }, { headers }),
        await api.post(`${L1}/commands`, { name: 'switch', args: { on: true } }, { headers }),
        await api.post(`${L1}/events`, { type: 'telemetry', on: true }, { headers }),
        await api.delete(L1, { headers }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([412, 412, 412, 412]);
      expect((await api.get(L1)).body.revision).toBe(0);
    });

    it.each([
      ['abc', 400],
      ['"1", "2"', 400],
      ['W/"0"', 412],
      ['"abc"', 412],
      ['"-1"', 412],
      ['"99999999999999999999"', 412],
    ])('reads If-Match: %s as %i', async (ifMatch, status) => {
      const answer = await api.patch(L1, { name: 'x' }, { headers: { 'if-match': ifMatch } });
      expect(answer.status).toBe(status);
    });
  });
});
