import {
  type Address,
  type Clock,
  type DeliveryRow,
  type Engine,
  EngineError,
  type Envelope,
  type JsonObject,
  keyOf,
  type Receipt,
  type Sink,
  systemClock,
  type TwinReading,
  type TwinRow,
} from '../../../engine/index.ts';
import { Recorder } from './recorder.ts';

type Buried = Parameters<Engine['bury']>[0];

/** The engine's door as the adapter uses it, with commits that a test holds and lets go. */
export class FakeEngine {
  readonly clock: Clock;
  readonly dispatched = new Recorder<Envelope>();
  readonly buried = new Recorder<Buried>();
  readonly wakes = new Recorder<string>();
  readonly twins = new Map<string, TwinRow>();
  /** What the next commits answer; by default everything is accepted. */
  answer: (envelope: Envelope) => Receipt = () => ({
    status: 'accepted',
    revision: 1,
    effects: [],
  });
  /** Envelopes that may wait for their commit before `overloaded`. */
  mailbox = Number.POSITIVE_INFINITY;
  stopping = false;
  sink: Sink | null = null;
  redeliver: ((topic: string, payload: Buffer) => Promise<void>) | null = null;
  #held: (() => void)[] | null = null;
  #roomWanted: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  /** The fake as the adapter takes it: as a whole engine. */
  get door(): Engine {
    return this as unknown as Engine;
  }

  /** Commits wait from now on. */
  hold(): void {
    this.#held ??= [];
  }
  get held(): number {
    return this.#held?.length ?? 0;
  }
  /** Lets all commits through that wait, or the first few; then what waits for room may come. */
  commit(count = this.held): void {
    for (const go of this.#held?.splice(0, count) ?? []) go();
    for (const { resolve } of this.#roomWanted.splice(0)) resolve();
  }
  /** Commits no longer wait. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const go of held) go();
    for (const { resolve } of this.#roomWanted.splice(0)) resolve();
  }
  stop(): void {
    this.stopping = true;
    for (const { reject } of this.#roomWanted.splice(0))
      reject(new EngineError('stopping', 'stopping'));
  }

  async dispatch(envelope: Envelope): Promise<Receipt> {
    if (this.stopping) throw new EngineError('stopping', 'stopping');
    const held = this.#held;
    if (held && held.length >= this.mailbox) throw new EngineError('overloaded', 'full');
    this.dispatched.push(envelope);
    if (held) await new Promise<void>((resolve) => held.push(resolve));
    return this.answer(envelope);
  }
  async hasRoom(): Promise<void> {
    if (this.held < this.mailbox) return;
    await new Promise<void>((resolve, reject) => this.#roomWanted.push({ resolve, reject }));
  }
  async bury(packet: Buried): Promise<void> {
    this.buried.push(packet);
  }
  addPacketSource(
    _name: string,
    redeliver: (topic: string, payload: Buffer) => Promise<void>,
  ): Disposable {
    this.redeliver = redeliver;
    return { [Symbol.dispose]: () => undefined };
  }
  addSink(sink: Sink): Disposable {
    this.sink = sink;
    return {
      [Symbol.dispose]: () => {
        this.sink = null;
      },
    };
  }
  wakeSink(name: string): void {
    this.wakes.push(name);
  }
  async readTwin(address: Address): Promise<TwinReading | null> {
    const row = this.twins.get(keyOf(address));
    return row ? { row, view: this.view(row) } : null;
  }
  view({ state }: TwinRow) {
    return { reported: {}, desired: (state.context.desired ?? {}) as JsonObject, settings: {} };
  }
  readonly storage = {
    listTwins: async (home: string) => ({
      items: [...this.twins.values()].filter((row) => row.home === home),
      nextCursor: null,
    }),
  };

  /** A twin with a desired state, as it is stored. */
  addTwin(home: string, twin: string, desired: JsonObject, revision = 1): void {
    const row = {
      ...{
        home,
        twin,
        kind: 'thermostat',
        version: 1,
        name: twin,
        room: null,
        via: null,
        revision,
      },
      state: { context: { desired } },
      ...{ wakeAt: null, createdAt: 0, updatedAt: 0, lastEventAt: null },
    };
    this.twins.set(`${home}/${twin}`, row as unknown as TwinRow);
  }
}

/** A command on its way out. */
export function commandRow(
  twin: string,
  id: string,
  options: {
    name?: string;
    args?: JsonObject;
    via?: string | null;
    expiresAt?: number;
    kind?: string;
    home?: string;
  } = {},
): DeliveryRow {
  const { name = 'switch', args = { on: true }, via = null, kind = 'relay' } = options;
  const { home = 'home' } = options;
  const expiresAt = options.expiresAt ?? Date.now() + 60_000;
  return {
    id,
    home,
    twin,
    destination: 'mqtt',
    delivery: { type: 'command', kind, via, name, args, expiresAt },
    createdAt: 0,
    expiresAt,
    attempts: 0,
    notBefore: 0,
  };
}

export function desiredRow(twin: string, desired: JsonObject, revision: number): DeliveryRow {
  return {
    id: `home/${twin}@${revision}#0`,
    home: 'home',
    twin,
    destination: 'mqtt',
    delivery: { type: 'desired', kind: 'thermostat', via: null, desired, revision },
    createdAt: 0,
    expiresAt: null,
    attempts: 0,
    notBefore: 0,
  };
}
