import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idLike } from '../../../../engine/testing/ids.ts';
import { ApiBench } from '../../../http/testing/api-bench.ts';

const L1 = '/v1/homes/h1/twins/l1';

describe('steering a twin', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  describe('what is held', () => {
    it('can be held against rules of a lower priority, and let go', async () => {
      expect((await api.patch(`${L1}/desired?holdSeconds=600`, { on: true })).status).toBe(200);
      expect((await api.get(L1)).body).toMatchObject({
        leases: { on: [{ holder: 'admin', priority: 50, value: true }] },
      });
      expect((await api.delete(`${L1}/leases?holder=nobody`)).body).toMatchObject({
        status: 'ignored',
        reason: 'nobody holds nothing of it',
      });
      expect((await api.delete(`${L1}/leases`)).body).toMatchObject({ status: 'accepted' });
      expect((await api.get(L1)).body).toMatchObject({ leases: {} });
    });

    it('tells who wants something else that it does not count yet, and why', async () => {
      const guard = { principal: 'guard', source: 'api' };
      await api.engine.desire({ home: 'h1', twin: 'l1' }, { on: false }, guard, 600_000);
      expect((await api.patch(`${L1}/desired`, { on: true })).body).toMatchObject({
        status: 'accepted',
        overruled: [{ keys: ['on'], by: 'guard', until: '2026-01-05T00:10:00.000Z' }],
      });
      expect((await api.get(L1)).body).toMatchObject({ desired: { on: false } });
      api.clock.advance(600_000);
      await api.engine.idle();
      expect((await api.get(L1)).body).toMatchObject({ desired: { on: true } });
      const free = await api.patch(`${L1}/desired`, { on: false });
      expect(free.body).not.toHaveProperty('overruled');
    });
  });

  describe('events', () => {
    it('answers with a receipt after the commit', async () => {
      const sent = await api.post(`${L1}/events`, { type: 'telemetry', power: 300 });
      expect(sent.status).toBe(200);
      expect(sent.headers.etag).toBe('"1"');
      expect(sent.body).toEqual({
        status: 'accepted',
        revision: 1,
        effects: [idLike('h1/l1@1#0')],
      });
    });

    it('does a keyed event once', async () => {
      const call = { headers: { 'idempotency-key': 'k1' } };
      await api.post(`${L1}/events`, { type: 'telemetry', power: 1 }, call);
      const again = await api.post(`${L1}/events`, { type: 'telemetry', power: 1 }, call);
      expect([again.status, again.body]).toEqual([
        200,
        { status: 'duplicate', revision: 1, effects: [] },
      ]);
    });

    it('says why it ignored a late event', async () => {
      await api.post(`${L1}/events`, { type: 'telemetry', power: 2, at: '2026-01-04T12:00:00Z' });
      const late = await api.post(`${L1}/events`, {
        type: 'telemetry',
        power: 1,
        at: Date.parse('2026-01-04T11:00:00Z'),
      });
      expect(late.body).toMatchObject({ status: 'ignored', reason: expect.any(String) });
      expect((await api.get(L1)).body.reported).toEqual({ power: 2 });
      const [item] = (await api.get(`${L1}/journal`)).items;
      expect(item).toMatchObject({ late: true, at: '2026-01-04T11:00:00.000Z' });
    });

    it('takes the receive time for an insane one', async () => {
      await api.post(`${L1}/events`, { type: 'telemetry', power: 2, at: '1970-01-01' });
      await api.post(`${L1}/events`, { type: 'telemetry', power: 3, at: 4102444800000 });
      const { items } = await api.get(`${L1}/journal`);
      expect(items.slice(0, 2).map(({ at }) => at)).toEqual([
        '2026-01-05T00:00:00.000Z',
        '2026-01-05T00:00:00.000Z',
      ]);
    });

    it.each([
      [{ type: 'telemetry', power: 'much' }, 422, 'bad-input'],
      [{ type: 'explode' }, 422, 'unknown-event'],
      [{ type: 'constructor' }, 422, 'unknown-event'],
      [{ power: 1 }, 400, 'malformed'],
      [{ type: '' }, 400, 'malformed'],
      [{ type: 7 }, 400, 'malformed'],
      [{ type: 'telemetry', at: 'yesterday' }, 400, 'malformed'],
      [{ type: 'telemetry', at: 'NaN' }, 400, 'malformed'],
      [{ type: 'telemetry', at: true }, 400, 'malformed'],
      [{ type: 'telemetry', at: '99999999999999999' }, 400, 'malformed'],
      [[], 400, 'malformed'],
      [null, 400, 'malformed'],
    ])('refuses %j: %i %s', async (body, status, code) => {
      const answer = await api.post(`${L1}/events`, body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect((await api.get(L1)).body.revision).toBe(0);
    });

    it('refuses numbers that no double can hold', async () => {
      const raw = { type: 'application/json', text: '{"type":"telemetry","power":1e999}' };
      expect((await api.post(`${L1}/events`, undefined, { raw })).status).toBe(422);
    });

    it.each([
      ['desired.changed', 'PATCH /v1/homes/h1/twins/l1/desired'],
      ['settings.changed', 'PATCH /v1/homes/h1/twins/l1'],
      ['command.requested', 'POST /v1/homes/h1/twins/l1/commands'],
      ['timer.fired', '/timers/{id}/fire'],
      ['alert.acknowledged', '/acknowledge'],
      ['intent.confirmed', 'Only the engine'],
      ['twin.created', 'Only the engine'],
      ['member.joined', 'Only the engine'],
      ['xstate.init', 'Only the engine'],
      ['ack', 'Send {"id"'],
    ])('refuses %s and says where it belongs', async (type, hint) => {
      const answer = await api.post(`${L1}/events`, { type, on: true });
      expect(answer.status).toBe(422);
      expect(answer.body.hint).toContain(hint);
    });

    it('answers 404 for a twin that does not exist', async () => {
      const url = '/v1/homes/h1/twins/l9/events';
      expect((await api.post(url, { type: 'telemetry' })).body.code).toBe('unknown-twin');
    });

    it('keeps what a faulty machine says to itself out of nobody’s way', async () => {
      const broken = await api.post(`${L1}/events`, { type: 'break' });
      expect([broken.status, broken.body.code]).toEqual([500, 'machine-failed']);
      expect(broken.text).not.toMatch(/at .*\.ts:/);
      expect((await api.post(`${L1}/events`, { type: 'remind' })).status).toBe(200);
    });

    it.each(['', ' ', 'a b', 'ü', 'x'.repeat(201)])(
      'refuses the Idempotency-Key "%s"',
      async (key) => {
        const headers = { 'idempotency-key': key };
        const answer = await api.post(`${L1}/events`, { type: 'remind' }, { headers });
        expect(answer.status).toBe(400);
      },
    );
  });

  describe('desired state', () => {
    it.each(['application/json', 'application/merge-patch+json'])('takes %s', async (type) => {
      const raw = { type, text: '{"on":true}' };
      const answer = await api.patch(`${L1}/desired`, undefined, { raw });
      expect(answer.body).toEqual({
        status: 'accepted',
        revision: 1,
        effects: [idLike('h1/l1@1#0')],
      });
      expect((await api.get(L1)).body.desired).toEqual({ on: true });
      const removed = { type, text: '{"on":null}' };
      await api.patch(`${L1}/desired`, undefined, { raw: removed });
      expect((await api.get(L1)).body.desired).toEqual({});
    });

    it('cannot be made into another event', async () => {
      const answer = await api.patch(`${L1}/desired`, { type: 'telemetry', power: 1 });
      expect(answer.status).toBe(400);
    });

    it('refuses what the kind cannot pursue', async () => {
      expect((await api.patch(`${L1}/desired`, { on: 'yes' })).status).toBe(422);
      await api.post('/v1/homes/h1/twins', { id: 'corner', kind: 'nook' });
      const nook = await api.patch('/v1/homes/h1/twins/corner/desired', { on: true });
      expect([nook.status, nook.body.code]).toEqual([422, 'unknown-event']);
      expect((await api.patch('/v1/homes/h1/twins/l9/desired', {})).status).toBe(404);
      expect((await api.patch(`${L1}/desired`, [1])).status).toBe(400);
    });
  });

  describe('commands', () => {
    it('answers 202 with the intent, which can be read by its escaped id', async () => {
      const sent = await api.post(`${L1}/commands`, { name: 'switch', args: { on: true } });
      expect(sent.status).toBe(202);
      const { id } = sent.body as { id: string };
      expect(sent.headers.location).toBe(`/v1/homes/h1/intents/${encodeURIComponent(id)}`);
      expect(sent.body).toMatchObject({ id: idLike('h1/l1@1#0'), status: 'pending', attempts: 0 });
      const read = await api.get(String(sent.headers.location));
      expect(read.body).toEqual(sent.body);
      await api.post(`${L1}/events`, { type: 'telemetry', on: true });
      expect((await api.get(String(sent.headers.location))).body).toMatchObject({
        status: 'confirmed',
        confirmedAt: '2026-01-05T00:00:00.000Z',
      });
    });

    it('sends a keyed command once', async () => {
      const call = { headers: { 'idempotency-key': 'k1' } };
      const wanted = { name: 'blink', args: { times: 3 } };
      const first = await api.post(`${L1}/commands`, wanted, call);
      const second = await api.post(`${L1}/commands`, wanted, call);
      expect([second.status, second.body]).toEqual([202, first.body]);
      expect((await api.get('/v1/homes/h1/intents')).items).toHaveLength(1);
    });

    it('refuses a key that was used for something else', async () => {
      const call = { headers: { 'idempotency-key': 'k1' } };
      await api.post(`${L1}/events`, { type: 'remind' }, call);
      const wanted = { name: 'blink', args: { times: 3 } };
      expect((await api.post(`${L1}/commands`, wanted, call)).status).toBe(409);
    });

    it('keeps to the ttl that the sender gives', async () => {
      const wanted = { name: 'switch', args: { on: true }, ttl: 1_000 };
      const sent = await api.post(`${L1}/commands`, wanted);
      expect(sent.body.expiresAt).toBe('2026-01-05T00:00:01.000Z');
      expect((await api.get(L1)).body.pending).toHaveLength(1);
      api.clock.advance(1_001);
      await api.engine.idle();
      expect((await api.get('/v1/homes/h1/intents?status=expired')).items).toHaveLength(1);
    });

    it.each([
      [{ name: 'dance' }, 422],
      [{ name: 'switch' }, 422],
      [{ name: 'switch', args: { on: 1 } }, 422],
      [{ name: 'toString' }, 422],
      [{ args: {} }, 400],
      [{ name: 'switch', args: [] }, 400],
      [{ name: 'switch', args: { on: true }, ttl: -1 }, 400],
      [{ name: 'switch', args: { on: true }, ttl: 1.5 }, 400],
    ])('refuses %j: %i', async (body, status) => {
      const answer = await api.post(`${L1}/commands`, body);
      expect(answer.status).toBe(status);
      expect((await api.get('/v1/homes/h1/intents')).items).toEqual([]);
    });

    it('lists intents newest first, by twin and status', async () => {
      await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
      await api.post(`${L1}/commands`, { name: 'switch', args: { on: true } });
      api.clock.advance(1);
      await api.post(`${L1}/commands`, { name: 'switch', args: { on: false } });
      api.clock.advance(1);
      await api.post('/v1/homes/h1/twins/l2/commands', { name: 'blink', args: { times: 1 } });
      const list = async (query: string) =>
        (await api.get(`/v1/homes/h1/intents?${query}`)).items.map(({ id }) => id);
      expect(await list('')).toEqual([
        idLike('h1/l2@1#0'),
        idLike('h1/l1@2#0'),
        idLike('h1/l1@1#0'),
      ]);
      expect(await list('twin=l1')).toEqual([idLike('h1/l1@2#0'), idLike('h1/l1@1#0')]);
      expect(await list('status=superseded')).toEqual([idLike('h1/l1@1#0')]);
      expect((await api.get('/v1/homes/h1/intents?status=lost')).status).toBe(400);
      const page = await api.get('/v1/homes/h1/intents?limit=2');
      expect(await list(`limit=2&cursor=${page.body.nextCursor}`)).toEqual([idLike('h1/l1@1#0')]);
    });

    it('answers 404 for intents that do not exist', async () => {
      for (const id of ['x', 'h1%2Fl1%409%230', '%2e%2e', '%E2%9C%93']) {
        expect((await api.get(`/v1/homes/h1/intents/${id}`)).body.code).toBe('not-found');
      }
      expect((await api.get('/v1/homes/h9/intents')).body.code).toBe('unknown-home');
      expect((await api.get('/v1/homes/h1/intents/%00')).status).toBe(400);
    });
  });

  describe('timers', () => {
    const timer = 'xstate.after.autoOff.lamp.power.on';
    beforeEach(() => api.post(`${L1}/events`, { type: 'telemetry', on: true }));

    it('lists them', async () => {
      expect((await api.get(`${L1}/timers`)).body).toEqual({
        items: [
          {
            id: timer,
            due: '2026-01-05T00:10:00.000Z',
            event: { type: timer },
            lateness: { policy: 'fire' },
          },
        ],
        nextCursor: null,
      });
    });

    it('fires one now', async () => {
      const fired = await api.post(`${L1}/timers/${timer}/fire`);
      expect([fired.status, fired.body.status]).toEqual([200, 'accepted']);
      expect((await api.get('/v1/homes/h1/intents')).items).toHaveLength(1);
      expect((await api.post(`${L1}/timers/${timer}/fire`)).body.code).toBe('not-found');
    });

    it('cancels one', async () => {
      expect((await api.delete(`${L1}/timers/${timer}`)).body.status).toBe('accepted');
      expect((await api.get(`${L1}/timers`)).items).toEqual([]);
      api.clock.advance(3_600_000);
      await api.engine.idle();
      expect((await api.get('/v1/homes/h1/intents')).items).toEqual([]);
      expect((await api.delete(`${L1}/timers/${timer}`)).status).toBe(404);
    });

    it('heeds If-Match', async () => {
      const headers = { 'if-match': '"0"' };
      expect((await api.delete(`${L1}/timers/${timer}`, { headers })).status).toBe(412);
      const fire = await api.post(`${L1}/timers/${timer}/fire`, undefined, { headers });
      expect(fire.status).toBe(412);
    });

    it('answers 404 for a twin that does not exist', async () => {
      expect((await api.get('/v1/homes/h1/twins/l9/timers')).status).toBe(404);
      expect((await api.post('/v1/homes/h1/twins/l9/timers/a%2Fb/fire')).status).toBe(404);
    });
  });

  describe('by a guest', () => {
    const password = 'correct horse battery staple';
    const join = async (role: 'owner' | 'guest') => {
      const { people, memberships } = api.identity;
      const email = `${role}@example.org`;
      const person = await people.make({
        email,
        password,
        name: role,
        language: 'en',
        isAdmin: false,
      });
      const twins = role === 'guest' ? ['l1'] : [];
      await memberships.add('h1', person.id, { role, twins, until: null }, person.id);
      const { accessToken: token } = await people.signIn(person, { address: null });
      return { token, id: person.id };
    };

    it('ends no hold of the owner, and its own', async () => {
      const owner = await join('owner');
      const guest = await join('guest');
      await api.patch(`${L1}/desired?holdSeconds=600`, { on: true }, owner);
      const holder = `person:${owner.id}`;
      const leases = async () => JSON.stringify((await api.get(L1)).body.leases);
      expect(await leases()).toContain(holder);
      const refused = await api.delete(`${L1}/leases?holder=${holder}`, guest);
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
      const event = { type: 'desired.released', holder };
      expect((await api.post(`${L1}/events`, event, guest)).status).toBe(422);
      expect((await api.delete(`${L1}/leases`, guest)).status).toBe(200);
      expect(await leases()).toContain(holder);
      const own = `person:${guest.id}`;
      expect((await api.delete(`${L1}/leases?holder=${own}`, guest)).status).toBe(200);
      expect((await api.delete(`${L1}/leases?holder=${holder}`, owner)).status).toBe(200);
      expect(await leases()).not.toContain(holder);
    });

    it.each([
      [{ type: 'telemetry', on: true }],
      [{ type: 'ack', intent: 'x', ok: true }],
      [{ type: 'status', online: true }],
    ])('says nothing for the device: %j', async (event) => {
      const guest = await join('guest');
      const answer = await api.post(`${L1}/events`, event, guest);
      expect([answer.status, answer.body.code]).toEqual([422, 'unknown-event']);
    });
  });
});
