import type { HomeQuotas } from '../batch/quotas.ts';
import { createEngine } from '../create-engine.ts';
import type { AnyKind } from '../kind.ts';
import type { Projection } from '../log/projections/projection.ts';
import type { EventData, Inbound } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import { ManualClock } from '../model/manual-clock.ts';
import type { DeliveryRow } from '../model/rows.ts';
import { type EngineSignals, EngineTelemetry } from '../model/telemetry.ts';
import type { DeliveryOutcome, Sink } from '../outbox/sink.ts';
import type { Engine } from '../services/engine.ts';
import type { Limits } from '../services/engine-options.ts';
import type { Storage } from '../storage/port.ts';
import { openSqlite } from '../storage/sqlite/open.ts';

const STEP_MS = 5 * 60_000;

/** A destination that remembers what it was given and does as it is told. */
export class RecordingSink implements Sink {
  readonly name: string;
  readonly takes = ['command', 'desired'] as const;
  readonly delivered: DeliveryRow[] = [];
  /** What to answer; by default everything is delivered. */
  answer: (row: DeliveryRow) => DeliveryOutcome = () => ({ status: 'delivered' });

  constructor(name = 'test') {
    this.name = name;
  }

  deliver(rows: readonly DeliveryRow[]): Promise<DeliveryOutcome[]> {
    return Promise.resolve(
      rows.map((row) => {
        const outcome = this.answer(row);
        if (outcome.status === 'delivered') this.delivered.push(row);
        return outcome;
      }),
    );
  }

  get commands(): { twin: string; name: string; args: object; id: string }[] {
    return this.delivered.flatMap(({ id, twin, delivery }) =>
      delivery.type === 'command' ? [{ id, twin, name: delivery.name, args: delivery.args }] : [],
    );
  }
}

export interface EngineBench extends AsyncDisposable {
  engine: Engine;
  storage: Storage;
  clock: ManualClock;
  sink: RecordingSink;
  signals: { name: keyof EngineSignals; fields: unknown }[];
  /** Hands in a device's event and waits for its commit. */
  send(twin: string, event: EventData, given?: Partial<Inbound>): ReturnType<Engine['dispatch']>;
  /** Tells a twin what a feature has decided. */
  tell(twin: string, event: EventData): ReturnType<Engine['tell']>;
  /** Moves the clock and waits until everything that follows is done. */
  pass(ms: number): Promise<void>;
}

/** A whole engine with a clock that stands still; `storage` defaults to SQLite in memory. */
export async function startEngine(given: {
  kinds: readonly AnyKind[];
  storage?: Storage;
  clock?: ManualClock;
  sink?: RecordingSink | null;
  limits?: Partial<Limits>;
  quotas?: Partial<HomeQuotas>;
  random?: () => number;
  holdBack?: readonly string[];
  projections?: readonly Projection[];
}): Promise<EngineBench> {
  const clock = given.clock ?? new ManualClock();
  const storage = given.storage ?? (await openSqlite(':memory:', { deadLettersPerHome: 100 }));
  const telemetry = new EngineTelemetry();
  const signals: EngineBench['signals'] = [];
  telemetry.subscribe((name, fields) => signals.push({ name, fields }));
  let ids = 0;
  const engine = await createEngine({
    storage,
    clock,
    telemetry,
    kinds: given.kinds,
    begin: async () => ({ holdBack: given.holdBack ?? [], end: async () => {} }),
    newId: () => `id-${++ids}`,
    defaultTimezone: 'Europe/Berlin',
    owner: 'test',
    takeoverWaitMs: 0,
    destinations: { command: 'test', desired: 'test' },
    retention: { journal: 90, rollups: 400, ended: 90 },
    random: given.random ?? (() => 0.5),
    ...(given.limits && { limits: given.limits }),
    ...(given.quotas && { quotas: given.quotas }),
    ...(given.projections && { projections: given.projections }),
  });
  const sink = given.sink ?? new RecordingSink();
  if (given.sink !== null) engine.addSink(sink);
  let sent = 0;
  /** What twins are that a test has named the kind of. */
  const kindOf = new Map<string, string>();
  const tell: EngineBench['tell'] = (twin, event) =>
    engine.tell({
      ...{ home: 'h1', twin, id: `told-${++sent}`, dedupe: false, event, at: clock.now() },
      ...{ undated: true, principal: 'test', ifUnknown: 'reject' },
    });
  return {
    engine,
    storage,
    clock,
    sink,
    signals,
    async send(twin, event, more = {}) {
      const id = more.id ?? `sent-${++sent}`;
      if (more.kind !== undefined) kindOf.set(twin, more.kind);
      const { type, ...patch } = event;
      if (type === 'desired.changed' || type === 'settings.changed') {
        const address = { home: more.home ?? 'h1', twin };
        const by = { principal: more.principal ?? 'ada', source: 'rest', key: id };
        if (!(await storage.getTwin(address))) {
          const kind = more.kind ?? given.kinds[0]?.kind ?? '';
          if (!(await storage.getHome(address.home))) {
            const home = {
              id: address.home,
              incarnation: 'i',
              name: 'Home',
              createdAt: clock.now(),
            };
            await storage.insertHome({ ...home, timezone: 'Europe/Berlin' });
          }
          await engine
            .createTwin({ ...address, kind }, { principal: by.principal, source: 'rest' })
            .catch((error: unknown) => {
              // Another event that was sent at the same time has made it
              if (!(error instanceof EngineError && error.code === 'conflict')) throw error;
            });
        }
        if (type === 'desired.changed') {
          return await engine.desire(address, patch as JsonObject, by);
        }
        return await tell(twin, event);
      }
      return await engine.dispatch({
        home: 'h1',
        twin,
        id,
        dedupe: more.id !== undefined,
        event,
        at: clock.now(),
        undated: more.at === undefined,
        source: engine.kinds.get(kindOf.get(twin) ?? '')?.isDevice === false ? 'rest' : 'mqtt',
        principal: 'device',
        ifUnknown: 'create',
        kind: given.kinds[0]?.kind ?? '',
        ...more,
      });
    },
    tell,
    async pass(ms) {
      // In steps, as time does: what falls due is read from the store while it passes
      for (let left = ms; left > 0; left -= STEP_MS) {
        clock.advance(Math.min(left, STEP_MS));
        await engine.idle();
      }
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      if (!given.storage) await storage[Symbol.asyncDispose]();
    },
  };
}
