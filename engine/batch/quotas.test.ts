import { afterEach, describe, expect, it } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from '../kernel/define-kind.ts';
import { type Effect, statusEvents } from '../kind.ts';
import type { EventsOf } from '../model/kind.ts';
import { type EngineBench, startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import type { HomeQuotas } from './quotas.ts';

const events = {
  ...statusEvents,
  telemetry: z.object({ smoke: z.boolean().optional(), dust: z.number().optional() }),
  pressed: z.object({}),
};
const commands = {};
const ALERT = { type: 'alert', key: 'smoke', severity: 'critical', message: 'smoke' } as const;
const detector = defineKind({
  kind: 'detector',
  version: 1,
  description: 'Smells smoke.',
  events,
  commands,
  measurements: { dust: { unit: '%' } },
  machine: setup({
    types: {} as {
      context: { dust: number };
      events: EventsOf<typeof events>;
      emitted: Effect<typeof commands>;
    },
    actions: {
      raise: emit({ ...ALERT, state: 'raised' }),
      clear: emit({ ...ALERT, state: 'cleared' }),
    },
    guards: {
      smells: ({ event }) => event.type === 'telemetry' && event.smoke === true,
      isOver: ({ event }) => event.type === 'telemetry' && event.smoke === false,
    },
  }).createMachine({
    id: 'detector',
    initial: 'quiet',
    context: { dust: 0 },
    on: {
      pressed: {},
      status: {},
      telemetry: {
        actions: assign({ dust: ({ context, event }) => event.dust ?? context.dust }),
      },
    },
    states: {
      quiet: { on: { telemetry: { guard: 'smells', target: 'alarm', actions: 'raise' } } },
      alarm: { on: { telemetry: { guard: 'isOver', target: 'quiet', actions: 'clear' } } },
    },
  }),
  view: ({ dust }) => ({ reported: { dust }, desired: {}, settings: {} }),
});

const DAY_MS = 24 * 60 * 60_000;
const by = { principal: 'ada', source: 'rest' };
let bench: EngineBench;
afterEach(async () => await bench[Symbol.asyncDispose]());

async function start(quotas: Partial<HomeQuotas>): Promise<void> {
  bench = await startEngine({ kinds: [lamp, detector], quotas });
  for (const id of ['h1', 'h2']) {
    await bench.engine.createHome({ id, name: id, timezone: 'UTC' });
  }
}
const create = (twin: string, kind = 'lamp', home = 'h1') =>
  bench.engine.createTwin({ home, twin, kind }, by);
const refusal = (quota: string, limit: number) => ({
  code: 'quota-exceeded',
  quota: { quota, limit, used: limit },
});
async function letters(): Promise<string[]> {
  const { items } = await bench.storage.listDeadLetters('h1', { limit: 100 });
  return items.map(({ code, twin }) => `${twin} ${code}`);
}

describe('twins of a home', () => {
  it('are as many as its quota, however many come at once, and through which door', async () => {
    await start({ twins: 3 });
    const made = await Promise.allSettled([
      ...['a', 'b', 'c'].map((twin) => create(twin)),
      ...['d', 'e', 'f'].map((twin) => bench.send(twin, { type: 'telemetry', power: 1 })),
    ]);
    const accepted = made.filter(
      (one) =>
        one.status === 'fulfilled' && !('status' in one.value && one.value.status === 'rejected'),
    );
    expect(accepted).toHaveLength(3);
    expect((await bench.storage.countKinds(['h1'])).get('h1')).toEqual(new Map([['lamp', 3]]));
    await expect(create('g')).rejects.toMatchObject(refusal('twins', 3));
    const receipt = await bench.send('g', { type: 'telemetry', power: 1 }, { answered: true });
    expect(receipt).toMatchObject({ status: 'rejected', ...refusal('twins', 3) });
    expect(bench.signals).toContainEqual({ name: 'quota.refused', fields: { quota: 'twins' } });
    await create('a', 'lamp', 'h2');
  });

  it('make room when one is deleted, and what waited to be claimed is counted when it is accepted', async () => {
    await start({ twins: 2 });
    await bench.send('waits', { type: 'telemetry', power: 1 }, { ifUnknown: 'candidate' });
    await create('a');
    await create('b');
    const accept = () => bench.engine.acceptCandidate({ home: 'h1', twin: 'waits' }, {}, by);
    await expect(accept()).rejects.toMatchObject(refusal('twins', 2));
    await bench.engine.deleteTwin({ home: 'h1', twin: 'a' }, by);
    await accept();
    await expect(create('c')).rejects.toMatchObject(refusal('twins', 2));
  });

  it('have a quota of their kind, too', async () => {
    await start({ ofKinds: [{ quota: 'detectors', kind: 'detector', limit: 1 }] });
    await create('d1', 'detector');
    await create('l1');
    await expect(create('d2', 'detector')).rejects.toMatchObject(refusal('detectors', 1));
    const assert = bench.engine.assertRoomFor('h1', ['lamp', 'detector']);
    await expect(assert).rejects.toMatchObject(refusal('detectors', 1));
    await bench.engine.assertRoomFor('h2', ['lamp', 'detector']);
    expect(await bench.engine.readUsage('h1')).toEqual([
      { quota: 'twins', used: 2, limit: null },
      { quota: 'detectors', used: 1, limit: 1 },
      { quota: 'journal-bytes', used: 0, limit: null },
    ]);
  });

  it('are not counted where a home is exempt', async () => {
    await start({ twins: 1, isExempt: (home) => home === 'h1' });
    for (const twin of ['a', 'b', 'c']) await create(twin);
    await create('a', 'lamp', 'h2');
    await expect(create('b', 'lamp', 'h2')).rejects.toMatchObject(refusal('twins', 1));
  });

  it('that a commit has not stored take no room', async () => {
    await start({ twins: 2 });
    await create('a');
    const refused = bench.send('b', { type: 'telemetry', power: Number.MAX_VALUE });
    expect((await refused).status).toBe('rejected');
    await create('b');
  });
});

describe('a home that has written its share of the day', () => {
  const LIMIT = 3_000;
  const twin = { kind: 'detector' };
  const report = (dust: number) => bench.send('d', { type: 'telemetry', dust }, twin);
  async function fill(): Promise<void> {
    await start({ journalBytes: LIMIT });
    await create('d', 'detector');
    while ((await report(1)).status === 'accepted');
  }

  it('has its telemetry refused, with one dead letter a day of each twin, until midnight', async () => {
    await fill();
    const refused = await report(2);
    expect(refused).toMatchObject({
      ...{ status: 'rejected', code: 'quota-exceeded' },
      quota: { quota: 'journal-bytes', limit: LIMIT },
    });
    for (let n = 0; n < 5; n++) await report(n);
    expect(await letters()).toEqual(['d quota-exceeded']);
    const [usage] = (await bench.engine.readUsage('h1')).filter(({ limit }) => limit !== null);
    expect(usage?.used).toBeGreaterThanOrEqual(LIMIT);
    expect(
      (await bench.send('d', { type: 'telemetry', dust: 1 }, { ...twin, home: 'h2' })).status,
    ).toBe('accepted');
    const left = DAY_MS - (bench.clock.now() % DAY_MS);
    expect('quota' in refused && refused.quota?.retryAfterMs).toBe(left);
    await bench.pass(left);
    expect((await report(3)).status).toBe('accepted');
  });

  it('still hears of smoke and of its end, and no more than that', async () => {
    await fill();
    const smoke = (is: boolean) => bench.send('d', { type: 'telemetry', smoke: is }, twin);
    expect((await smoke(true)).status).toBe('accepted');
    expect((await smoke(true)).status).toBe('rejected');
    expect(
      (await bench.storage.listAlerts('h1', { status: 'raised' }, { limit: 9 })).items,
    ).toHaveLength(1);
    expect((await smoke(false)).status).toBe('accepted');
    expect(
      (await bench.storage.listAlerts('h1', { status: 'raised' }, { limit: 9 })).items,
    ).toEqual([]);
  });

  it('still carries out what people want, and hears what devices answer', async () => {
    await fill();
    await create('lamp');
    const address = { home: 'h1', twin: 'lamp' };
    expect((await bench.engine.desire(address, { on: true }, by)).status).toBe('accepted');
    const [command] = (await bench.engine.listIntents('h1', {}, { limit: 1 })).items;
    expect(
      (await bench.send('lamp', { type: 'ack', intent: command?.id ?? '', ok: true })).status,
    ).toBe('accepted');
    expect((await bench.send('d', { type: 'status', online: true }, twin)).status).toBe('accepted');
    const pressed = { ...twin, source: 'rest' as const, principal: 'person:ada' };
    expect((await bench.send('d', { type: 'pressed' }, pressed)).status).toBe('accepted');
  });

  it('has its devices’ events refused once it has written twice as much', async () => {
    await fill();
    const press = () => bench.send('d', { type: 'pressed' }, twin);
    expect((await press()).status).toBe('accepted');
    let pressed = 0;
    while ((await press()).status === 'accepted') pressed++;
    expect(pressed).toBeLessThan(LIMIT / 250);
    const byHand = { ...twin, source: 'rest' as const, principal: 'person:ada' };
    expect((await bench.send('d', { type: 'pressed' }, byHand)).status).toBe('accepted');
    expect((await bench.send('d', { type: 'telemetry', smoke: true }, twin)).status).toBe(
      'accepted',
    );
  });

  it('makes no twins of devices that speak for the first time', async () => {
    await fill();
    const first = await bench.send('new', { type: 'telemetry', dust: 1 }, twin);
    expect(first.status).toBe('rejected');
    expect(await bench.storage.getTwin({ home: 'h1', twin: 'new' })).toBeNull();
  });

  it('is counted over many events of one batch', async () => {
    await start({ journalBytes: LIMIT });
    await create('d', 'detector');
    const all = await Promise.all(Array.from({ length: 100 }, (_, dust) => report(dust)));
    const accepted = all.filter(({ status }) => status === 'accepted').length;
    expect(accepted).toBeGreaterThan(2);
    expect(accepted).toBeLessThan(LIMIT / 250);
  });

  it('does not begin anew with a home of the same id', async () => {
    await fill();
    await bench.engine.deleteHome('h1');
    await bench.engine.createHome({ id: 'h1', name: 'again', timezone: 'UTC' });
    await create('d', 'detector');
    expect((await report(1)).status).toBe('rejected');
  });
});
