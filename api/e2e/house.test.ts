import { describe, expect, test } from 'vitest';
import type { Change } from '../../engine/log/change.ts';
import type { HistoryResolution } from '../../engine/services/history.ts';
import { startEngine } from '../../engine/testing/engine-bench.ts';
import { kinds } from '../../twins/catalogue.ts';

const by = { principal: 'admin', source: 'rest' };
const h1 = (twin: string) => ({ home: 'h1', twin });

async function house() {
  const bench = await startEngine({ kinds });
  const { engine } = bench;
  await engine.createHome({ id: 'h1', name: 'House', timezone: 'Europe/Berlin' });
  await engine.createTwin({ ...h1('living'), kind: 'room' }, by);
  await engine.createTwin({ ...h1('t1'), kind: 'thermostat', room: 'living' }, by);
  await bench.send('t2', { type: 'telemetry', temperature: 19 }, { kind: 'thermostat' });
  return bench;
}

describe('a room and its members', () => {
  test('a report is told to the room in the same commit', async () => {
    await using bench = await house();
    await bench.send('t1', { type: 'telemetry', temperature: 21 });
    const room = await bench.engine.readTwin(h1('living'));
    expect(room?.view.reported).toMatchObject({ temperature: 21 });
    const { items } = await bench.storage.listJournal(h1('living'), { limit: 1 });
    const { items: own } = await bench.storage.listJournal(h1('t1'), { limit: 1 });
    expect(items[0]).toMatchObject({
      event: { type: 'member.report' },
      source: 'h1/t1',
      cause: own[0]?.eventId,
      correlation: own[0]?.correlation,
    });
  });

  test('who moves in is heard, who moves out is forgotten, also after a restart', async () => {
    await using bench = await house();
    const { engine } = bench;
    await bench.send('t1', { type: 'telemetry', temperature: 21 });
    await engine.updateTwin(h1('t2'), { room: 'living' }, by);
    await bench.send('t2', { type: 'telemetry', temperature: 19 });
    expect((await engine.readTwin(h1('living')))?.view.reported.temperature).toBe(20);
    await engine[Symbol.asyncDispose]();

    await using second = await startEngine({ kinds, storage: bench.storage, clock: bench.clock });
    await second.engine.updateTwin(h1('t1'), { room: null }, by);
    expect((await second.engine.readTwin(h1('living')))?.view.reported.temperature).toBe(19);
    await second.engine.desire(h1('living'), { targetTemperature: 22 }, by);
    await second.engine.idle();
    const told = second.sink.commands.filter(({ name }) => name === 'set-target');
    expect(told.map(({ twin }) => twin)).toEqual(['t2']);
    for (const twin of ['living', 't1', 't2']) {
      expect(await second.engine.replay(h1(twin))).toMatchObject({ ok: true });
    }
  });

  test('a room that is none is refused before anything changes', async () => {
    await using bench = await house();
    await expect(
      bench.engine.updateTwin(h1('t2'), { name: 'New', room: 't1' }, by),
    ).rejects.toMatchObject({ code: 'bad-input', message: 'h1/t1 is not a room' });
    expect((await bench.engine.readTwin(h1('t2')))?.row.name).toBe('t2');
  });

  test('a deleted member has left, and begins anew when it speaks again', async () => {
    await using bench = await house();
    await bench.send('t1', { type: 'telemetry', temperature: 21 });
    await bench.engine.deleteTwin(h1('t1'), by);
    expect(await bench.engine.readTwin(h1('t1'))).toBeNull();
    expect((await bench.engine.readTwin(h1('living')))?.view.reported.temperature).toBeUndefined();
    const again = await bench.send(
      't1',
      { type: 'telemetry', temperature: 5 },
      { kind: 'thermostat' },
    );
    expect(again).toMatchObject({ status: 'accepted', revision: 1 });
  });
});

describe('a home', () => {
  test('with a new timezone tells the twins that care', async () => {
    await using bench = await house();
    await bench.engine.updateHome('h1', { timezone: 'America/New_York' }, by);
    const { items } = await bench.storage.listJournal(h1('living'), { limit: 1 });
    expect(items[0]?.event).toMatchObject({ type: 'home.changed', timezone: 'America/New_York' });
    await expect(bench.engine.updateHome('h1', { timezone: 'Moon' }, by)).rejects.toMatchObject({
      code: 'bad-input',
    });
  });

  test('is deleted with all that belongs to it; commands under way go nowhere', async () => {
    await using bench = await house();
    bench.sink.answer = () => ({ status: 'retry', error: 'away', scope: 'destination' });
    await bench.engine.desire(h1('t1'), { targetTemperature: 25 }, by);
    await bench.engine.deleteHome('h1');
    expect(await bench.storage.listTwins('h1', {}, { limit: 10 })).toMatchObject({ items: [] });
    expect(await bench.storage.listParked(0, 10)).toEqual([]);
    expect(await bench.storage.readLog(0, 1_000)).toEqual([]);
    bench.sink.answer = () => ({ status: 'delivered' });
    bench.engine.wakeSink('test');
    await bench.pass(60_000);
    expect(bench.sink.commands).toEqual([]);
    await expect(bench.engine.deleteHome('h1')).rejects.toMatchObject({ code: 'unknown-home' });
  });
});

describe('provisioning', () => {
  test('a candidate is listed, counted and not folded, until a person accepts it', async () => {
    await using bench = await startEngine({ kinds });
    const speak = (temperature: number) =>
      bench.send(
        'new',
        { type: 'telemetry', temperature },
        { kind: 'thermostat', ifUnknown: 'candidate', via: 'native:x' },
      );
    expect(await speak(20)).toMatchObject({ status: 'rejected', code: 'unclaimed' });
    await speak(21);
    const { items } = await bench.storage.listCandidates('h1', { limit: 10 });
    expect(items).toMatchObject([{ twin: 'new', kind: 'thermostat', messages: 2 }]);
    expect((await bench.storage.listDeadLetters('h1', { limit: 10 })).items).toEqual([]);
    const made = await bench.engine.acceptCandidate(h1('new'), { name: 'Mine' }, by);
    expect(made.row).toMatchObject({ name: 'Mine', via: 'native:x', kind: 'thermostat' });
    expect(await speak(22)).toMatchObject({ status: 'accepted' });
    expect((await bench.storage.listCandidates('h1', { limit: 10 })).items).toEqual([]);
  });

  test('closed: an unknown device becomes a dead letter with a hint', async () => {
    await using bench = await startEngine({ kinds });
    const refused = await bench.send(
      'x',
      { type: 'telemetry', temperature: 1 },
      { kind: 'thermostat', ifUnknown: 'reject' },
    );
    expect(refused).toMatchObject({ status: 'rejected', code: 'unknown-twin' });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items[0]).toMatchObject({
      code: 'unknown-twin',
      hint: expect.stringContaining('Create the twin first'),
    });
  });
});

test('history is exact: closed buckets, the open one, and what came late', async () => {
  await using bench = await startEngine({ kinds });
  const start = Date.parse('2026-01-05T10:00:00Z');
  bench.clock.jump(start);
  for (let minute = 0; minute < 12; minute++) {
    await bench.send('t', { type: 'telemetry', temperature: 20 + minute }, { kind: 'thermostat' });
    await bench.pass(60_000);
  }
  await bench.send('t', { type: 'telemetry', temperature: 0 }, { at: start + 30_000 });
  const query = { ...h1('t'), measurement: 'temperature', from: start, to: start + 3_600_000 };
  const pointsOf = async (resolution: HistoryResolution) =>
    (await bench.engine.history(query, resolution)).points;
  expect(await pointsOf('5m')).toEqual([
    { at: start, min: 0, max: 24, mean: 110 / 6, last: 24, count: 6 },
    { at: start + 300_000, min: 25, max: 29, mean: 27, last: 29, count: 5 },
    { at: start + 600_000, min: 30, max: 31, mean: 30.5, last: 31, count: 2 },
  ]);
  const [hour] = await pointsOf('1h');
  expect(hour).toMatchObject({ at: start, min: 0, max: 31, count: 13, last: 31 });
  expect(await pointsOf('raw')).toHaveLength(13);
  expect(await bench.engine.replay(h1('t'))).toMatchObject({ ok: true });
});

test('a subscriber hears of turns, intents and alerts in order; a slow one is told what it missed', async () => {
  await using bench = await house();
  const heard: Change[] = [];
  using slow = bench.engine.changes.subscribe(() => true);
  using quick = bench.engine.changes.subscribe((change) => change.type !== 'intent');
  const reading = (async () => {
    for await (const change of quick) heard.push(change);
  })();
  for (let n = 0; n < 1_200; n++) {
    await bench.send('t2', { type: 'status', online: n % 2 === 0 });
  }
  quick[Symbol.dispose]();
  await reading;
  const revisions = heard.flatMap((change) => (change.type === 'twin' ? [change.revision] : []));
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  const seen: Change[] = [];
  for await (const change of slow) {
    seen.push(change);
    if (change.type === 'lagged') break;
  }
  expect(seen.at(-1)).toMatchObject({ type: 'lagged' });
  expect(seen).toHaveLength(1_001);
});
