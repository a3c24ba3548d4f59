import type { HomeostatProcess } from '../api/e2e/homeostat-process.ts';
import { asJson, query, series, settle } from './sql.ts';

/** The twin that all of a population are copies of. */
const PROTOTYPE = { home: 'prototype', twin: 'one' };

export interface Population {
  twins: number;
  homes: number;
  /** Homes are `{prefix}0`, `{prefix}1`, …; twin `d{n}` lives in the home of `n` modulo their number. */
  prefix: string;
  /** What the prototype's kind is told of itself. */
  settings: { silenceMs: number };
  /** The silence of the n-th twin ends at `from + n × every`, epoch ms. */
  due: { from: number; every: number };
}

/**
 * Sensors that have each reported once. The first comes into being as every twin does; the others are
 * copies of its rows, with names and deadlines of their own. The engine is stopped afterwards.
 */
export async function populate(
  engine: HomeostatProcess,
  databaseUrl: string,
  { twins, homes, prefix, settings, due }: Population,
): Promise<void> {
  const { home, twin } = PROTOTYPE;
  await engine.start();
  await engine.request('POST', '/v1/homes', { id: home, timezone: 'Europe/Berlin' });
  await engine.request('POST', `/v1/homes/${home}/twins`, { id: twin, kind: 'sensor', settings });
  await engine.request('POST', `/v1/homes/${home}/twins/${twin}/events`, {
    type: 'telemetry',
    temperature: 20.5,
    humidity: 41,
    battery: 87,
  });
  await engine.stop();

  const is = `home = '${home}' AND twin = '${twin}'`;
  const [stored] = await query<{ state: unknown }>(
    databaseUrl,
    `SELECT CAST(state AS text) AS state FROM twin WHERE ${is}`,
  );
  const original = JSON.parse(String(stored?.state)) as { timers: { due: number }[] };
  const deadline = original.timers[0]?.due;
  if (deadline === undefined) throw new Error('the prototype has no deadline');
  const dueOf = `(${due.from} + n * ${due.every})`;
  const named = `'${prefix}' || (n % ${homes}), 'd' || n`;
  const state = asJson(
    databaseUrl,
    `replace(CAST(state AS text), '"due":${deadline}', '"due":' || ${dueOf})`,
  );
  await query(
    databaseUrl,
    `${series(homes)} INSERT INTO home (id, name, timezone, created_at)
     SELECT '${prefix}' || n, name, timezone, created_at FROM home, series WHERE id = '${home}'`,
  );
  const kept = 'created_at, updated_at, last_event_at';
  await query(
    databaseUrl,
    `${series(twins)} INSERT INTO twin (home, twin, kind, version, name, room, via, revision, state, wake_at, ${kept})
     SELECT ${named}, kind, version, name, room, via, revision, ${state}, ${dueOf}, ${kept}
     FROM twin, series WHERE ${is}`,
  );
  const told =
    'revision, at, received_at, event, event_id, source, cause, correlation, principal, dedupe, late, state, effects';
  await query(
    databaseUrl,
    `${series(twins)} INSERT INTO journal (home, twin, ${told})
     SELECT ${named}, ${told} FROM journal, series WHERE ${is}`,
  );
  await settle(databaseUrl);
}
