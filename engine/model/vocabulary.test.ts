import { describe, expect, test } from 'vitest';
import { openSqlite } from '../storage/sqlite/open.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { lamp } from '../testing/lamp.ts';
import { teller } from '../testing/teller.ts';
import type { Inbound } from './envelope.ts';
import type { JsonObject } from './json.ts';
import { ManualClock } from './manual-clock.ts';
import { SENDERS } from './senders.ts';
import { ENGINE_EVENTS, sendersOf, speakerOf } from './vocabulary.ts';

const at = (twin: string) => ({ home: 'h1', twin });
const ada = { principal: 'ada', source: 'rest' };

describe('who may send what', () => {
  test.each(Object.entries(ENGINE_EVENTS))('%s is never a person’s or an author’s', (type) => {
    expect(sendersOf(lamp, type)).not.toContain('person');
    expect(sendersOf(lamp, type)).not.toContain('rule');
  });

  test('a kind decides about its own events, and not about those of the engine', () => {
    const strict = { kind: 'strict', senders: { ping: [], telemetry: SENDERS } as const };
    expect(sendersOf(strict, 'ping')).toEqual([]);
    expect(sendersOf(strict, 'telemetry')).toEqual(['device', 'engine']);
    expect(sendersOf(strict, 'pong')).toContain('device');
    expect(sendersOf({ ...strict, isDevice: false }, 'pong')).not.toContain('device');
    expect(sendersOf(strict, 'member.anything')).toEqual(['engine']);
  });

  test.each(['engine', 'timer', 'h1/other', 'toString', ''])(
    'nothing is dispatched as "%s"',
    async (source) => {
      await using bench = await startEngine({ kinds: [lamp] });
      const sent = bench.send(
        'lamp',
        { type: 'telemetry' },
        { source: source as Inbound['source'] },
      );
      await expect(sent).rejects.toMatchObject({ code: 'bad-input' });
      expect(await bench.engine.readTwin(at('lamp'))).toBeNull();
    },
  );

  test.each([
    ['mqtt', 'device'],
    ['rest', 'person'],
    ['timer', 'engine'],
    ['h1/other', 'engine'],
  ])(
    'what was kept from "%s" before envelopes named their sender speaks as %s',
    (source, sender) => {
      const kept = { source } as Parameters<typeof speakerOf>[0];
      expect(speakerOf(kept)).toBe(sender);
      expect(speakerOf({ ...kept, sender: 'message' })).toBe('message');
    },
  );

  test('a device makes no twin of a kind that stands for no device, and no candidate', async () => {
    const place = { ...lamp, kind: 'place', isDevice: false };
    await using bench = await startEngine({ kinds: [lamp, place] });
    for (const ifUnknown of ['create', 'candidate'] as const) {
      const event = { type: 'telemetry', power: 1 };
      const sent = await bench.send('p', event, { kind: 'place', source: 'mqtt', ifUnknown });
      expect(sent).toMatchObject({ status: 'rejected', code: 'unknown-kind' });
    }
    const ping = await bench.send('p', { type: 'ping' }, { kind: 'place', source: 'mqtt' });
    expect(ping.status).toBe('rejected');
    expect(await bench.engine.readTwin(at('p'))).toBeNull();
    expect((await bench.storage.listCandidates('h1', { limit: 10 })).items).toEqual([]);
  });
});

describe('an engine event', () => {
  test('brings nothing into the journal that its schema does not name, and replays', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    await bench.send('lamp', { type: 'telemetry', on: false });
    await bench.engine.desire(at('lamp'), { on: true }, ada, 60_000);
    const forged = { folded: { samples: 9 }, facts: { x: 1 }, claim: { priority: 99 }, late: 5 };
    await bench.tell('lamp', { type: 'desired.released', holder: 'ada', ...forged });
    const [row] = (await bench.storage.listJournal(at('lamp'), { limit: 1 })).items;
    expect(row?.event).toEqual({ type: 'desired.released', holder: 'ada' });
    expect(await bench.engine.replay(at('lamp'))).toMatchObject({ ok: true });
  });

  test('of a twin ends its own holds, whatever holder it names', async () => {
    await using bench = await startEngine({ kinds: [lamp, teller] });
    await bench.send('lamp', { type: 'telemetry', on: false });
    await bench.engine.desire(at('lamp'), { on: true }, ada, 60_000);
    const what: JsonObject = { type: 'desired.released', holder: 'ada' };
    await bench.send('t', { type: 'say', to: 'lamp', what }, { kind: 'teller' });
    const leases = (await bench.engine.readTwin(at('lamp')))?.row.state.leases;
    expect(leases?.on?.leases).toMatchObject([{ holder: 'ada' }]);
  });
});

describe('what is too deep or too large', () => {
  const nested = (levels: number): JsonObject =>
    JSON.parse(`${'{"x":'.repeat(levels)}1${'}'.repeat(levels)}`) as JsonObject;

  test('is refused before it reaches a batch, and others’ events are stored', async () => {
    await using bench = await startEngine({ kinds: [lamp] });
    const [deep, flat] = await Promise.all([
      bench.send('deep', { type: 'telemetry', on: nested(10_000) }),
      bench.send('flat', { type: 'telemetry', on: true }),
    ]);
    expect(deep).toMatchObject({ status: 'rejected', code: 'bad-input' });
    expect(flat).toMatchObject({ status: 'accepted' });
  });

  test('leaves the twin as it was, as a dead letter', async () => {
    const limits = { stateBytes: 2_000 };
    await using bench = await startEngine({ kinds: [lamp], limits });
    await bench.send('lamp', { type: 'telemetry', on: false });
    const before = await bench.engine.readTwin(at('lamp'));
    const sent = await bench.tell('lamp', {
      type: 'command.requested',
      name: 'switch',
      args: { on: true },
      expect: { on: true, note: 'x'.repeat(2_000) },
    });
    expect(sent).toMatchObject({ status: 'rejected', code: 'state-too-large' });
    expect(await bench.engine.readTwin(at('lamp'))).toEqual(before);
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code: 'state-too-large', twin: 'lamp' }]);
    expect(await bench.send('lamp', { type: 'telemetry', on: true })).toMatchObject({
      status: 'accepted',
    });
  });

  test('since before there was a limit: it may not grow, and may become smaller', async () => {
    const storage = await openSqlite(':memory:', { deadLettersPerHome: 100 });
    const kept = { ...storage, [Symbol.asyncDispose]: async () => {} };
    const command = (length: number) => ({
      ...{ type: 'command.requested', name: 'switch', args: { on: true }, ttl: 60_000 },
      expect: { on: true, note: 'x'.repeat(length) },
    });
    const clock = new ManualClock();
    {
      await using bench = await startEngine({ kinds: [lamp], storage: kept, clock });
      await bench.send('lamp', { type: 'telemetry', on: false });
      expect(await bench.tell('lamp', command(3_000))).toMatchObject({ status: 'accepted' });
    }
    const limits = { stateBytes: 2_000 };
    await using bench = await startEngine({ kinds: [lamp], storage, clock, limits });
    const grown = await bench.tell('lamp', command(3_001));
    expect(grown).toMatchObject({ code: 'state-too-large' });
    expect(await bench.tell('lamp', command(2_900))).toMatchObject({ status: 'accepted' });
    await bench.pass(60_000);
    expect((await bench.engine.readTwin(at('lamp')))?.row.state.pending).toEqual([]);
  });
});
