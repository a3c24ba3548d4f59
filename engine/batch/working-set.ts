import { type Address, type Envelope, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Facts, Read } from '../model/facts.ts';
import type { AnyKind } from '../model/kind.ts';
import type { HomeRow, LoadedTwin } from '../model/rows.ts';
import type { Census } from '../storage/port.ts';
import { gatherFacts } from '../turn/gather-facts.ts';
import { type LiveTwin, revive } from '../turn/live-twin.ts';
import { HomeObservers } from './observers.ts';
import type { Quotas } from './quotas.ts';

/** Where twins and homes come from. */
export interface WorkingSetSource {
  kinds: ReadonlyMap<string, AnyKind>;
  /** The epoch of the database, under which turns are folded; known once the homes are claimed. */
  epoch(): number;
  /** A twin that is in memory already. */
  hot(key: string): LiveTwin | undefined;
  load(addresses: readonly Address[]): Promise<LoadedTwin[]>;
  getHome(id: string): Promise<HomeRow | null>;
  /** Who watches whom, of a home that is in memory already. */
  hotWatches(home: string): HomeObservers | undefined;
  /** The same of others, each that is asked for. */
  loadWatches(homes: readonly string[]): Promise<Map<string, HomeObservers>>;
  quotas: Quotas;
  /** The twins of a home whose census is in memory already. */
  hotCensus(home: string): Census | undefined;
  /** The same of others, each that is asked for. */
  loadCensus(homes: readonly string[]): Promise<Map<string, Census>>;
}

/**
 * The twins that a batch deals with, as they are after its turns so far. Nothing outside sees them
 * before the commit.
 */
export class WorkingSet {
  readonly #source: WorkingSetSource;
  /** Null: known not to exist. */
  #twins = new Map<string, LiveTwin | null>();
  #unreadable = new Map<string, EngineError>();
  #homes = new Map<string, HomeRow | null>();
  #watches = new Map<string, HomeObservers>();
  /** Homes whose watches are others than the store's. */
  #rewatched = new Set<string>();
  /** The number of twins by kind, for homes in which a twin may come into being. */
  #censuses = new Map<string, Map<string, number>>();
  #turned = new Set<string>();
  /** Twins without a turn whose stored bound was corrected. */
  #rebound = new Set<string>();
  /** Twins without a turn that gained or lost a member: only their copy in memory changes. */
  #related = new Set<string>();
  /** Room changes of this batch, for rooms that it loads afterwards. */
  #memberships: { room: string; member: string; belongs: boolean }[] = [];

  constructor(source: WorkingSetSource) {
    this.#source = source;
  }

  /**
   * Loads what is missing of these twins, of those that watch them, and of what either reads: a round trip
   * each, and none where all is in memory.
   */
  async load(addresses: readonly (Address | Envelope)[]): Promise<void> {
    await Promise.all([this.#loadTwins(addresses), this.#loadWatches(addresses)]);
    const watchers = addresses.flatMap((address) => {
      const watches = this.#watches.get(address.home) ?? HomeObservers.none;
      if (watches === HomeObservers.none) return [];
      const { home, twin } = address;
      const known = this.#known(address);
      const event = 'event' in address ? address.event : null;
      const room = typeof event?.room === 'string' ? event.room : (known?.room ?? null);
      const kind = known?.kind ?? ('kind' in address ? (address.kind ?? '') : '');
      return watches.of({ twin, kind, room }).map((watcher) => ({ home, twin: watcher }));
    });
    if (watchers.length > 0) await this.#loadTwins(watchers);
    const reads = [...addresses, ...watchers].flatMap((address) => {
      const twin = this.#known(address);
      return twin ? readsOf(twin).map((read) => ({ home: address.home, twin: read.twin })) : [];
    });
    if (reads.length > 0) await this.#loadTwins(reads);
  }

  /** Null also for one that cannot be read: whoever needs it is told then. */
  #known(address: Address): LiveTwin | null {
    return this.#twins.get(keyOf(address)) ?? null;
  }

  async #loadWatches(addresses: readonly Address[]): Promise<void> {
    const missing = new Set<string>();
    for (const { home } of addresses) {
      if (this.#watches.has(home)) continue;
      const hot = this.#source.hotWatches(home);
      if (hot) this.#watches.set(home, hot);
      else missing.add(home);
    }
    if (missing.size === 0) return;
    for (const [home, watches] of await this.#source.loadWatches([...missing])) {
      this.#watches.set(home, watches);
      this.#rewatched.add(home);
    }
  }

  async #loadTwins(addresses: readonly Address[]): Promise<void> {
    const missing = new Map<string, Address>();
    for (const address of addresses) {
      const key = keyOf(address);
      if (this.#twins.has(key) || this.#unreadable.has(key) || missing.has(key)) continue;
      const hot = this.#source.hot(key);
      if (hot) this.#twins.set(key, hot);
      // Only what the store needs of it: it may be copied to another thread, and envelopes may be large
      else missing.set(key, { home: address.home, twin: address.twin });
    }
    if (missing.size === 0) return;
    for (const stored of await this.#source.load([...missing.values()])) {
      const key = keyOf(stored);
      missing.delete(key);
      try {
        this.#twins.set(key, this.#revive(stored));
      } catch (error) {
        // Kept for each of its envelopes: they are refused one by one
        this.#unreadable.set(key, error as EngineError);
      }
    }
    for (const key of missing.keys()) this.#twins.set(key, null);
  }

  /** Homes matter only to envelopes that may bring a twin into being. */
  async loadHomes(envelopes: readonly Envelope[]): Promise<void> {
    for (const { home, twin, ifUnknown } of envelopes) {
      if (ifUnknown !== 'create' || this.#homes.has(home)) continue;
      if (this.#twins.get(keyOf({ home, twin })) !== null) continue;
      this.#homes.set(home, await this.#source.getHome(home));
    }
    await this.#loadCensuses([...this.#homes.keys()]);
  }

  async #loadCensuses(homes: readonly string[]): Promise<void> {
    const missing: string[] = [];
    for (const home of homes) {
      if (this.#censuses.has(home) || !this.#source.quotas.countsTwins(home)) continue;
      const hot = this.#source.hotCensus(home);
      if (hot) this.#censuses.set(home, new Map(hot));
      else missing.push(home);
    }
    if (missing.length === 0) return;
    for (const [home, census] of await this.#source.loadCensus(missing)) {
      this.#censuses.set(home, new Map(census));
    }
  }

  /** A twin is about to come into being. @throws EngineError `quota-exceeded` */
  assertRoom(home: string, kind: string): void {
    this.#source.quotas.assertRoom(home, kind, this.#censuses.get(home) ?? new Map());
  }

  /** A twin has come into being. */
  born({ home, kind }: LiveTwin): void {
    const census = this.#censuses.get(home);
    census?.set(kind, (census.get(kind) ?? 0) + 1);
  }

  /** Censuses as they are after the batch, for memory. */
  counted(): { home: string; census: Census }[] {
    return [...this.#censuses].map(([home, census]) => ({ home, census }));
  }

  /** Null when there is none. @throws EngineError `state-unreadable` */
  twin(address: Address): LiveTwin | null {
    const key = keyOf(address);
    const unreadable = this.#unreadable.get(key);
    if (unreadable) throw unreadable;
    return this.#twins.get(key) ?? null;
  }

  /** Who watches this twin, in the order of their ids. */
  watchersOf(twin: LiveTwin): readonly string[] {
    return this.#watches.get(twin.home)?.of(twin) ?? [];
  }

  setWatches({ home, twin }: Address, targets: readonly string[]): void {
    this.#watches.set(home, (this.#watches.get(home) ?? HomeObservers.none).with(twin, targets));
    this.#rewatched.add(home);
  }

  /** Watches that are new in memory, for after the commit. */
  rewatched(): { home: string; watches: HomeObservers }[] {
    return [...this.#rewatched].map((home) => ({
      home,
      watches: this.#watches.get(home) ?? HomeObservers.none,
    }));
  }

  /** What the twin reads of others, as it is now; undefined where its kind reads nothing. */
  factsFor(twin: LiveTwin): Facts | undefined {
    const reads = readsOf(twin);
    if (reads.length === 0) return undefined;
    return gatherFacts(reads, (id) => this.#known({ home: twin.home, twin: id }));
  }

  home(id: string): HomeRow | null {
    return this.#homes.get(id) ?? null;
  }

  /** A home that comes into being with this batch. */
  addHome(home: HomeRow): void {
    this.#homes.set(home.id, home);
  }

  /** A twin's next revision. */
  turned(twin: LiveTwin): void {
    const key = keyOf(twin);
    this.#twins.set(key, twin);
    this.#turned.add(key);
  }

  /** The same revision with another stored bound. */
  rebound(twin: LiveTwin): void {
    const key = keyOf(twin);
    this.#twins.set(key, twin);
    this.#rebound.add(key);
  }

  /** A room gains or loses a member. */
  setMember(room: Address, member: string, belongs: boolean): void {
    const key = keyOf(room);
    this.#memberships.push({ room: key, member, belongs });
    const known = this.#twins.get(key) ?? this.#source.hot(key);
    if (!known) return;
    this.#twins.set(key, withMember(known, member, belongs));
    this.#related.add(key);
  }

  /** What the batch has changed: twins with a turn, and others of which only this differs. */
  changed(): { turned: LiveTwin[]; rebound: LiveTwin[]; related: LiveTwin[] } {
    const pick = (keys: Iterable<string>) => {
      const picked: LiveTwin[] = [];
      for (const key of keys) {
        const twin = this.#twins.get(key);
        if (twin) picked.push(twin);
      }
      return picked;
    };
    const still = (keys: Set<string>) => [...keys].filter((key) => !this.#turned.has(key));
    return {
      turned: pick(this.#turned),
      rebound: pick(still(this.#rebound)),
      related: pick(still(this.#related)),
    };
  }

  #revive(stored: LoadedTwin): LiveTwin {
    const key = keyOf(stored);
    const kind = this.#source.kinds.get(stored.kind);
    if (!kind) {
      throw new EngineError('state-unreadable', `${key} is of kind "${stored.kind}"`, {
        hint: 'This engine does not know the kind. Start it with the kind (KINDS_DIR names the folder of your own), or delete the twin.',
      });
    }
    let twin = revive(kind, stored, this.#source.epoch());
    for (const { room, member, belongs } of this.#memberships) {
      if (room === key) twin = withMember(twin, member, belongs);
    }
    return twin;
  }
}

function readsOf({ kindOf, snapshot }: LiveTwin): readonly Read[] {
  return kindOf.reads?.(snapshot.context) ?? [];
}

function withMember(room: LiveTwin, member: string, belongs: boolean): LiveTwin {
  const members = (room.relations.members ?? []).filter((other) => other !== member);
  if (belongs) members.push(member);
  return { ...room, relations: { ...room.relations, members } };
}
