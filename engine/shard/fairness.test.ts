import { describe, expect, test } from 'vitest';
import { assign, enqueueActions, setup } from 'xstate';
import { z } from 'zod';
import { defineKind } from '../kernel/define-kind.ts';
import type { Effect } from '../kind.ts';
import type { Receipt } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { EventsOf } from '../model/kind.ts';
import { openSqlite } from '../storage/sqlite/open.ts';
import { startEngine } from '../testing/engine-bench.ts';
import { away, flaky } from '../testing/flaky-storage.ts';

const events = {
  tell: z.object({ everyone: z.int() }),
  heard: z.object({}),
};

/** Tells as many others as it is asked to. */
const crier = defineKind({
  kind: 'crier',
  version: 1,
  description: 'Tells others.',
  events,
  commands: {},
  measurements: {},
  machine: setup({
    types: {} as {
      context: { heard: number };
      events: EventsOf<typeof events>;
      emitted: Effect;
    },
  }).createMachine({
    context: { heard: 0 },
    on: {
      heard: { actions: assign({ heard: ({ context }) => context.heard + 1 }) },
      tell: {
        actions: enqueueActions(({ event, enqueue }) => {
          for (let n = 0; n < event.everyone; n++) {
            enqueue.emit({ type: 'tell', to: `c${n}`, event: { type: 'heard' } });
          }
        }),
      },
    },
  }),
  view: ({ heard }) => ({ reported: { heard }, desired: {}, settings: {} }),
});

const MANY = 300;

async function openStreet(storage = openSqlite(':memory:', { deadLettersPerHome: 10 })) {
  const flakes = flaky(await storage);
  const bench = await startEngine({ kinds: [crier], storage: flakes });
  const send = (home: string, twin: string, everyone: number) =>
    bench.send(twin, { type: 'tell', everyone }, { home, kind: 'crier', ifUnknown: 'create' });
  await Promise.all([
    ...Array.from({ length: MANY }, (_, n) => send('loud', `c${n}`, 0)),
    send('loud', 'crier', 0),
    send('quiet', 'c0', 0),
  ]);
  bench.signals.length = 0;
  const batches = () =>
    bench.signals.flatMap(({ name, fields }) =>
      name === 'batch.committed' ? [(fields as { turns: number }).turns] : [],
    );
  return { ...bench, storage: flakes, send, batches };
}

describe('a home in which much follows from one event', () => {
  test('has a batch of its own, and the others theirs before and meanwhile', async () => {
    await using street = await openStreet();
    let loudHasEnded = false;
    const loud = street.send('loud', 'crier', MANY).then((receipt) => {
      loudHasEnded = true;
      return receipt;
    });
    while (!loudHasEnded) {
      expect(await street.send('quiet', 'c0', 0)).toMatchObject({ status: 'accepted' });
    }
    expect(await loud).toMatchObject({ status: 'accepted' });
    const before = street.batches().indexOf(MANY + 1);
    expect(before).toBeGreaterThanOrEqual(Math.floor(MANY / 12));
    expect(street.batches().toSpliced(before, 1)).toEqual(
      street.batches().toSpliced(before, 1).fill(1),
    );
  });

  test('comes to what it would come to anyhow, in the order in which it came', async () => {
    await using street = await openStreet();
    await Promise.all([
      street.send('loud', 'crier', MANY),
      street.send('loud', 'crier', 2),
      street.send('quiet', 'c0', 1),
      street.send('loud', 'crier', MANY),
      street.send('loud', 'crier', 1),
    ]);
    const told = await street.storage.readJournal({ home: 'loud', twin: 'crier' }, 2, 10);
    expect(told.map(({ event }) => event.everyone)).toEqual([MANY, 2, MANY, 1]);
    for (const [twin, heard] of [
      ['c0', 4],
      ['c1', 3],
      [`c${MANY - 1}`, 2],
    ] as const) {
      const address = { home: 'loud', twin };
      expect((await street.engine.readTwin(address))?.view.reported).toEqual({ heard });
      expect(await street.engine.replay(address)).toMatchObject({ ok: true });
    }
  });

  test('shares batches with the others again once little has followed for a minute', async () => {
    await using street = await openStreet();
    await street.send('loud', 'crier', MANY);
    const together = async () => {
      await street.send('loud', 'crier', 1);
      street.signals.length = 0;
      await Promise.all([street.send('loud', 'crier', 1), street.send('quiet', 'c0', 0)]);
      return street.batches();
    };
    expect(await together()).toEqual([1, 2]);
    street.clock.advance(60_000);
    expect(await together()).toEqual([3]);
  });

  test('counts once when the store is away in the middle of it', async () => {
    await using street = await openStreet();
    street.storage.fail.set('commit', away);
    const loud = street.send('loud', 'crier', MANY);
    const quiet = street.send('quiet', 'c0', 1);
    for (let tries = 0; tries < 5; tries++) {
      street.clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    street.storage.fail.clear();
    street.clock.advance(60_000);
    expect([await loud, await quiet]).toMatchObject([
      { status: 'accepted' },
      { status: 'accepted' },
    ]);
    const last = { home: 'loud', twin: `c${MANY - 1}` };
    expect((await street.engine.readTwin(last))?.row.revision).toBe(2);
  });

  test('loses no neighbours in its batch to an event that cannot be stored', async () => {
    await using street = await openStreet();
    const commit = street.storage.commit.bind(street.storage);
    street.storage.commit = (rows) =>
      rows.journal.some(({ event }) => event.everyone === MANY - 1)
        ? Promise.reject(new Error('invalid byte sequence'))
        : commit(rows);
    const sent = [MANY, MANY - 1, 3].map((count) => street.send('loud', 'crier', count));
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([
      ...['accepted', 'rejected', 'accepted'],
    ]);
    const last = await street.engine.readTwin({ home: 'loud', twin: `c${MANY - 1}` });
    expect(last?.view.reported).toEqual({ heard: 1 });
  });

  test('keeps nobody waiting while the store takes long for it', async () => {
    await using street = await openStreet();
    const commit = street.storage.commit.bind(street.storage);
    let loud: Promise<Receipt> | undefined;
    const storeNow = await new Promise<() => void>((began) => {
      street.storage.commit = async (rows) => {
        if (rows.journal.length > MANY) await new Promise<void>(began);
        return commit(rows);
      };
      loud = street.send('loud', 'crier', MANY);
    });
    expect(await street.send('quiet', 'c0', 0)).toMatchObject({ status: 'accepted' });
    expect((await street.engine.readTwin({ home: 'loud', twin: 'c0' }))?.row.revision).toBe(1);
    storeNow();
    expect(await loud).toMatchObject({ status: 'accepted' });
    expect((await street.engine.readTwin({ home: 'loud', twin: 'c0' }))?.row.revision).toBe(2);
  });

  test('is fenced like all when another engine takes over', async () => {
    await using street = await openStreet();
    const commit = street.storage.commit.bind(street.storage);
    street.storage.commit = (rows) =>
      rows.journal.length > MANY
        ? Promise.reject(new EngineError('fenced', 'another engine has taken over'))
        : commit(rows);
    await expect(street.send('loud', 'crier', MANY)).rejects.toMatchObject({ code: 'fenced' });
    await expect(street.send('quiet', 'c0', 0)).rejects.toMatchObject({ code: 'fenced' });
    expect(street.engine.health().ready).toBe(false);
  });

  test('can be deleted meanwhile: that waits for the batch', async () => {
    await using street = await openStreet();
    const loud = street.send('loud', 'crier', MANY);
    await street.send('quiet', 'c0', 0);
    await street.engine.deleteHome('loud');
    expect(await loud).toMatchObject({ status: 'accepted' });
    expect(await street.engine.readTwin({ home: 'loud', twin: 'c0' })).toBeNull();
    expect(await street.engine.readTwin({ home: 'quiet', twin: 'c0' })).not.toBeNull();
  });

  test('is deleted in the order of its mail: what came before does not come back after', async () => {
    await using street = await openStreet();
    const loud = street.send('loud', 'crier', MANY);
    await street.send('quiet', 'c0', 0);
    const before = street.send('loud', 'newcomer', 0);
    const deleted = street.engine.deleteHome('loud');
    expect(await Promise.all([loud, before])).toMatchObject([
      { status: 'accepted' },
      { status: 'accepted' },
    ]);
    await deleted;
    expect(await street.engine.readTwin({ home: 'loud', twin: 'newcomer' })).toBeNull();
    expect(await street.storage.getHome('loud')).toBeNull();
  });
});
