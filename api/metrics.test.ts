import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../engine/testing/package-root.ts';
import { ApiBench } from './http/testing/api-bench.ts';

describe('metrics', () => {
  let api: ApiBench;
  beforeEach(async () => {
    api = await ApiBench.open();
    await api.furnish();
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const scrape = async () => (await api.get('/metrics')).text.split('\n');

  it('are in Prometheus’ text format', async () => {
    const answer = await api.get('/metrics');
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const line of answer.text.split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_:][a-z0-9_:]*(\{.*\})? \S+|)$/i);
    }
  });

  it('are there for each of the alert rules that are shipped', async () => {
    const rules = readFileSync(new URL('deploy/prometheus-alerts.yaml', PACKAGE_ROOT), 'utf8');
    const named = [...rules.matchAll(/homeostat_\w+/g)].map(([name]) => name);
    const there = new Set(
      (await scrape()).flatMap((line) => /^# HELP (\S+)/.exec(line)?.[1] ?? []),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(
      named.map((name) => name.replace(/_bucket$/, '')).filter((name) => !there.has(name)),
    ).toEqual([]);
  });

  it('count what the engine settles', async () => {
    const url = '/v1/homes/h1/twins/l1/events';
    const call = { headers: { 'idempotency-key': 'k1' } };
    await api.post(url, { type: 'telemetry', on: true }, call);
    await api.post(url, { type: 'telemetry', on: true }, call);
    await api.post(url, { type: 'nonsense' });
    api.clock.advance(700_000);
    await api.engine.idle();
    const lines = await scrape();
    expect(lines).toEqual(
      expect.arrayContaining([
        'homeostat_events_total{status="accepted",source="rest"} 2',
        'homeostat_events_total{status="duplicate",source="rest"} 1',
        'homeostat_events_total{status="rejected",source="rest"} 1',
        'homeostat_twins_created_total{kind="lamp"} 1',
        'homeostat_timer_lateness_seconds_count 1',
        'homeostat_twins 1',
        'homeostat_hot_twins 1',
        'homeostat_mailbox_depth{shard="0"} 0',
        'homeostat_ready 1',
        'homeostat_store_up 1',
        'homeostat_dead_letters 0',
        'homeostat_live_subscribers 0',
      ]),
    );
    expect(
      lines.find((line) => line.startsWith('homeostat_commit_duration_seconds_count')),
    ).toMatch(/ [1-9]/);
    expect(lines.some((line) => line.startsWith('process_cpu'))).toBe(true);
  });

  it('count deliveries by destination and outcome, and how long the oldest waits', async () => {
    await api.post('/v1/homes/h1/twins/l1/commands', { name: 'blink', args: { times: 1 } });
    api.clock.advance(2_000);
    expect(await scrape()).toEqual(
      expect.arrayContaining(['homeostat_outbox_depth 1', 'homeostat_outbox_oldest_age_seconds 2']),
    );
    using _sink = api.engine.addSink({
      name: 'mqtt',
      takes: ['command', 'desired'],
      deliver: async (rows) => rows.map(() => ({ status: 'delivered' as const })),
    });
    await api.engine.idle();
    expect(await scrape()).toEqual(
      expect.arrayContaining([
        'homeostat_deliveries_total{destination="mqtt",outcome="delivered"} 1',
        'homeostat_outbox_depth 0',
        'homeostat_outbox_oldest_age_seconds 0',
      ]),
    );
  });

  it('time requests by route template, never by id', async () => {
    await api.get('/v1/homes/h1/twins/l1');
    await api.get('/v1/homes/h1/twins/some-other');
    await api.get('/v1/nothing/here');
    const lines = (await scrape()).filter((line) => line.includes('http_request_duration'));
    const text = lines.join('\n');
    expect(text).toContain('route="/v1/homes/:home/twins/:twin",status="200"');
    expect(text).toContain('route="/v1/homes/:home/twins/:twin",status="404"');
    expect(text).toContain('route="none",status="404"');
    expect(text).not.toContain('some-other');
  });
});
