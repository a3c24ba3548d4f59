import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../http/testing/api-bench.ts';

const MINUTE_MS = 60_000;
let api: ApiBench;

beforeEach(async () => {
  api = await ApiBench.open();
  await api.furnish();
});
afterEach(() => api[Symbol.asyncDispose]());

const free = { token: null };
const code = async (body: object = {}) =>
  (await api.post('/v1/homes/h1/claim-codes', body)).body['code'];
const claim = async (body: object) => api.post('/v1/devices/claim', body, free);
const enrol = async (serial: string) => {
  const token = await api.post('/v1/factory-tokens', {
    ...{ name: 'Lot 7', kind: 'lamp', uses: 10, expiresAt: api.clock.now() + MINUTE_MS },
  });
  const made = await api.post('/v1/devices/enrol', { token: token.body['secret'], serial }, free);
  expect(made.status).toBe(201);
  return made.body as { secret: string; code: string };
};

describe('the secret of a twin’s device', () => {
  it('is shown once, and lets it read its twin', async () => {
    const made = await api.post('/v1/homes/h1/twins/l1/secret');
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      username: 'h1/l1',
      broker: { url: 'mqtt://broker.test:1883', root: 'homeostat' },
    });
    const token = String(made.body['secret']);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).status).toBe(200);
    expect((await api.get('/v1/homes/h1', { token })).status).toBe(403);
    expect((await api.delete('/v1/homes/h1/twins/l1/secret')).status).toBe(204);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).status).toBe(401);
    expect((await api.delete('/v1/homes/h1/twins/l1/secret')).status).toBe(404);
  });

  it('ends with the twin', async () => {
    const made = await api.post('/v1/homes/h1/twins/l1/secret');
    await api.delete('/v1/homes/h1/twins/l1');
    await api.post('/v1/homes/h1/twins', { id: 'l1', kind: 'lamp' });
    const token = String(made.body['secret']);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).status).toBe(401);
  });

  it('is for a twin that is there', async () => {
    expect((await api.post('/v1/homes/h1/twins/nobody/secret')).status).toBe(404);
  });
});

describe('a claim code', () => {
  it('lets a new device in, once', async () => {
    const made = await api.post('/v1/homes/h1/claim-codes', { minutes: 5 });
    expect(made.body['url']).toContain(`/v1/devices/claim?code=${String(made.body['code'])}`);
    const body = { code: made.body['code'], id: 'l2', kind: 'lamp', name: 'Bath' };
    const device = await claim(body);
    expect(device.status).toBe(201);
    expect(device.body).toMatchObject({ home: 'h1', twin: 'l2', username: 'h1/l2' });
    expect((await api.get('/v1/homes/h1/twins/l2')).body).toMatchObject({ name: 'Bath' });
    expect((await claim({ ...body, id: 'l3' })).status).toBe(401);
  });

  it('counts again after a mistake', async () => {
    const made = await code();
    expect((await claim({ code: made, id: 'l2', kind: 'toaster' })).status).toBe(422);
    expect((await claim({ code: made, id: 'l2', kind: 'lamp' })).status).toBe(201);
  });

  it('makes nobody a device that is there already', async () => {
    expect((await claim({ code: await code(), id: 'l1', kind: 'lamp' })).status).toBe(409);
  });

  it('brings a device back to its twin after a reset, with its history', async () => {
    await api.post('/v1/homes/h1/twins/l1/events', { type: 'telemetry', power: 7 });
    const { revision } = (await api.get('/v1/homes/h1/twins/l1')).body;
    const former = await api.post('/v1/homes/h1/twins/l1/secret');
    const made = await claim({ code: await code({ twin: 'l1' }), id: 'whatever', kind: 'lamp' });
    expect(made.body).toMatchObject({ twin: 'l1' });
    expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({
      revision,
      reported: { power: 7 },
    });
    const token = String(former.body['secret']);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).status).toBe(401);
  });

  it('does not turn one kind into another', async () => {
    const made = await claim({ code: await code({ twin: 'l1' }), id: 'x', kind: 'nook' });
    expect(made.status).toBe(409);
    expect(made.body['detail']).toBe('h1/l1 is a lamp, and the device a nook');
  });

  it('takes up what waits as a candidate', async () => {
    await api.engine.dispatch({
      ...{ home: 'h1', twin: 'l2', id: 'e-1', dedupe: false, kind: 'lamp', at: api.clock.now() },
      ...{ event: { type: 'telemetry', power: 5 }, source: 'mqtt', principal: 'device' },
      ...{ cause: null, correlation: 'e-1', ifUnknown: 'candidate' },
    });
    expect((await api.get('/v1/homes/h1/candidates')).items).toHaveLength(1);
    expect((await claim({ code: await code(), id: 'l2', kind: 'lamp' })).status).toBe(201);
    expect((await api.get('/v1/homes/h1/candidates')).items).toEqual([]);
  });
});

describe('a device from the factory', () => {
  it('waits for its owner, and finds its home', async () => {
    const { secret, code: box } = await enrol('s-1');
    const ask = async () => (await api.post('/v1/devices/enrolment', { secret }, free)).body;
    expect(await ask()).toEqual({ serial: 's-1', kind: 'lamp', claimed: null });

    const claimed = await api.post('/v1/homes/h1/claims', { code: box, name: 'Bath' });
    expect(claimed.status).toBe(201);
    expect(claimed.body).toMatchObject({ id: 's-1', kind: 'lamp', name: 'Bath' });
    expect(await ask()).toMatchObject({ claimed: { home: 'h1', twin: 's-1', username: 'h1/s-1' } });
    expect((await api.get('/v1/homes/h1/twins/s-1', { token: secret })).status).toBe(200);
  });

  it('belongs to who was first, until they give it away', async () => {
    await api.post('/v1/homes', { id: 'h2' });
    const { code: box } = await enrol('s-1');
    await api.post('/v1/homes/h1/claims', { code: box });
    expect((await api.post('/v1/homes/h2/claims', { code: box })).status).toBe(409);
    await api.delete('/v1/homes/h1/twins/s-1');
    expect((await api.post('/v1/homes/h2/claims', { code: box, id: 'lamp' })).status).toBe(201);
  });

  it('can be claimed once more by the same home, after a failure half-way', async () => {
    const { code: box } = await enrol('s-1');
    await api.post('/v1/homes/h1/claims', { code: box });
    expect((await api.post('/v1/homes/h1/claims', { code: box })).status).toBe(201);
  });

  it('is nobody’s with a wrong code or secret', async () => {
    expect((await api.post('/v1/homes/h1/claims', { code: 'wrong' })).status).toBe(401);
    const asked = await api.post('/v1/devices/enrolment', { secret: 'wrong' }, free);
    expect(asked.status).toBe(401);
    const refused = await api.post('/v1/devices/enrol', { token: 'wrong', serial: 's' }, free);
    expect(refused.status).toBe(401);
  });

  it('is of a kind that there is', async () => {
    const token = await api.post('/v1/factory-tokens', {
      ...{ name: 'Lot 7', kind: 'toaster', uses: 10, expiresAt: api.clock.now() + MINUTE_MS },
    });
    expect(token.status).toBe(422);
  });

  it('comes no more from a token that was revoked', async () => {
    const made = await api.post('/v1/factory-tokens', {
      ...{ name: 'Lot 7', kind: 'lamp', uses: 10, expiresAt: api.clock.now() + MINUTE_MS },
    });
    const { id, secret } = made.body as { id: string; secret: string };
    expect((await api.get('/v1/factory-tokens')).items).toMatchObject([{ id, usesLeft: 10 }]);
    expect((await api.delete(`/v1/factory-tokens/${id}`)).status).toBe(204);
    const refused = await api.post('/v1/devices/enrol', { token: secret, serial: 's' }, free);
    expect(refused.status).toBe(401);
  });
});

describe('the provisioning of a home', () => {
  it('is that of the configuration until it has its own', async () => {
    const url = '/v1/homes/h1/provisioning';
    expect((await api.get(url)).body).toEqual({ policy: 'claim', isDefault: true });
    expect((await api.put(url, { policy: 'closed' })).body).toEqual({
      policy: 'closed',
      isDefault: false,
    });
    expect(api.identity.policies.of('h1')).toBe('closed');
    expect((await api.delete(url)).status).toBe(204);
    expect((await api.get(url)).body).toMatchObject({ isDefault: true });
  });
});
