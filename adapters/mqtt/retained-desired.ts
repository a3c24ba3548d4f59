import {
  type DeliveryRow,
  type Engine,
  isName,
  type JsonObject,
  keyOf,
  type TwinRow,
} from '../../engine/index.ts';
import type { Outgoing } from './codec.ts';
import type { CodecSet } from './codec-set.ts';

const PAGE = 500;

/**
 * The embedded broker forgets retained messages when it stops. This puts the desired state of a
 * twin back before a client's subscription to it is answered, so the device cannot tell.
 */
export class RetainedDesired {
  readonly #engine: Pick<Engine, 'readTwin' | 'storage' | 'view'>;
  readonly #codecs: CodecSet;
  readonly #root: string;
  readonly #publish: (outgoing: Outgoing) => Promise<unknown>;
  /** Twins whose desired state the broker has. */
  #present = new Set<string>();

  constructor(options: {
    engine: Pick<Engine, 'readTwin' | 'storage' | 'view'>;
    codecs: CodecSet;
    root: string;
    publish: (outgoing: Outgoing) => Promise<unknown>;
  }) {
    this.#engine = options.engine;
    this.#codecs = options.codecs;
    this.#root = options.root;
    this.#publish = options.publish;
  }

  /** The sink has published a newer one. */
  published(row: DeliveryRow): void {
    this.#present.add(keyOf(row));
  }

  /** Makes sure of what a subscription to the filter will ask for. A whole home may be asked for, not all homes. */
  async restore(filter: string): Promise<void> {
    if (!filter.startsWith(`${this.#root}/`)) return;
    const [home = '', kind = '#', twin = '#', channel = '#'] = filter
      .slice(this.#root.length + 1)
      .split('/');
    const asksForDesired =
      kind === '#' || twin === '#' || channel === '#' || channel === '+' || channel === 'desired';
    if (!isName(home) || !asksForDesired) return;
    if (isName(twin)) await this.#restoreOne({ home, twin });
    else await this.#restoreHome(home);
  }

  async #restoreOne(address: { home: string; twin: string }): Promise<void> {
    if (this.#present.has(keyOf(address))) return;
    const reading = await this.#engine.readTwin(address);
    if (reading) await this.#put(reading.row);
  }

  async #restoreHome(home: string): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#engine.storage.listTwins(home, {}, { limit: PAGE, cursor });
      await Promise.all(page.items.map((row) => this.#put(row)));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  async #put(twin: TwinRow): Promise<void> {
    // Looked at again after the read: the sink may have published a newer one meanwhile
    if (this.#present.has(keyOf(twin))) return;
    this.#present.add(keyOf(twin));
    const { desired } = this.#engine.view(twin);
    if (Object.keys(desired).length === 0) return;
    const said = this.#codecs.encode(asDelivery(twin, desired));
    if (said && 'topic' in said && said.retain) await this.#publish(said);
  }
}

function asDelivery(twin: TwinRow, desired: JsonObject): DeliveryRow {
  const { home, kind, via, revision, updatedAt } = twin;
  return {
    id: `${keyOf(twin)}@${revision}`,
    home,
    twin: twin.twin,
    destination: 'mqtt',
    delivery: { type: 'desired', kind, via, desired, revision },
    createdAt: updatedAt,
    expiresAt: null,
    attempts: 0,
    notBefore: 0,
  };
}
