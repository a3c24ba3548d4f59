/** The parts of a kit in its home: found, made, changed and taken back one by one. Each step can be taken twice. */
import {
  type Address,
  assertAccepted,
  type Engine,
  type JsonObject,
  mustReadTwin,
  type Requester,
} from '../../../engine/index.ts';
import type { Context as BlueprintContext } from '../blueprints/blueprint.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import { type Found, isAsGiven, isChanged, type KitPart, type Part } from '../kits/part.ts';
import type { RunJob } from '../work/rule-work.ts';
import { defineBlueprint, deleteBlueprint } from './blueprints.ts';
import { defineRule, deleteRule } from './rules.ts';

export class KitParts {
  readonly #engine: Engine;
  readonly #runJob: RunJob;

  constructor(engine: Engine, runJob: RunJob) {
    this.#engine = engine;
    this.#runJob = runJob;
  }

  /** @returns the part as it is now */
  async give(
    home: string,
    { id, given, former }: Part,
    own: ReadonlySet<string>,
    by: Requester,
  ): Promise<Part> {
    if (!given) throw new Error(`the part ${id} is nothing`);
    const found = await this.find(home, id);
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

  /** Deletes what a version no longer brings. @returns whether it was left, as somebody has changed it */
  async takeBack(home: string, { id, former }: Part, by: Requester): Promise<boolean> {
    const found = await this.find(home, id);
    if (!found || !former) return false;
    if (isChanged(found, former)) return true;
    await this.delete(home, id, found, by);
    return false;
  }

  async delete(home: string, id: string, found: Found, by: Requester): Promise<void> {
    const address = { home, twin: id };
    if (found.type === 'rule') await deleteRule(this.#engine, address, by);
    else if (found.type === 'blueprint')
      await deleteBlueprint(this.#engine, address, { detach: true }, by);
    else await this.#engine.deleteTwin(address, by);
  }

  async find(home: string, twin: string): Promise<Found | null> {
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
}

export function isSameSort(found: Found, given: KitPart): boolean {
  if (found.type === 'twin' && given.type === 'twin') return found.kind === given.kind;
  return found.type === given.type;
}
