import type { FoldedBatch } from '../batch/folding.ts';
import { JournalDays } from '../batch/journal-days.ts';
import { HomeObservers, WATCHES } from '../batch/observers.ts';
import type { WorkingSetSource } from '../batch/working-set.ts';
import type { Address } from '../model/envelope.ts';
import type { Census, Storage } from '../storage/port.ts';
import { HotTwins } from './hot-twins.ts';

/** What a shard knows without asking the store: twins, and who watches whom. Bounded. */
export class ShardCache {
  readonly #storage: Storage;
  readonly #limit: number;
  readonly #hot: HotTwins;
  /** The watches of each home, the home whose batch is longest ago first. */
  readonly #watches = new Map<string, HomeObservers>();
  /** Likewise. Whoever deletes twins forgets the home. */
  readonly #censuses = new Map<string, Census>();
  readonly #journalDays = new JournalDays();

  constructor(storage: Storage, hotTwins: number) {
    this.#storage = storage;
    this.#limit = hotTwins;
    this.#hot = new HotTwins(hotTwins);
  }

  get hotTwins(): number {
    return this.#hot.size;
  }

  /** Where a batch finds its twins: here, or in the store. */
  readonly source: Omit<WorkingSetSource, 'kinds' | 'epoch' | 'quotas'> = {
    hot: (key) => this.#hot.get(key),
    load: (addresses) => this.#storage.load(addresses),
    getHome: (id) => this.#storage.getHome(id),
    hotWatches: (home) => this.#watches.get(home),
    loadWatches: (homes) => this.#loadWatches(homes),
    hotCensus: (home) => this.#censuses.get(home),
    loadCensus: (homes) => this.#storage.countKinds(homes),
  };

  /** Only what has been committed may come in here. */
  keep({ twins, watches, censuses, written }: FoldedBatch): void {
    for (const twin of twins) this.#hot.put(twin);
    for (const { home, watches: those } of watches) this.#keepOf(home, this.#watches, those);
    for (const { home, census } of censuses) this.#keepOf(home, this.#censuses, census);
    this.#journalDays.keep(written);
  }

  get journalDays(): Pick<JournalDays, 'usedBy' | 'isTold'> {
    return this.#journalDays;
  }

  forget(address: Address): void {
    this.#hot.drop(address);
  }

  forgetHome(home: string): void {
    this.#hot.dropHome(home);
    this.#watches.delete(home);
    this.#censuses.delete(home);
  }

  async #loadWatches(homes: readonly string[]): Promise<Map<string, HomeObservers>> {
    const rows = await this.#storage.listRelations(homes, WATCHES);
    const found = new Map(homes.map((home) => [home, HomeObservers.none]));
    for (const { home, twin, targets } of rows) {
      found.set(home, (found.get(home) ?? HomeObservers.none).with(twin, targets));
    }
    return found;
  }

  #keepOf<T>(home: string, all: Map<string, T>, one: T): void {
    all.delete(home);
    all.set(home, one);
    if (all.size <= this.#limit) return;
    for (const oldest of all.keys()) {
      all.delete(oldest);
      break;
    }
  }
}
