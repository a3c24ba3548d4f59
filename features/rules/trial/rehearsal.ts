/** A home in memory, with rules, obedient devices and a clock that is moved: the real engine, and no world. */
import {
  type AnyKind,
  createEngine,
  type DeliveryOutcome,
  type Door,
  type Engine,
  EngineError,
  EngineTelemetry,
  type EventData,
  ManualClock,
  openStorage,
  type Receipt,
  type Storage,
  type Told,
} from '../../../engine/index.ts';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import type { Context } from '../kind/context.ts';
import { hearsStart, webhooksOf } from '../kind/program.ts';
import type { TestCase } from '../language/test-file.ts';
import type { Definition } from '../rule-definition.ts';
import { type Deed, deedsOf } from './backtest.ts';

const HOME = 'home';
const BY = { principal: 'test', source: 'rest' };
const LEAST_STEP_MS = 100;
/** The engine looks for what falls due while time passes, not after. */
const MAX_STEP_MS = 5 * 60_000;
/** How long kinds let a device be silent. */
const LONGEST_SILENCE_MS = 31 * 24 * 60 * 60_000;
/** Commands that follow from the answers to commands; beyond it devices and rules go round. */
const MAX_ANSWERS = 100;

export class Rehearsal implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly #engine: Engine;
  readonly #storage: Storage;
  readonly #silent = new Set<string>();
  readonly #kinds = new Map<string, string>();
  #sent: { twin: string; id: string; name: string; args: JsonObject }[] = [];
  #commands: string[] = [];
  /** Per rule, the revision up to which its deeds have been told. */
  readonly #told = new Map<string, number>();
  #ids = 0;

  private constructor(engine: Engine, storage: Storage, clock: ManualClock) {
    this.#engine = engine;
    this.#storage = storage;
    this.clock = clock;
    engine.addSink({
      name: 'test',
      takes: ['command', 'desired', 'notify', 'retrain', 'webhook'],
      deliver: (rows) => {
        for (const { id, twin, delivery } of rows) {
          if (delivery.type !== 'command') continue;
          this.#sent.push({ twin, id, name: delivery.name, args: delivery.args });
          this.#commands.push(`${twin} ${delivery.name} ${JSON.stringify(delivery.args)}`);
        }
        return Promise.resolve(rows.map((): DeliveryOutcome => ({ status: 'delivered' })));
      },
    });
  }

  /** @param start epoch ms */
  static async open(
    kinds: readonly AnyKind[],
    timezone: string,
    start: number,
  ): Promise<Rehearsal> {
    const clock = new ManualClock(start);
    const storage = await openStorage('sqlite::memory:', { deadLettersPerHome: 100 });
    let ids = 0;
    const engine = await createEngine({
      ...{ storage, clock, kinds, defaultTimezone: timezone, owner: 'test', takeoverWaitMs: 0 },
      telemetry: new EngineTelemetry(),
      newId: () => `id-${++ids}`,
      destinations: {
        ...{ command: 'test', desired: 'test', notify: 'test', retrain: 'test', webhook: 'test' },
      },
      retention: { journal: 400, rollups: 400, ended: 400 },
    });
    await engine.createHome({ id: HOME, name: HOME, timezone });
    return new Rehearsal(engine, storage, clock);
  }

  async furnish(twins: TestCase['twins']): Promise<void> {
    // Rooms first: others stand in them
    const sorted = Object.entries(twins).sort(
      ([, a], [, b]) => Number(a.room !== undefined) - Number(b.room !== undefined),
    );
    for (const [twin, { kind, room, reported, settings, silent }] of sorted) {
      this.#kinds.set(twin, kind);
      if (silent) this.#silent.add(twin);
      const all = { ...this.#stillness(kind, silent), ...(settings as JsonObject | undefined) };
      await this.#engine.createTwin(
        {
          ...{ home: HOME, twin, kind },
          ...(room !== undefined && { room }),
          ...(Object.keys(all).length > 0 && { settings: all }),
        },
        BY,
      );
      if (reported) await this.report(twin, reported as JsonObject);
    }
  }

  /** A device of a test reports when the test says so, and is in touch all the same. */
  #stillness(kind: string, silent: boolean): JsonObject {
    const settings = this.#engine.kinds.get(kind)?.events['settings.changed'];
    return !silent && settings && 'silenceMs' in settings.shape
      ? { silenceMs: LONGEST_SILENCE_MS }
      : {};
  }

  /** What a rule is checked against: the twins of the test. */
  async snapshot(): Promise<HomeSnapshot> {
    const twins = new Map<string, KnownTwin>();
    for (const [id, kind] of this.#kinds) {
      const { row, view } = await this.#read(id);
      twins.set(id, { id, kind, room: row.room, ...view });
    }
    return { twins, kinds: this.#engine.kinds, rules: [] };
  }

  async define(definition: Definition, source: string): Promise<void> {
    const address = { home: HOME, twin: definition.rule };
    await this.#engine.createTwin({ ...address, kind: 'rule' }, BY);
    this.#told.set(definition.rule, 0);
    const event = { type: 'rule.defined', definition: definition as unknown as Json, source };
    await this.#tell(definition.rule, event);
  }

  report(twin: string, report: JsonObject): Promise<void> {
    return this.#send(twin, { ...report, type: 'telemetry' }, 'mqtt');
  }

  /** Somebody outside calls a webhook of whichever rules have it, or the engine starts. */
  async message(
    message: { type: 'webhook.called'; hook: string; body: Json } | { type: 'engine.started' },
  ): Promise<void> {
    for (const rule of this.#told.keys()) {
      const { row } = await this.#read(rule);
      const { definition } = row.state.context as unknown as Context;
      if (!definition) continue;
      if (message.type === 'engine.started') {
        if (hearsStart(definition))
          await this.#tell(rule, { ...message, start: `test-${++this.#ids}` });
      } else if (webhooksOf(definition).includes(message.hook)) await this.#tell(rule, message);
    }
  }

  desire(twin: string, desired: JsonObject): Promise<void> {
    return this.#taken(this.#engine.desire({ home: HOME, twin }, desired, BY));
  }

  event(twin: string, event: EventData): Promise<void> {
    // By hand, which has a route of its own
    if (event.type === 'run') return this.#tell(twin, event);
    return this.#send(twin, event, event.type === 'message' ? 'message' : 'rest');
  }

  /** Lets time pass, from one deadline to the next. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    await this.#settle();
    while (this.clock.now() < end) {
      const now = this.clock.now();
      const [next] = await this.#storage.dueWakes(end, 1, null);
      // A deadline that stays due is passed over in small steps
      const at = Math.max(next?.wakeAt ?? end, now + LEAST_STEP_MS);
      this.clock.advance(Math.min(at, end, now + MAX_STEP_MS) - now);
      await this.#settle();
    }
  }

  async reading(twin: string): Promise<{ state: Json; reported: JsonObject; desired: JsonObject }> {
    const { row, view } = await this.#read(twin);
    return { state: row.state.value as Json, reported: view.reported, desired: view.desired };
  }

  /** `twin:key` of alerts that are not cleared. */
  async alerts(): Promise<string[]> {
    const { items } = await this.#storage.listAlerts(HOME, {}, { limit: 200 });
    return items
      .filter(({ status }) => status !== 'cleared')
      .map(({ twin, key }) => `${twin}:${key}`)
      .sort();
  }

  /** What rules did, and what was sent to devices, since the last time that it was asked. */
  async takeDeeds(): Promise<{ did: string[]; commands: string[] }> {
    const deeds: Deed[] = [];
    for (const [rule, told] of this.#told) {
      const rows = await this.#storage.readJournal({ home: HOME, twin: rule }, told + 1, 1_000);
      deeds.push(...rows.flatMap(({ effects, receivedAt }) => deedsOf(effects, receivedAt)));
      this.#told.set(rule, rows.at(-1)?.revision ?? told);
    }
    const commands = this.#commands;
    this.#commands = [];
    return {
      did: deeds.sort((a, b) => a.at - b.at).map(({ type, what }) => `${type} ${what}`),
      commands,
    };
  }

  async #read(twin: string) {
    const reading = await this.#engine.readTwin({ home: HOME, twin });
    if (reading) return reading;
    throw new EngineError('unknown-twin', `there is no twin "${twin}" in this test`, {
      hint: 'Name it under "twins".',
    });
  }

  /** @throws EngineError for an event that its twin refuses */
  async #send(twin: string, event: EventData, source: Door): Promise<void> {
    await this.#taken(this.#engine.dispatch({ ...this.#message(twin, event), source }));
  }

  async #tell(twin: string, event: EventData): Promise<void> {
    await this.#taken(this.#engine.tell(this.#message(twin, event)));
  }

  #message(twin: string, event: EventData): Told {
    const id = `test-${++this.#ids}`;
    return {
      ...{ home: HOME, twin, id, dedupe: false, event, answered: true, undated: true },
      ...{ at: this.clock.now(), principal: 'test', ifUnknown: 'reject' },
    };
  }

  async #taken(sent: Promise<Receipt>): Promise<void> {
    const receipt = await sent;
    if (receipt.status === 'rejected') {
      throw new EngineError(receipt.code, receipt.reason, {
        ...(receipt.hint !== undefined && { hint: receipt.hint }),
      });
    }
    await this.#settle();
  }

  /** Devices do what they are told and report it, until all is quiet. */
  async #settle(): Promise<void> {
    this.clock.advance(0);
    await this.#engine.idle();
    for (let answers = 0; this.#sent.length > 0; answers++) {
      if (answers === MAX_ANSWERS)
        throw new EngineError(
          'cascade-too-wide',
          'devices and rules answer each other without end',
        );
      const sent = this.#sent;
      this.#sent = [];
      for (const { twin, id } of sent) {
        if (this.#silent.has(twin)) continue;
        const { row } = await this.#read(twin);
        const expected = row.state.pending.find((pending) => pending.id === id)?.expect;
        const event: EventData = expected
          ? { ...expected, type: 'telemetry' }
          : { type: 'ack', intent: id, ok: true };
        const at = this.clock.now();
        const answer = `${id}:answer`;
        await this.#engine.dispatch({
          ...{
            home: HOME,
            twin,
            id: answer,
            dedupe: false,
            event,
            source: 'mqtt',
            undated: true,
            at,
          },
          ...{ principal: 'device', ifUnknown: 'reject' },
        });
      }
      await this.#engine.idle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
    await this.#storage[Symbol.asyncDispose]();
  }
}
