import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../engine/index.ts';
import { DayLogs } from '../../features/devices/gateways/day-logs.ts';
import type { DeviceDays } from '../../features/devices/gateways/device-days.ts';
import { type Answer, ApiBench } from '../http/testing/api-bench.ts';

const DAY = '2026-01-04';
let folder: string;
let api: ApiBench;
let gateway: { id: string; secret: string };
let token: string;

beforeEach(async () => {
  // What has been brought is a table of the feature, beside the twins
  folder = mkdtempSync(join(tmpdir(), 'homeostat-gateways-'));
  api = await ApiBench.open({ databaseUrl: `sqlite:${folder}/x.db` });
  await api.furnish();
  await api.post('/v1/homes/h1/twins', { id: 'l2', kind: 'lamp' });
  api.engine.addSink({
    name: 'mqtt',
    takes: ['command', 'desired'],
    deliver: async (rows) => rows.map(() => ({ status: 'delivered' })),
  });
  const made = await api.post('/v1/homes/h1/gateways', { name: 'Central', commands: 'fetch' });
  expect(made.status).toBe(201);
  gateway = made.body as { id: string; secret: string };
  await assign(['l1']);
  token = String((await login(gateway.secret)).body['accessToken']);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Beside the server, as nothing of it would do. */
const run = (sql: string) => {
  const database = new SqliteDatabase(join(folder, 'x.db'));
  database.exec(sql);
  database.close();
};
const assign = (devices: string[]) =>
  api.put(`/v1/homes/h1/gateways/${gateway.id}/devices`, { devices });
const login = (secret: string) =>
  api.post('/v1/gateways/login', { deviceId: gateway.id, secret }, { token: null });
const upload = async (logs: object[]) => {
  const answer = await api.post('/v1/gateways/logs', { logs }, { token });
  return answer.body['results'] as Record<string, unknown>[];
};
const fetchCommands = (body: object) =>
  api.post('/v1/gateways/commands', { waitSeconds: 0, ...body }, { token });
const readings = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, index) => ({
    at: new Date(Date.parse(`${DAY}T00:00:00Z`) + index * 300_000).toISOString(),
    power: index,
    ...more,
  }));
const history = async () =>
  (await api.get('/v1/homes/h1/twins/l1/journal?limit=200')).items.filter(
    ({ event }) => (event as { type: string }).type === 'telemetry',
  );

describe('a gateway', () => {
  it('signs in, refreshes, and is out when it is removed', async () => {
    const signedIn = await login(gateway.secret);
    expect(signedIn.status).toBe(200);
    const refreshed = await api.post(
      '/v1/gateways/refresh',
      { refreshToken: signedIn.body['refreshToken'] },
      { token: null },
    );
    expect(refreshed.status).toBe(200);
    expect((await login('wrong')).status).toBe(401);
    expect((await api.delete(`/v1/homes/h1/gateways/${gateway.id}`)).status).toBe(204);
    for (const gone of [token, String(refreshed.body['accessToken'])]) {
      expect((await api.get('/v1/homes/h1/twins/l1', { token: gone })).status).toBe(401);
    }
  });

  it('has a new secret made, and the former counts no more', async () => {
    const renewed = await api.post(`/v1/homes/h1/gateways/${gateway.id}/secret`);
    expect((await login(gateway.secret)).status).toBe(401);
    expect((await login(String(renewed.body['secret']))).status).toBe(200);
  });

  it('is listed with its devices', async () => {
    expect((await api.get('/v1/homes/h1/gateways')).items).toMatchObject([
      { id: gateway.id, name: 'Central', commands: 'fetch', devices: ['l1'] },
    ]);
    expect((await assign(['nobody'])).status).toBe(404);
  });

  it('stands in the audit when it signs in', async () => {
    const { items } = await api.get('/v1/audit');
    expect(items).toContainEqual(
      expect.objectContaining({ who: `gateway:${gateway.id}`, action: 'gateway.enter' }),
    );
  });
});

describe('uploaded logs', () => {
  it('become the history of the device', async () => {
    expect(await upload([{ device: 'l1', date: DAY, readings: readings(40) }])).toEqual([
      { device: 'l1', date: DAY, status: 'accepted', accepted: 40, refused: 0, reasons: [] },
    ]);
    const told = await history();
    expect(told).toHaveLength(40);
    expect(told[0]).toMatchObject({ principal: `gateway:${gateway.id}` });
  });

  it('count once for each device and day', async () => {
    const log = { device: 'l1', date: DAY, readings: readings(20) };
    await upload([log]);
    expect(await upload([log])).toMatchObject([{ status: 'already', accepted: 20 }]);
    expect(await history()).toHaveLength(20);
  });

  it('count in part, with the reasons', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'l3', kind: 'lamp' });
    const results = await upload([
      {
        device: 'l1',
        date: DAY,
        readings: [
          ...readings(2),
          { at: '2026-02-01T00:00:00Z', power: 1 },
          { at: `${DAY}T12:00:00Z`, power: 'much' },
        ],
      },
      { device: 'l3', date: DAY, readings: readings(1) },
      { device: 'nobody', date: DAY, readings: readings(1) },
    ]);
    expect(results).toMatchObject([
      {
        ...{ status: 'accepted', accepted: 2, refused: 2 },
        reasons: [
          { reading: 2, reason: '2026-02-01T00:00:00.000Z is not on 2026-01-04' },
          { reading: 3, reason: expect.stringContaining('power') as string },
        ],
      },
      { status: 'refused', reasons: [{ reason: 'this device is not assigned to the gateway' }] },
      { status: 'refused' },
    ]);
  });

  it('go on where a fall broke them off', async () => {
    const fail = 'CREATE TRIGGER fall BEFORE UPDATE ON device_day';
    run(`${fail} WHEN NEW.taken > 16 BEGIN SELECT RAISE(ABORT, 'killed'); END`);
    const log = { device: 'l1', date: DAY, readings: readings(40) };
    expect((await api.post('/v1/gateways/logs', { logs: [log] }, { token })).status).toBe(500);
    run('DROP TRIGGER fall');
    expect(await upload([log])).toMatchObject([{ status: 'accepted', accepted: 40 }]);
    expect(await history()).toHaveLength(40);
  });

  it('of a twin that is deleted meanwhile are refused, and keep no other from counting', async () => {
    const stored: string[] = [];
    const days = {
      read: async () => ({ taken: 0, refused: 0, isDone: false }),
      write: async (_home: string, twin: string) => {
        if (twin === 'l2') throw new EngineError('unknown-twin', 'it is gone');
        stored.push(twin);
        // The next of the name is another
        await api.delete('/v1/homes/h1/twins/l1');
        await api.post('/v1/homes/h1/twins', { id: 'l1', kind: 'lamp' });
        await assign(['l1', 'l2']);
      },
    } as unknown as DeviceDays;
    await assign(['l1', 'l2']);
    const { engine, identity } = api;
    const logs = new DayLogs({ engine, gateways: identity.gateways, days });
    const worker = { id: gateway.id, home: 'h1', principal: 'test' };
    const given = ['l1', 'l2', 'l3'].map((device) => ({
      ...{ device, date: DAY },
      readings: Array.from({ length: 40 }, (_, at) => ({
        at: Date.parse(`${DAY}T12:00:00Z`) + at,
        values: { power: 1 },
      })),
    }));
    const reasons = [{ reason: 'this device is not assigned to the gateway' }];
    expect(await logs.take(worker, given)).toMatchObject([
      { status: 'refused', reasons },
      { status: 'refused', reasons },
      { status: 'refused', reasons },
    ]);
    expect(stored).toEqual(['l1']);
    expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({ revision: 0 });
  });

  it('of one day do not come twice at once', async () => {
    const log = { device: 'l1', date: DAY, readings: readings(5) };
    const [results] = await Promise.all([upload([log, log])]);
    expect(results).toMatchObject([
      { status: 'accepted' },
      { status: 'refused', reasons: [{ reason: 'this day is being uploaded already' }] },
    ]);
  });
});

describe('reports', () => {
  it('say what devices say now, each once', async () => {
    const report = { device: 'l1', data: { power: 12 }, id: 'r-1' };
    const answer = await api.post('/v1/gateways/reports', { reports: [report] }, { token });
    expect(answer.body).toEqual({ accepted: 1, refused: [] });
    await api.post('/v1/gateways/reports', { reports: [report] }, { token });
    expect(await history()).toHaveLength(1);
    expect((await api.get('/v1/homes/h1/twins/l1', { token })).body).toMatchObject({
      reported: { power: 12 },
    });
  });

  it('are refused one by one', async () => {
    const reports = [
      { device: 'l2', data: { power: 1 } },
      { device: 'l1', type: 'timer.fired' },
      { device: 'l1', type: 'dance' },
      { device: 'l1', data: { power: 1 } },
    ];
    const answer = await api.post('/v1/gateways/reports', { reports }, { token });
    expect(answer.body).toMatchObject({
      accepted: 1,
      refused: [
        { report: 0, reason: 'this device is not assigned to the gateway' },
        { report: 1, reason: 'a device cannot send "timer.fired" to a lamp' },
        { report: 2 },
      ],
    });
  });
});

describe('commands for a gateway without MQTT', () => {
  const command = async (device: string) =>
    api.post(`/v1/homes/h1/twins/${device}/commands`, { name: 'blink', args: { times: 2 } });
  const statusOf = async (id: string) =>
    (await api.get(`/v1/homes/h1/intents/${encodeURIComponent(id)}`)).body['status'];
  const idsOf = (answer: Answer) => answer.items.map(({ id }) => String(id));

  it('wait until it fetches them, and come until it says that it has them', async () => {
    await command('l1');
    await command('l2');
    await api.engine.idle();
    const first = await fetchCommands({});
    expect(first.items).toMatchObject([
      { device: 'l1', type: 'command', name: 'blink', args: { times: 2 } },
    ]);
    const [id = ''] = idsOf(first);
    expect(await statusOf(id)).toBe('pending');
    expect(idsOf(await fetchCommands({}))).toEqual([id]);

    expect((await fetchCommands({ received: [id] })).items).toEqual([]);
    await api.engine.idle();
    expect(await statusOf(id)).toBe('sent');
    await fetchCommands({ acks: [{ device: 'l1', id, ok: true }] });
    expect(await statusOf(id)).toBe('confirmed');
  });

  it('end an open poll as soon as they come', async () => {
    const open = fetchCommands({ waitSeconds: 30 });
    await command('l1');
    expect((await open).items).toMatchObject([{ device: 'l1', name: 'blink' }]);
  });

  it('end it after its time, too, and when another takes its place', async () => {
    // Two connections: whichever comes second takes the place of the other, and then waits.
    const polls = [fetchCommands({ waitSeconds: 30 }), fetchCommands({ waitSeconds: 30 })];
    expect((await Promise.race(polls)).items).toEqual([]);
    api.clock.advance(30_000);
    for (const poll of polls) expect((await poll).items).toEqual([]);
  });

  it('are not given out when they have expired or were withdrawn', async () => {
    await command('l1');
    await api.engine.idle();
    expect((await fetchCommands({})).items).toHaveLength(1);
    api.clock.advance(6_000);
    expect((await fetchCommands({})).items).toEqual([]);
  });

  it('tell what a device should be', async () => {
    await api.patch('/v1/homes/h1/twins/l1/desired', { on: true });
    await api.engine.idle();
    const { items } = await fetchCommands({});
    expect(items.map(({ type }) => type)).toContain('desired');
    expect(items.find(({ type }) => type === 'desired')).toMatchObject({ desired: { on: true } });
  });

  it('of a former twin of the name are not told, and of what is desired only the last', async () => {
    for (const on of [true, false, true]) {
      await api.patch('/v1/homes/h1/twins/l1/desired', { on });
      await api.engine.idle();
    }
    const desired = async () =>
      (await fetchCommands({})).items.filter(({ type }) => type === 'desired');
    expect(await desired()).toMatchObject([{ desired: { on: true } }]);
    await api.delete('/v1/homes/h1/twins/l1');
    await api.post('/v1/homes/h1/twins', { id: 'l1', kind: 'lamp' });
    await assign(['l1']);
    await api.engine.idle();
    expect(await desired()).toEqual([]);
  });

  it('are told behind any number that were superseded', async () => {
    await assign(['l1', 'l2']);
    for (let n = 0; n < 210; n++) await command('l1');
    await command('l2');
    await api.engine.idle();
    const { items } = await fetchCommands({});
    expect(items.map(({ device }) => device)).toContain('l2');
  });

  it('that are over leave a poll waiting', async () => {
    await command('l1');
    await api.engine.idle();
    const [{ id } = { id: '' }] = (await fetchCommands({})).items;
    await fetchCommands({ acks: [{ device: 'l1', id, ok: true }] });
    await api.engine.idle();
    let isOpen = true;
    const poll = fetchCommands({ waitSeconds: 30 }).finally(() => {
      isOpen = false;
    });
    await api.engine.idle();
    expect(isOpen).toBe(true);
    await command('l1');
    expect((await poll).items).toHaveLength(1);
  });

  it('of a device that is somebody else’s are not told', async () => {
    await command('l1');
    await api.engine.idle();
    await assign([]);
    expect((await fetchCommands({})).items).toEqual([]);
  });
});
