/**
 * The kits of a home. What a kit is to bring is written down in its twin before anything of it is made, and each
 * step can be taken twice: what a crash has left half done is gone on with, at the start or with the next PUT.
 */
import {
  type Address,
  assertAccepted,
  assertAddress,
  type Engine,
  EngineError,
  type Json,
  type JsonObject,
  mustReadTwin,
  type Requester,
  type TwinReading,
  tellTwin,
  twinsOf,
  unconditional,
} from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { Context as BlueprintContext } from '../blueprints/blueprint.ts';
import type { Context as RuleContext } from '../kind/rule.ts';
import type { Context as KitContext } from '../kits/kit.ts';
import { type Found, isAsGiven, isChanged, type KitPart, type Part } from '../kits/part.ts';
import type { Problem as RuleProblem } from '../language/source.ts';
import type { RuleWork, RunJob } from '../work/rule-work.ts';
import { defineBlueprint, deleteBlueprint } from './blueprints.ts';
import {
  contextOf,
  type GivenKit,
  isBrought,
  KIND,
  type KitPlan,
  ownIdsOf,
  usersOf,
} from './kit-plan.ts';
import { mayBecome, mustReadOfKind } from './of-kind.ts';
import { defineRule, deleteRule } from './rules.ts';
import { assertUsable } from './usable.ts';

const KIT = {
  noun: KIND,
  hint: 'Each problem is in `errors`, and nothing was made; POST …/kits/check tells them without installing.',
} as const;

/** Who goes on with what a former process has left. */
const CARETAKER: Requester = { principal: 'homeostat', source: 'engine' };

export type PartState = 'there' | 'changed' | 'missing' | 'existing' | 'left';

export interface KitReading {
  reading: TwinReading;
  parts: { part: Part; state: PartState }[];
}

export interface KitListener {
  onDone: (kit: string) => void;
  /** @param kit null: not even the kits could be listed */
  onFailure: (error: unknown, kit: string | null) => void;
}

export class Kits implements AsyncDisposable {
  readonly #engine: Engine;
  /** For what goes on, whoever has asked for it. */
  readonly #runJob: RunJob;
  /** What is under way in a home: one thing after the other. */
  readonly #lanes = new Map<string, Promise<unknown>>();
  #resumed: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(engine: Engine, work: RuleWork) {
    this.#engine = engine;
    this.#runJob = work.for({ account: CARETAKER.principal });
  }

  /** What is wrong with a kit in a home, and what it would bring. */
  check(runJob: RunJob, home: string, given: GivenKit): Promise<KitPlan> {
    return runJob('planKit', { home, given });
  }

  /**
   * Installs a kit, or another version of it. What people have changed of the former version since is kept.
   * @throws FeatureError `bad-input` with all that is wrong; then nothing has been made
   */
  install(
    runJob: RunJob,
    address: Address,
    given: GivenKit,
    by: Requester,
  ): Promise<KitReading & { made: boolean; problems: RuleProblem[] }> {
    assertAddress(address);
    return this.#alone(address.home, async () => {
      const existing = await mayBecome(this.#engine, address, KIND);
      if (existing && phaseOf(existing) === 'removing') {
        throw new EngineError('conflict', `"${address.twin}" is being removed`, {
          hint: 'DELETE it once more to finish that, then install it again.',
        });
      }
      if (by.ifRevision !== undefined && existing && existing.row.revision !== by.ifRevision) {
        throw new EngineError(
          'stale-revision',
          `${address.twin} is at revision ${existing.row.revision}, not ${by.ifRevision}`,
        );
      }
      const plain = unconditional(by);
      const { kit: definition, ...plan } = await this.check(runJob, address.home, given);
      assertUsable(KIT, definition, plan.problems, address);
      // Before anything of it is made: half a kit is of no use to anybody
      await this.#assertRoom(address, existing !== null, plan.parts);
      // What was begun is finished first: then it is known what the home has of the kit
      if (existing && phaseOf(existing) === 'installing') await this.#make(address, plain);
      const former = existing ? await this.#context(address) : null;
      if (!existing)
        await this.#engine.createTwin(
          { ...address, kind: KIND, name: definition.name ?? address.twin },
          by,
        );
      const event = {
        type: 'kit.wanted',
        definition: definition as unknown as Json,
        source: 'source' in given ? given.source : null,
        inputs: given.inputs ?? {},
        parts: succeeding(plan.parts, former?.parts ?? []) as unknown as Json,
      };
      await tellTwin(this.#engine, address, event, plain);
      await this.#make(address, plain);
      const now = await this.read({ home: address.home, kit: address.twin });
      return { ...now, made: !existing, problems: plan.problems };
    });
  }

  /**
   * Removes what a kit has brought, and the kit.
   * @throws FeatureError `conflict` where rules of others use it, unless forced
   */
  remove(address: Address, { force }: { force: boolean }, by: Requester): Promise<void> {
    return this.#alone(address.home, async () => {
      const { reading } = await this.read({ home: address.home, kit: address.twin });
      const plain = unconditional(by);
      if (phaseOf(reading) !== 'removing') {
        const { parts } = contextOf(reading);
        const users = force
          ? []
          : await usersOf(this.#engine, address.home, parts, ownIdsOf(parts));
        if (users.length > 0) {
          const rules = [...new Set(users.map(({ rule }) => `"${rule}"`))];
          throw new FeatureError(
            'conflict',
            `others use what it has brought: ${rules.join(', ')}`,
            {
              hint: '?force=true removes it all the same; those rules will miss it.',
              flaws: users.map(({ rule, uses }) => ({
                path: `rules.${rule}`,
                message: `uses "${uses}"`,
              })),
            },
          );
        }
        await tellTwin(this.#engine, address, { type: 'kit.unwanted' }, by);
      }
      await this.#unmake(address, plain);
    });
  }

  /** @throws EngineError `unknown-twin`, FeatureError `not-found` for a twin that is no kit */
  async read({ home, kit }: { home: string; kit: string }): Promise<KitReading> {
    const reading = await mustReadOfKind(this.#engine, { home, twin: kit }, KIND);
    const parts: KitReading['parts'] = [];
    for (const part of contextOf(reading).parts) {
      parts.push({ part, state: stateOf(part, await this.#find(home, part.id)) });
    }
    return { reading, parts };
  }

  /** Goes on with what a former process has left half done, while others work already. */
  resume({ onDone, onFailure }: KitListener): void {
    this.#resumed = this.#resume(onDone, onFailure).catch((error: unknown) =>
      onFailure(error, null),
    );
  }

  async #resume(onDone: KitListener['onDone'], onFailure: KitListener['onFailure']): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#engine.storage.listHomes({ limit: 200, cursor });
      for (const { id: home } of page.items) {
        for (const phase of ['installing', 'removing'] as const) {
          for await (const { twin } of twinsOf(this.#engine, home, { kind: KIND, state: phase })) {
            if (this.#isStopping) return;
            const isDone = await this.#alone(home, () => this.#goOn({ home, twin })).catch(
              (error: unknown) => {
                if (!this.#isStopping) onFailure(error, `${home}/${twin}`);
                return false;
              },
            );
            if (isDone) onDone(`${home}/${twin}`);
          }
        }
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** @returns false where somebody else was faster */
  async #goOn(address: Address): Promise<boolean> {
    const reading = await this.#engine.readTwin(address);
    const phase = reading && phaseOf(reading);
    if (phase === 'installing') await this.#make(address, CARETAKER);
    else if (phase === 'removing') await this.#unmake(address, CARETAKER);
    else return false;
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#resumed;
  }

  async #alone<T>(home: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lanes.get(home) ?? Promise.resolve();
    const mine = before.then(work, work);
    const lane = mine.catch(() => {});
    this.#lanes.set(home, lane);
    try {
      return await mine;
    } finally {
      if (this.#lanes.get(home) === lane) this.#lanes.delete(home);
    }
  }

  async #context(address: Address): Promise<KitContext> {
    return contextOf(await mustReadTwin(this.#engine, address));
  }

  /** @throws EngineError `quota-exceeded` where its twins would be more than the home may have */
  async #assertRoom({ home }: Address, isThere: boolean, parts: readonly Part[]): Promise<void> {
    const kinds = isThere ? [] : [KIND];
    for (const { id, given } of parts) {
      if (!given || (await this.#find(home, id)) !== null) continue;
      kinds.push(given.type === 'twin' ? given.kind : given.type);
    }
    await this.#engine.assertRoomFor(home, kinds);
  }

  // ── making ─────────────────────────────────────────────────────────────────────────────────

  async #make(address: Address, by: Requester): Promise<void> {
    const { parts } = await this.#context(address);
    const own = ownIdsOf(parts);
    const settled: Part[] = [];
    for (const part of parts.filter(({ given }) => given !== undefined)) {
      this.#assertGoing();
      settled.push(part.existing ? part : await this.#give(address.home, part, own, by));
    }
    // What stood on something goes before it
    for (const part of parts.filter(({ given }) => given === undefined).reverse()) {
      this.#assertGoing();
      const isLeft = await this.#takeBack(address.home, part, by);
      if (isLeft) settled.push({ ...part, kept: true });
    }
    const event = { type: 'kit.installed', parts: settled as unknown as Json };
    await tellTwin(this.#engine, address, event, by);
  }

  /** @returns the part as it is now */
  async #give(
    home: string,
    { id, given, former }: Part,
    own: ReadonlySet<string>,
    by: Requester,
  ): Promise<Part> {
    if (!given) throw new Error(`the part ${id} is nothing`);
    const found = await this.#find(home, id);
    const isKept =
      found !== null &&
      !isAsGiven(found, given) &&
      (former ? isChanged(found, former, given) : !isSameSort(found, given));
    if (isKept) return { id, given, kept: true };
    if (found === null || !isAsGiven(found, given) || (await this.#isBehind(home, given, found)))
      await this.#apply({ home, twin: id }, given, { found, former, own }, by);
    if (given.type === 'twin' && given.desired && !former)
      await this.#wish({ home, twin: id }, given.desired, by);
    return { id, given };
  }

  async #apply(
    address: Address,
    given: KitPart,
    {
      found,
      former,
      own,
    }: { found: Found | null; former: KitPart | undefined; own: ReadonlySet<string> },
    by: Requester,
  ): Promise<void> {
    if (given.type === 'twin') {
      const { kind, name, room, settings } = given;
      const said = {
        ...(name !== undefined && { name }),
        ...(room !== undefined && { room }),
      };
      if (found === null) {
        const twin = { ...address, kind, ...said, ...(settings && { settings }) };
        await this.#engine.createTwin(twin, by);
        return;
      }
      const all = { ...this.#resets(given, former), ...settings };
      const change = { ...said, ...(Object.keys(all).length > 0 && { settings: all }) };
      await this.#engine.updateTwin(address, change, by);
      return;
    }
    const { definition } = given;
    if (found === null)
      await this.#engine.createTwin(
        { ...address, kind: given.type, name: definition.name ?? address.twin },
        by,
      );
    if (given.type === 'blueprint')
      return defineBlueprint(
        this.#engine,
        this.#runJob,
        address,
        { definition: given.definition, source: null, except: own },
        by,
      );
    const origin = given.origin
      ? { ...given.origin, edition: await this.#editionOf(address.home, given.origin.blueprint) }
      : null;
    await defineRule(
      this.#engine,
      address,
      { definition: given.definition, origin, source: null },
      by,
    );
  }

  /** Settings that the former version gave and this one does not, where the kind can take them back. */
  #resets(given: Extract<KitPart, { type: 'twin' }>, former: KitPart | undefined): JsonObject {
    const schema = this.#engine.kinds.get(given.kind)?.events['settings.changed'];
    const before = former?.type === 'twin' ? Object.keys(former.settings ?? {}) : [];
    const gone = before.filter((key) => !Object.hasOwn(given.settings ?? {}, key));
    return Object.fromEntries(
      gone
        .filter((key) => schema?.safeParse({ [key]: null }).success === true)
        .map((key) => [key, null]),
    );
  }

  /** The blueprint of a rule has been defined anew, though nothing of the rule has changed. */
  async #isBehind(home: string, given: KitPart, found: Found): Promise<boolean> {
    if (given.type !== 'rule' || found.type !== 'rule' || !given.origin) return false;
    return found.edition !== (await this.#editionOf(home, given.origin.blueprint));
  }

  async #editionOf(home: string, blueprint: string): Promise<number> {
    const reading = await mustReadTwin(this.#engine, { home, twin: blueprint });
    return (reading.row.state.context as unknown as BlueprintContext).edition;
  }

  /** What a new twin is to want; what somebody wants of it already stays. */
  async #wish(address: Address, desired: JsonObject, by: Requester): Promise<void> {
    const { view } = await mustReadTwin(this.#engine, address);
    const open = Object.entries(desired).filter(([key]) => view.desired[key] == null);
    if (open.length > 0)
      assertAccepted(await this.#engine.desire(address, Object.fromEntries(open), by));
  }

  // ── unmaking ───────────────────────────────────────────────────────────────────────────────

  async #unmake(address: Address, by: Requester): Promise<void> {
    const { parts } = await this.#context(address);
    for (const { id, given } of [...parts].filter(isBrought).reverse()) {
      this.#assertGoing();
      const found = await this.#find(address.home, id);
      if (found && given && isSameSort(found, given))
        await this.#delete(address.home, id, found, by);
    }
    await this.#engine.deleteTwin(address, by);
  }

  /** Deletes what a version no longer brings. @returns whether it was left, as somebody has changed it */
  async #takeBack(home: string, { id, former }: Part, by: Requester): Promise<boolean> {
    const found = await this.#find(home, id);
    if (!found || !former) return false;
    if (isChanged(found, former)) return true;
    await this.#delete(home, id, found, by);
    return false;
  }

  async #delete(home: string, id: string, found: Found, by: Requester): Promise<void> {
    const address = { home, twin: id };
    if (found.type === 'rule') await deleteRule(this.#engine, address, by);
    else if (found.type === 'blueprint')
      await deleteBlueprint(this.#engine, address, { detach: true }, by);
    else await this.#engine.deleteTwin(address, by);
  }

  async #find(home: string, twin: string): Promise<Found | null> {
    const reading = await this.#engine.readTwin({ home, twin });
    if (!reading) return null;
    const { row, view } = reading;
    if (row.kind === 'rule') {
      const { definition, origin } = row.state.context as unknown as RuleContext;
      return { type: 'rule', definition, edition: origin?.edition ?? null };
    }
    if (row.kind === 'blueprint') {
      const { definition } = row.state.context as unknown as BlueprintContext;
      return { type: 'blueprint', definition };
    }
    const { kind, name, room } = row;
    return { type: 'twin', kind, name, room, settings: view.settings };
  }

  #assertGoing(): void {
    if (this.#isStopping) throw new EngineError('stopping', 'it goes on at the next start');
  }
}

/** @returns the phase that a kit is in */
export function phaseOf({ row }: TwinReading): string {
  return String(row.state.value);
}

/** The parts of a version, each with what the former one gave; and those that are to go. */
function succeeding(parts: readonly Part[], before: readonly Part[]): Part[] {
  const former = new Map(
    before.filter(isBrought).flatMap(({ id, given }) => (given ? [[id, given] as const] : [])),
  );
  const next = parts.map((part): Part => {
    const given = former.get(part.id);
    return given && !part.existing ? { ...part, former: given } : part;
  });
  const wanted = new Set(parts.map(({ id }) => id));
  const gone = [...former].filter(([id]) => !wanted.has(id));
  return [...next, ...gone.map(([id, given]): Part => ({ id, former: given }))];
}

function isSameSort(found: Found, given: KitPart): boolean {
  if (found.type === 'twin' && given.type === 'twin') return found.kind === given.kind;
  return found.type === given.type;
}

function stateOf({ given, existing }: Part, found: Found | null): PartState {
  if (!found) return 'missing';
  if (existing) return 'existing';
  if (!given) return 'left';
  return isAsGiven(found, given) ? 'there' : 'changed';
}
