import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from '../../http/testing/api-bench.ts';
import { EventSourceReader } from '../../http/testing/event-source.ts';
import { SocketClient } from '../../http/testing/socket-client.ts';

type Someone = Awaited<ReturnType<ApiBench['person']>>;

let api: ApiBench;
let ada: Someone;
let bob: Someone;
beforeEach(async () => {
  api = await ApiBench.open();
  ada = await api.person('ada@example.org');
  bob = await api.person('bob@example.org');
  await api.post('/v1/homes', { id: 'nest', name: 'The nest' }, { token: ada.token });
  await api.post('/v1/homes/nest/twins', { id: 'l1', kind: 'lamp' }, { token: ada.token });
});
afterEach(() => api[Symbol.asyncDispose]());

const invite = (body: object, { token } = ada) =>
  api.post('/v1/homes/nest/invitations', body, { token });
const accept = (code: unknown, { token } = bob) =>
  api.post('/v1/invitations/accept', { code }, { token });
/** Bob belongs to the nest. */
const admit = async (admission: object) => accept((await invite(admission)).body.code);

describe('a home', () => {
  it('belongs to who has made it, and does not exist for others', async () => {
    expect((await api.get('/v1/homes', { token: ada.token })).items).toMatchObject([
      { id: 'nest' },
    ]);
    expect((await api.get('/v1/homes', { token: bob.token })).items).toEqual([]);
    const hidden = await api.get('/v1/homes/nest', { token: bob.token });
    const missing = await api.get('/v1/homes/nowhere', { token: ada.token });
    expect(hidden.status).toBe(404);
    expect(hidden.text.replaceAll('nest', 'nowhere')).toBe(missing.text);
  });

  it('that is there already cannot be had by making it, nor seen by trying', async () => {
    await api.post('/v1/homes', { id: 'shed' });
    for (const id of ['nest', 'shed']) {
      const headers = { 'idempotency-key': 'again' };
      const taken = await api.post(
        '/v1/homes',
        { id, name: 'The nest' },
        { token: bob.token, headers },
      );
      expect(taken.status).toBe(409);
      expect((await api.get(`/v1/homes/${id}`, { token: bob.token })).status).toBe(404);
    }
  });

  it('of nobody is given an owner by the platform', async () => {
    await api.post('/v1/homes', { id: 'shed' });
    const { body } = await api.put('/v1/homes/shed/owner', { person: bob.id });
    expect(body).toMatchObject({ person: bob.id, role: 'owner' });
    expect((await api.get('/v1/homes/shed', { token: bob.token })).status).toBe(200);
  });

  it('that is deleted takes its members, invitations and keys along', async () => {
    await admit({ role: 'member' });
    const key = await api.post(
      '/v1/homes/nest/keys',
      { name: 'Key', scopes: ['home.read'] },
      { token: ada.token },
    );
    const { code } = (await invite({ role: 'member' })).body;
    expect((await api.delete('/v1/homes/nest', { token: ada.token })).status).toBe(204);
    await api.post('/v1/homes', { id: 'nest' });
    for (const token of [ada.token, bob.token]) {
      expect((await api.get('/v1/homes/nest', { token })).status).toBe(404);
    }
    expect((await api.get('/v1/homes/nest', { token: key.body.secret as string })).status).toBe(
      401,
    );
    expect((await accept(code)).status).toBe(401);
  });

  it('is handed over: one owner at every moment', async () => {
    await admit({ role: 'member' });
    const handed = await api.put('/v1/homes/nest/owner', { person: bob.id }, { token: ada.token });
    expect(handed.body).toMatchObject({ person: bob.id, role: 'owner' });
    const { items } = await api.get('/v1/homes/nest/members', { token: bob.token });
    expect(items.map(({ name, role }) => [name, role])).toEqual([
      ['bob', 'owner'],
      ['ada', 'admin'],
    ]);
    expect((await api.delete('/v1/homes/nest', { token: ada.token })).status).toBe(403);
    const leaving = await api.post('/v1/homes/nest/leave', undefined, { token: bob.token });
    expect(leaving.status).toBe(409);
    const left = await api.post('/v1/homes/nest/leave', undefined, { token: ada.token });
    expect(left.status).toBe(204);
  });
});

describe('an invitation', () => {
  it('lets in who has its code, once', async () => {
    const { body } = await invite({ role: 'member' });
    expect(body).toMatchObject({ role: 'member', code: expect.stringMatching(/^[0-9A-Z-]{19}$/) });
    const code = String(body.code).toLowerCase().replaceAll('-', ' ');
    expect((await accept(code)).body).toEqual({ home: 'nest', role: 'member', twins: [] });
    expect((await accept(code, ada)).status).toBe(401);
    expect((await api.get('/v1/homes/nest', { token: bob.token })).status).toBe(200);
  });

  it('by letter is for the owner of the address only', async () => {
    const eve = await api.person('eve@example.org');
    await invite({ role: 'member', email: 'Bob@Example.org' });
    const letter = api.letters.at(-1);
    expect(letter).toMatchObject({
      to: 'Bob@Example.org',
      name: 'invitation',
      values: { home: 'The nest', by: 'ada' },
    });
    const code = letter?.values['code'];
    expect((await accept(code, eve)).status).toBe(401);
    expect((await accept(code)).status).toBe(200);
  });

  it('is void when it is withdrawn, or a week old', async () => {
    const first = (await invite({ role: 'member' })).body;
    const gone = await api.delete(`/v1/homes/nest/invitations/${first.id}`, { token: ada.token });
    expect(gone.status).toBe(204);
    expect((await accept(first.code)).status).toBe(401);
    const second = (await invite({ role: 'member' })).body;
    api.clock.advance(7 * 24 * 60 * 60_000);
    const { token } = await refreshed(bob);
    expect((await accept(second.code, { ...bob, token })).status).toBe(401);
  });

  it('cannot make an owner', async () => {
    expect((await invite({ role: 'owner' })).status).toBe(400);
  });
});

async function refreshed(who: Someone): Promise<Someone> {
  const { refreshToken } = who;
  const { body } = await api.post('/v1/auth/refresh', { refreshToken }, { token: null });
  return { id: who.id, token: String(body.accessToken), refreshToken: String(body.refreshToken) };
}

describe('a guest', () => {
  it('reads the home and steers the twins that were named, for the time that was given', async () => {
    await api.post('/v1/homes/nest/twins', { id: 'l2', kind: 'lamp' }, { token: ada.token });
    await admit({ role: 'guest', twins: ['l1'], until: api.clock.now() + 60_000 });
    const { token } = bob;
    expect((await api.get('/v1/homes/nest/twins/l2', { token })).status).toBe(200);
    const desire = (twin: string) =>
      api.patch(`/v1/homes/nest/twins/${twin}/desired`, { on: true }, { token });
    expect((await desire('l1')).status).toBe(200);
    expect((await desire('l2')).status).toBe(403);
    api.clock.advance(60_000);
    expect((await desire('l1')).status).toBe(404);
  });
});

describe('an open stream', () => {
  it('ends when its reader is removed: WebSocket and server-sent events', async () => {
    await admit({ role: 'member' });
    const address = await api.listen();
    using socket = await SocketClient.open(address, bob.token);
    socket.send({ action: 'subscribe', id: 'a', home: 'nest' });
    await socket.nextOf('subscribed');
    await using stream = await EventSourceReader.open(`http://${address}/v1/homes/nest/stream`, {
      token: bob.token,
    });
    const ended = socket.ended();
    const removed = await api.delete(`/v1/homes/nest/members/${bob.id}`, { token: ada.token });
    expect(removed.status).toBe(204);
    expect(await ended).toBe(1008);
    while ((await stream.next()) !== null);
  });

  it('ends when its reader signs out, and goes on for everyone else', async () => {
    await admit({ role: 'member' });
    const address = await api.listen();
    const sockets = await Promise.all(
      [ada, bob].map(({ token }) => SocketClient.open(address, token)),
    );
    for (const socket of sockets) {
      socket.send({ action: 'subscribe', id: 'a', home: 'nest' });
      await socket.nextOf('subscribed');
    }
    const ended = sockets[1]?.ended();
    await api.post('/v1/auth/logout', undefined, { token: bob.token });
    expect(await ended).toBe(1008);
    await api.patch('/v1/homes/nest/twins/l1/desired', { on: true }, { token: ada.token });
    await sockets[0]?.nextOf('twin');
  });

  it('of another home is refused in the words of one that does not exist', async () => {
    using socket = await SocketClient.open(await api.listen(), bob.token);
    for (const home of ['nest', 'nowhere']) {
      socket.send({ action: 'subscribe', id: home, home });
      expect(await socket.nextOf('error')).toMatchObject({
        subscription: home,
        code: 'unknown-home',
      });
    }
  });
});

describe('a key', () => {
  it('may do what its scopes say, in its home, until it is revoked', async () => {
    const made = await api.post(
      '/v1/homes/nest/keys',
      { name: 'Grafana', scopes: ['twins.list', 'twin.read'] },
      { token: ada.token },
    );
    const token = String(made.body.secret);
    expect((await api.get('/v1/homes/nest/twins', { token })).status).toBe(200);
    expect((await api.delete('/v1/homes/nest/twins/l1', { token })).status).toBe(403);
    const { items } = await api.get('/v1/homes/nest/keys', { token: ada.token });
    expect(items).toMatchObject([{ name: 'Grafana', usedAt: '2026-01-05T00:00:00.000Z' }]);
    expect(JSON.stringify(items)).not.toContain(token);
    await api.delete(`/v1/homes/nest/keys/${made.body.id}`, { token: ada.token });
    expect((await api.get('/v1/homes/nest/twins', { token })).status).toBe(401);
  });

  it('ends at its time', async () => {
    const expiresAt = api.clock.now() + 60_000;
    const body = { name: 'For an hour', scopes: ['home.read'], expiresAt };
    const made = await api.post('/v1/homes/nest/keys', body, { token: ada.token });
    const token = String(made.body.secret);
    expect((await api.get('/v1/homes/nest', { token })).status).toBe(200);
    api.clock.advance(60_000);
    expect((await api.get('/v1/homes/nest', { token })).status).toBe(401);
  });

  it('cannot be given what is for people', async () => {
    const body = { name: 'Key', scopes: ['members.manage'] };
    const refused = await api.post('/v1/homes/nest/keys', body, { token: ada.token });
    expect(refused.status).toBe(400);
  });
});

describe('the audit', () => {
  it('tells who changed what, and who was refused, to those who keep the home', async () => {
    await admit({ role: 'member' });
    await api.patch('/v1/homes/nest/twins/l1/desired', { on: true }, { token: bob.token });
    await api.delete('/v1/homes/nest', { token: bob.token });
    expect((await api.get('/v1/homes/nest/audit', { token: bob.token })).status).toBe(403);
    const { items } = await api.get('/v1/homes/nest/audit', { token: ada.token });
    const told = items.map(({ who, action, outcome }) => [who, action, outcome]);
    expect(told).toEqual([
      [`person:${bob.id}`, 'audit.read', 'refused'],
      [`person:${bob.id}`, 'home.delete', 'refused'],
      [`person:${bob.id}`, 'twin.steer', 'done'],
      [`person:${ada.id}`, 'members.manage', 'done'],
      [`person:${ada.id}`, 'twin.make', 'done'],
    ]);
    const page = await api.get('/v1/homes/nest/audit?limit=2', { token: ada.token });
    expect(page.items).toHaveLength(2);
    const next = await api.get(`/v1/homes/nest/audit?limit=2&cursor=${page.body.nextCursor}`, {
      token: ada.token,
    });
    expect(next.items[0]).toEqual(items[2]);
  });
});
