import { type Address, type Envelope, keyOf } from './envelope.ts';
import { EngineError } from './errors.ts';
import type { AnyKind } from './kind.ts';
import { type LiveTwin, revive } from './live-twin.ts';
import type { HomeRow, LoadedTwin } from './rows.ts';

/** Where twins and homes come from. */
export interface HouseholdSource {
  kinds: ReadonlyMap<string, AnyKind>;
  /** A twin that is in memory already. */
  hot(key: string): LiveTwin | undefined;
  load(addresses: readonly Address[]): Promise<LoadedTwin[]>;
  getHome(id: string): Promise<HomeRow | null>;
}

/**
 * The twins that a batch deals with, as they are after its turns so far. Nothing outside sees them
 * before the commit.
 */
export class Household {
  readonly #source: HouseholdSource;
  /** Null: known not to exist. */
  #twins = new Map<string, LiveTwin | null>();
  #unreadable = new Map<string, EngineError>();
  #homes = new Map<string, HomeRow | null>();
  #turned = new Set<string>();
  /** Twins without a turn whose stored bound was corrected. */
  #rebound = new Set<string>();
  /** Twins without a turn that gained or lost a member: only their copy in memory changes. */
  #related = new Set<string>();
  /** Room changes of this batch, for rooms that it loads afterwards. */
  #memberships: { room: string; member: string; belongs: boolean }[] = [];

  constructor(source: HouseholdSource) {
    this.#source = source;
  }

  /** Loads what is missing, in one round trip. */
  async load(addresses: readonly Address[]): Promise<void> {
    const missing = new Map<string, Address>();
    for (const address of addresses) {
      const key = keyOf(address);
      if (this.#twins.has(key) || this.#unreadable.has(key) || missing.has(key)) continue;
      const hot = this.#source.hot(key);
      if (hot) this.#twins.set(key, hot);
      else missing.set(key, address);
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
  }

  /** Null when there is none. @throws EngineError `state-unreadable` */
  twin(address: Address): LiveTwin | null {
    const key = keyOf(address);
    const unreadable = this.#unreadable.get(key);
    if (unreadable) throw unreadable;
    return this.#twins.get(key) ?? null;
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
        hint: 'This engine does not know the kind. Start it with the kind, or delete the twin.',
      });
    }
    let twin = revive(kind, stored);
    for (const { room, member, belongs } of this.#memberships) {
      if (room === key) twin = withMember(twin, member, belongs);
    }
    return twin;
  }
}

function withMember(room: LiveTwin, member: string, belongs: boolean): LiveTwin {
  const members = (room.relations.members ?? []).filter((other) => other !== member);
  if (belongs) members.push(member);
  return { ...room, relations: { ...room.relations, members } };
}
