import { CodecSet } from '../../../adapters/mqtt/codec-set.ts';
import { nativeCodec } from '../../../adapters/mqtt/codecs/native.ts';
import { Intake } from '../../../adapters/mqtt/intake.ts';
import type { DeliveryOutcome } from '../../../engine/index.ts';
import { kinds } from '../../../twins/catalogue.ts';
import { ApiBench, TOKEN } from '../../http/testing/api-bench.ts';
import type { HostileRequest } from './hostile-request.ts';
import type { GivenAnswer } from './open-api-document.ts';

const LONG = 'a-name-as-long-as-names-may-be.'.padEnd(64, '0');
export const HOMES = ['h1', LONG, 'bare'] as const;
export const TWINS = ['pump', 'trv', 'hall', 'probe', LONG] as const;
const DEAD_LETTERS = 100;

/**
 * A server over an engine whose homes have all that the API can show: twins of every kind, alerts,
 * commands in all their states, timers, candidates and dead letters of each sort. Every world
 * begins the same, so that a failing sequence of requests fails again.
 */
export class FuzzWorld implements AsyncDisposable {
  readonly bench: ApiBench;
  readonly #intake: Intake;
  #fresh = 0;

  private constructor(bench: ApiBench, intake: Intake) {
    this.bench = bench;
    this.#intake = intake;
  }

  /** @param databaseUrl of the engine and the tables of features; default: in memory */
  static async open(databaseUrl?: string): Promise<FuzzWorld> {
    const bench = await ApiBench.open({
      engine: { kinds },
      ...(databaseUrl !== undefined && { databaseUrl }),
    });
    const { engine } = bench;
    const native = nativeCodec('homeostat');
    const intake = new Intake({
      engine,
      codecs: new CodecSet([native], native),
      provisioning: () => 'claim',
      signal: () => undefined,
      onOnline: () => undefined,
      limit: 100,
    });
    let delivered = 0;
    const outcome = (): DeliveryOutcome =>
      ++delivered % 3 === 0
        ? { status: 'refused', error: 'no such device', hint: 'Look for it.' }
        : { status: 'delivered' };
    engine.addSink({
      name: 'mqtt',
      takes: ['command', 'desired'],
      deliver: async (rows) => rows.map(outcome),
    });
    const world = new FuzzWorld(bench, intake);
    await world.#furnish();
    return world;
  }

  async #furnish(): Promise<void> {
    const by = { principal: 'admin', source: 'rest' };
    const { engine, clock } = this.bench;
    for (const home of HOMES) {
      await engine.createHome({ id: home, name: home, timezone: 'Europe/Berlin' });
    }
    for (const home of [HOMES[0], HOMES[1]]) {
      await engine.createTwin({ home, twin: 'hall', kind: 'room' }, by);
      const settings = { overloadWatts: 100, autoOffMs: 60_000 };
      await engine.createTwin({ home, twin: 'pump', kind: 'relay', room: 'hall', settings }, by);
      await engine.createTwin({ home, twin: 'trv', kind: 'thermostat', room: 'hall' }, by);
      const extra = { measurements: { extra: 'x' }, limits: { temperature: { max: 30 } } };
      await engine.createTwin({ home, twin: 'probe', kind: 'sensor', settings: extra }, by);
      await engine.createTwin({ home, twin: LONG, kind: 'relay', settings }, by);
      for (const twin of ['pump', LONG]) {
        await this.says(`${home}/relay/${twin}/telemetry`, { on: true, power: 500 });
        await engine.command({ home, twin }, { name: 'switch', args: { on: false } }, by);
        await engine.desire({ home, twin }, { on: true }, by);
        await this.says(`${home}/relay/${twin}/telemetry`, { power: 1 });
        await this.says(`${home}/relay/${twin}/telemetry`, { on: true, power: 500 });
      }
      await this.says(`${home}/sensor/probe/telemetry`, { temperature: 40, extra: 1e290 });
      await this.says(`${home}/sensor/probe/telemetry`, { temperature: 20, extra: 1e290 });
      await this.says(`${home}/thermostat/trv/telemetry`, { temperature: 20, valve: 10 });
      await this.says(`${home}/thermostat/trv/telemetry`, '{"temperature": NaN}');
      await this.says(`${home}/thermostat/trv/telemetry`, { temperature: 'warm' });
      await this.says(`${home}/sensor/stranger/telemetry`, { temperature: 1 });
    }
    await this.says('nonsense', 'x');
    await engine.idle();
    clock.advance(400_000);
    await engine.idle();
  }

  /** A device’s message, below the root of the native contract. */
  says(topic: string, payload: object | string): Promise<string> {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    return this.#intake.take({
      topic: `homeostat/${topic}`,
      payload: Buffer.from(text),
      ...{ qos: 1, dup: false, replayed: false },
    });
  }

  /** The URL of a request, with what is there now in place of its numbers. */
  async urlOf({ operation, path, query }: HostileRequest): Promise<string> {
    let url = operation.path;
    const chosen: Record<string, string> = {};
    for (const [name, segment] of Object.entries(path)) {
      let raw: string;
      if ('raw' in segment) ({ raw } = segment);
      else {
        const there = await this.#known(name, operation.path, chosen);
        const found = there[segment.known % Math.max(1, there.length)] ?? 'none';
        chosen[name] = found;
        raw = encodeURIComponent(found);
      }
      url = url.replace(`{${name}}`, () => raw);
    }
    return query === '' ? url : `${url}?${query}`;
  }

  async #known(
    name: string,
    path: string,
    { home = HOMES[0], twin = TWINS[0] }: Record<string, string>,
  ): Promise<readonly string[]> {
    const { engine } = this.bench;
    const { storage } = engine;
    const page = { limit: 10 };
    if (name === 'home') return HOMES;
    if (name === 'kind') return kinds.map(({ kind }) => kind);
    if (name === 'twin') return path.includes('/candidates/') ? ['stranger', 'pump'] : TWINS;
    if (path.includes('/timers/')) {
      return (await storage.getTwin({ home, twin }))?.state.timers.map(({ id }) => id) ?? [];
    }
    const rows = path.includes('/alerts/')
      ? await storage.listAlerts(home, {}, page)
      : path.includes('/intents/')
        ? await engine.listIntents(home, {}, page)
        : await storage.listDeadLetters(path.includes('{home}') ? home : null, page);
    return rows.items.map(({ id }) => id);
  }

  async send(request: HostileRequest, url: string): Promise<GivenAnswer> {
    const { operation, head, headers, body } = request;
    const answer = await this.bench.app.inject({
      method: (head ? 'HEAD' : operation.method) as 'GET',
      url,
      headers: { ...headers, ...(body && { 'content-type': body.type }) },
      ...(body && { payload: body.text }),
    });
    return { status: answer.statusCode, headers: answer.headers, text: answer.payload };
  }

  /** What no request may have broken; throws what is broken. */
  async assertWhole(): Promise<void> {
    const { engine, app } = this.bench;
    await engine.idle();
    const { mailbox } = engine.stats();
    if (mailbox.some((waiting) => waiting > 0)) throw new Error('an idle engine has mail');
    const get = async (url: string) => {
      const answer = await app.inject({ url, headers: { authorization: `Bearer ${TOKEN}` } });
      if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.payload}`);
      return answer.json() as { items: { id: string }[] };
    };
    await get('/readyz');
    for (const { id: home } of (await get('/v1/homes?limit=200')).items) {
      for (const { id: twin } of (await get(`/v1/homes/${home}/twins?limit=200`)).items) {
        const report = await engine.replay({ home, twin });
        if (!report.ok) throw new Error(`${home}/${twin}: ${JSON.stringify(report)}`);
        await get(`/v1/homes/${home}/twins/${twin}/journal?limit=200`);
      }
      const letters = await engine.storage.listDeadLetters(home, { limit: 1_000 });
      if (letters.items.length > DEAD_LETTERS) throw new Error(`${home}: too many dead letters`);
      await get(`/v1/homes/${home}/dead-letters?limit=200`);
    }
    // A request that is fine works, and is stored
    const fresh = { home: HOMES[0], twin: `fresh-${++this.#fresh}` };
    const by = { principal: 'admin', source: 'rest' };
    if (!(await engine.storage.getHome(fresh.home))) {
      await engine.createHome({ id: fresh.home, name: 'One', timezone: 'UTC' });
    }
    await engine.createTwin({ ...fresh, kind: 'relay' }, by);
    const { revision } = (await engine.desire(fresh, { on: true }, by)) as { revision: number };
    const stored = await engine.storage.getTwin(fresh);
    if (!stored || stored.revision < revision || revision < 1) throw new Error('nothing is stored');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#intake[Symbol.dispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}
