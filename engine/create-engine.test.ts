import { describe, expect, test } from 'vitest';
import { startEngine } from './testing/engine-bench.ts';
import { idLike } from './testing/ids.ts';
import { lamp } from './testing/lamp.ts';

const start = (more: Partial<Parameters<typeof startEngine>[0]> = {}) =>
  startEngine({ kinds: [lamp], ...more });
const h1 = (twin: string) => ({ home: 'h1', twin });
const admin = { principal: 'admin', source: 'rest' };

describe('an event', () => {
  test('is stored before its sender learns that it is accepted', async () => {
    await using bench = await start();
    const receipt = await bench.send('lamp', { type: 'telemetry', on: true, power: 7 });
    expect(receipt).toMatchObject({ status: 'accepted', revision: 1 });
    const reading = await bench.engine.readTwin(h1('lamp'));
    expect(reading?.view.reported).toMatchObject({ on: true, power: 7 });
    expect(reading?.row).toMatchObject({ revision: 1, kind: 'lamp' });
    const journal = await bench.storage.listJournal(h1('lamp'), { limit: 10 });
    expect(journal.items.map(({ revision, event }) => [revision, event.type])).toEqual([
      [1, 'telemetry'],
      [0, 'twin.created'],
    ]);
  });

  test('with an id that the twin has seen is a duplicate', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', power: 1 }, { id: 'a' });
    const again = await bench.send('lamp', { type: 'telemetry', power: 1 }, { id: 'a' });
    expect(again).toMatchObject({ status: 'duplicate', revision: 1 });
  });

  test('of two in one batch with the same id counts once', async () => {
    await using bench = await start();
    const receipts = await Promise.all([
      bench.send('lamp', { type: 'telemetry', power: 1 }, { id: 'a' }),
      bench.send('lamp', { type: 'telemetry', power: 1 }, { id: 'a' }),
    ]);
    expect(receipts.map(({ status }) => status)).toEqual(['accepted', 'duplicate']);
  });

  test('older than the last of its type is journaled as late and not folded', async () => {
    await using bench = await start();
    const now = bench.clock.now();
    await bench.send('lamp', { type: 'telemetry', power: 5 }, { at: now });
    const late = await bench.send('lamp', { type: 'telemetry', power: 1 }, { at: now - 60_000 });
    expect(late).toMatchObject({ status: 'ignored', revision: 2 });
    const reading = await bench.engine.readTwin(h1('lamp'));
    expect(reading?.view.reported.power).toBe(5);
    const { items } = await bench.storage.listJournal(h1('lamp'), { limit: 1 });
    expect(items[0]).toMatchObject({ late: true, revision: 2 });
    expect(await bench.engine.replay(h1('lamp'))).toMatchObject({ ok: true, turns: 2 });
  });

  test('whose numbers no sum can hold is refused, and its telemetry goes on', async () => {
    await using bench = await start();
    const hours: number[][] = [[1e308, 1e308, 5], [-1e308, -1e308], [7]];
    for (const powers of hours) {
      for (const power of powers) await bench.send('lamp', { type: 'telemetry', power });
      await bench.pass(3_600_000);
    }
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toHaveLength(4);
    expect(items[0]).toMatchObject({
      code: 'bad-input',
      error: 'telemetry: power: -1e+308 cannot be a measurement',
      hint: expect.stringContaining('between -1e+290 and 1e+290'),
    });
    const now = bench.clock.now();
    const query = { ...h1('lamp'), measurement: 'power', from: now - 86_400_000, to: now + 1 };
    const { points } = await bench.engine.history(query, '1h');
    expect(points.map((point) => 'mean' in point && point.mean)).toEqual([5, 7]);
    expect((await bench.engine.readTwin(h1('lamp')))?.view.reported.power).toBe(7);
  });

  test.each([
    ['of an unknown type', { type: 'dance' }, 'unknown-event'],
    ['with a wrong field', { type: 'telemetry', power: 'much' }, 'bad-input'],
    ['on which the machine throws', { type: 'explode' }, 'machine-failed'],
  ])('%s becomes a dead letter and leaves the twin alone', async (_what, event, code) => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', power: 1 });
    const [refused, next] = await Promise.all([
      bench.send('lamp', event),
      bench.send('lamp', { type: 'telemetry', power: 2 }),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', code });
    expect(next).toMatchObject({ status: 'accepted', revision: 2 });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code, twin: 'lamp' }]);
    expect(items[0]?.hint).toBeTruthy();
  });

  test('that is a status brings no twin into being, nor back, and no candidate', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', power: 1 });
    await bench.engine.deleteTwin(h1('lamp'), admin);
    for (const ifUnknown of ['create', 'candidate', 'reject'] as const) {
      const will = await bench.send('lamp', { type: 'status', online: false }, { ifUnknown });
      expect(will).toMatchObject({ status: 'ignored', reason: expect.stringContaining('no twin') });
    }
    expect(await bench.engine.readTwin(h1('lamp'))).toBeNull();
    expect((await bench.storage.listCandidates('h1', { limit: 1 })).items).toEqual([]);
    expect((await bench.storage.listDeadLetters('h1', { limit: 1 })).items).toEqual([]);
  });

  test('that its kind refuses does not bring a twin into being', async () => {
    await using bench = await start();
    const refused = await bench.send('lamp', { type: 'telemetry', power: 'x' }, { kind: 'lamp' });
    expect(refused.status).toBe('rejected');
    expect(await bench.engine.readTwin(h1('lamp'))).toBeNull();
  });
});

describe('a command', () => {
  test('goes pending → sent → acked → confirmed by what the device reports', async () => {
    await using bench = await start();
    const { engine, sink } = bench;
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'lamp' });
    await engine.desire(h1('lamp'), { on: true }, admin);
    await engine.idle();
    expect(sink.commands).toMatchObject([
      { id: idLike('h1/lamp@2#0'), name: 'switch', args: { on: true } },
    ]);
    const id = sink.commands[0]?.id ?? '';
    expect(await bench.engine.getIntent('h1', id)).toMatchObject({ status: 'sent', attempts: 1 });
    await bench.send('lamp', { type: 'ack', intent: id, ok: true });
    expect(await bench.engine.getIntent('h1', id)).toMatchObject({ status: 'acked' });
    // A report that does not speak of it proves nothing
    await bench.send('lamp', { type: 'telemetry', power: 0 });
    expect(await bench.engine.getIntent('h1', id)).toMatchObject({ status: 'acked' });
    await bench.send('lamp', { type: 'telemetry', on: true });
    expect(await bench.engine.getIntent('h1', id)).toMatchObject({
      status: 'confirmed',
      attempts: 1,
    });
    expect(await engine.replay(h1('lamp'))).toMatchObject({ ok: true });
  });

  test('expires when nobody answers, and the twin hears of it', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'lamp' });
    await bench.engine.desire(h1('lamp'), { on: true }, admin);
    await bench.pass(30_000);
    const { items } = await bench.engine.listIntents('h1', {}, { limit: 10 });
    expect(items).toMatchObject([{ status: 'expired', error: 'not confirmed in time' }]);
    const alerts = await bench.storage.listAlerts('h1', {}, { limit: 10 });
    expect(alerts.items).toMatchObject([{ key: 'silent', status: 'raised' }]);
    expect(await bench.engine.replay(h1('lamp'))).toMatchObject({ ok: true });
  });

  test('is superseded by a newer one, which alone is delivered', async () => {
    await using bench = await start({ sink: null });
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'lamp' });
    await bench.engine.desire(h1('lamp'), { on: true }, admin);
    await bench.engine.desire(h1('lamp'), { on: false }, admin);
    bench.engine.addSink(bench.sink);
    await bench.engine.idle();
    expect(bench.sink.commands.map(({ args }) => args)).toEqual([{ on: false }]);
    const { items } = await bench.engine.listIntents('h1', {}, { limit: 10 });
    expect(items.map(({ status }) => status)).toEqual(['sent', 'superseded']);
  });

  test('is never delivered after its expiry', async () => {
    await using bench = await start({ sink: null });
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'lamp' });
    await bench.engine.desire(h1('lamp'), { on: true }, admin);
    await bench.pass(31_000);
    bench.engine.addSink(bench.sink);
    await bench.engine.idle();
    expect(bench.sink.commands).toEqual([]);
    expect(bench.engine.stats()).toMatchObject({ outbox: { test: 0 }, outboxLag: { test: 0 } });
  });

  test('asked for by a person is checked against what the kind declares', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'lamp' });
    const { engine } = bench;
    await expect(
      engine.command(h1('lamp'), { name: 'sing', args: {} }, admin),
    ).rejects.toMatchObject({ code: 'bad-input', hint: expect.stringContaining('switch, blink') });
    await expect(
      engine.command(h1('lamp'), { name: 'blink', args: { times: 'x' } }, admin),
    ).rejects.toMatchObject({ code: 'bad-input' });
    const by = { ...admin, key: 'k1' };
    const intent = await engine.command(h1('lamp'), { name: 'blink', args: { times: 3 } }, by);
    expect(intent).toMatchObject({ name: 'blink', status: 'pending', principal: 'admin' });
    const again = await engine.command(h1('lamp'), { name: 'blink', args: { times: 3 } }, by);
    expect(again.id).toBe(intent.id);
  });
});

describe('time', () => {
  test('a timer fires at its moment and survives a restart', async () => {
    await using first = await start();
    await first.send('lamp', { type: 'settings.changed', autoOffMs: 60_000 }, { kind: 'lamp' });
    await first.send('lamp', { type: 'telemetry', on: true });
    await first.pass(59_999);
    expect((await first.engine.readTwin(h1('lamp')))?.row.state.value).toBe('on');
    await first.engine[Symbol.asyncDispose]();

    first.clock.advance(3_600_000);
    await using second = await start({ storage: first.storage, clock: first.clock });
    await second.engine.idle();
    expect((await second.engine.readTwin(h1('lamp')))?.row.state.value).toBe('off');
    const { items } = await second.storage.listJournal(h1('lamp'), { limit: 1 });
    expect(items[0]?.event).toMatchObject({ type: 'timer.fired', late: 3_600_000 - 1 });
    expect(await second.engine.replay(h1('lamp'))).toMatchObject({ ok: true });
  });

  test('re-arming a timer later does not touch the stored bound; an early wake corrects it', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'settings.changed', autoOffMs: 60_000 }, { kind: 'lamp' });
    await bench.send('lamp', { type: 'telemetry', on: true });
    const armed = (await bench.engine.readTwin(h1('lamp')))?.row.wakeAt;
    expect(armed).toBe(bench.clock.now() + 60_000);
    await bench.pass(30_000);
    await bench.send('lamp', { type: 'telemetry', on: false });
    await bench.send('lamp', { type: 'telemetry', on: true });
    expect((await bench.engine.readTwin(h1('lamp')))?.row.wakeAt).toBe(armed);
    await bench.pass(30_000);
    expect((await bench.engine.readTwin(h1('lamp')))?.row).toMatchObject({
      wakeAt: (armed ?? 0) + 30_000,
      state: { value: 'on' },
    });
    await bench.pass(30_000);
    expect((await bench.engine.readTwin(h1('lamp')))?.row.state.value).toBe('off');
  });

  test('of missed occurrences the latest n fire', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'startDaily', catchUp: 2 }, { kind: 'lamp' });
    await bench.engine[Symbol.asyncDispose]();
    bench.clock.advance(5 * 24 * 3_600_000);
    await using second = await start({ storage: bench.storage, clock: bench.clock });
    await second.engine.idle();
    const reading = await second.engine.readTwin(h1('lamp'));
    const days = reading?.view.reported.days as { late: number }[];
    const hours = (ms: number) => Math.round(ms / 3_600_000);
    expect(days.map(({ late }) => hours(late))).toEqual([47, 23]);
    expect(await second.engine.replay(h1('lamp'))).toMatchObject({ ok: true });
  });

  test('an occurrence later than its bound is skipped, the next one fires', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'startDaily', skip: 60_000 }, { kind: 'lamp' });
    await bench.engine[Symbol.asyncDispose]();
    bench.clock.advance(5 * 24 * 3_600_000);
    await using second = await start({ storage: bench.storage, clock: bench.clock });
    await second.engine.idle();
    expect((await second.engine.readTwin(h1('lamp')))?.view.reported.days).toEqual([]);
    await second.pass(24 * 3_600_000);
    expect((await second.engine.readTwin(h1('lamp')))?.view.reported.days).toHaveLength(1);
    expect(second.signals.filter(({ name }) => name === 'timer.skipped')).toHaveLength(1);
  });

  test('the clock set back fires nothing twice', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'settings.changed', autoOffMs: 60_000 }, { kind: 'lamp' });
    await bench.send('lamp', { type: 'telemetry', on: true });
    await bench.pass(60_000);
    bench.clock.jump(bench.clock.now() - 3_600_000);
    await bench.engine.idle();
    await bench.pass(2 * 3_600_000);
    const { items } = await bench.storage.listJournal(h1('lamp'), { limit: 50 });
    expect(
      items.filter(({ event }) => event.type === 'timer.fired' && !('intent' in event)),
    ).toHaveLength(1);
  });

  test('a timer can be fired and cancelled by hand', async () => {
    await using bench = await start();
    await bench.send('lamp', { type: 'settings.changed', autoOffMs: 60_000 }, { kind: 'lamp' });
    await bench.send('lamp', { type: 'telemetry', on: true });
    const [timer] = (await bench.engine.readTwin(h1('lamp')))?.row.state.timers ?? [];
    await bench.engine.cancelTimer(h1('lamp'), timer?.id ?? '', admin);
    await bench.pass(120_000);
    expect((await bench.engine.readTwin(h1('lamp')))?.row.state.value).toBe('on');
    await expect(bench.engine.fireTimer(h1('lamp'), 'nope', admin)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('tells', () => {
  test('that go in circles stop at the cap, with a dead letter', async () => {
    await using bench = await start();
    await bench.send('a', { type: 'telemetry' }, { kind: 'lamp' });
    await bench.send('a', { type: 'echo', to: 'a' });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code: 'cascade-too-deep' }]);
    const journal = await bench.storage.listJournal(h1('a'), { limit: 50 });
    expect(journal.items.filter(({ event }) => event.type === 'echo')).toHaveLength(9);
    const chain = journal.items.filter(({ event }) => event.type === 'echo').reverse();
    for (const [index, row] of chain.entries()) {
      if (index > 0) expect(row.cause).toBe(chain[index - 1]?.eventId);
    }
  });
});

describe('a flood', () => {
  test('of telemetry from one device is folded, counted, and nobody else waits', async () => {
    await using bench = await start({ limits: { telemetryBudget: 4, mailbox: 100 } });
    await bench.send('noisy', { type: 'telemetry', power: 0 }, { kind: 'lamp' });
    const flood = Array.from({ length: 1_000 }, (_, power) =>
      bench.send('noisy', { type: 'telemetry', power }, { kind: 'lamp' }),
    );
    const quiet = bench.send('quiet', { type: 'telemetry', power: 1 }, { kind: 'lamp' });
    const receipts = await Promise.all(flood);
    expect(receipts.every(({ status }) => status === 'accepted')).toBe(true);
    expect(await quiet).toMatchObject({ status: 'accepted' });
    const { items } = await bench.storage.listJournal(h1('noisy'), { limit: 50 });
    expect(items).toHaveLength(6);
    expect(items[0]?.event).toMatchObject({
      power: 999,
      folded: { samples: 997, fields: { power: { count: 997, min: 3, max: 999 } } },
    });
    const reading = await bench.engine.readTwin(h1('noisy'));
    expect(reading?.row.state.buckets.power).toMatchObject({ count: 1_001, max: 999, last: 999 });
    expect(await bench.engine.replay(h1('noisy'))).toMatchObject({ ok: true });
  });

  test('folds no number that cannot be measured: its event fails alone', async () => {
    await using bench = await start({ limits: { telemetryBudget: 1 } });
    const flood = [1, 2, 1e308, 3, 1e308, 4].map((power) =>
      bench.send('noisy', { type: 'telemetry', power }, { kind: 'lamp' }),
    );
    expect((await Promise.all(flood)).map(({ status }) => status)).toEqual([
      ...['accepted', 'accepted', 'rejected', 'accepted', 'rejected', 'accepted'],
    ]);
    const reading = await bench.engine.readTwin(h1('noisy'));
    expect(reading?.row.state.buckets.power).toMatchObject({ count: 4, sum: 10, max: 4 });
    expect((await bench.storage.listDeadLetters('h1', { limit: 10 })).items).toHaveLength(2);
  });

  test('of events fills the mailbox, which says so and takes them again later', async () => {
    await using bench = await start({ limits: { mailbox: 10 } });
    await bench.send('a', { type: 'telemetry' }, { kind: 'lamp' });
    const sent = Array.from({ length: 12 }, () => bench.send('a', { type: 'startDaily' }));
    const settled = await Promise.allSettled(sent);
    expect(settled.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'overloaded', retryable: true } },
      { reason: { code: 'overloaded' } },
    ]);
    await bench.engine.hasRoom('h1');
    expect(await bench.send('a', { type: 'startDaily' })).toMatchObject({ status: 'accepted' });
  });
});
