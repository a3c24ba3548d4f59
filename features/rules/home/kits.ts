/**
 * The kits of a home. What a kit is to bring is written down in its twin before anything of it is made, and each
 * step can be taken twice: what a crash has left half done is gone on with, at the start or with the next PUT.
 */
import {
  type Address,
  assertAddress,
  type Engine,
  EngineError,
  homesOf,
  type Json,
  mustReadTwin,
  type Requester,
  type TwinReading,
  tellTwin,
  twinsOf,
  unconditional,
} from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { Context as KitContext } from '../kits/kit.ts';
import { type Found, isAsGiven, type Part } from '../kits/part.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import {
  contextOf,
  type GivenKit,
  isBrought,
  KIND,
  type KitPlan,
  ownIdsOf,
  usersOf,
} from '../reading/kit-plan.ts';
import type { RuleWork, RunJob } from '../work/rule-work.ts';
import { isSameSort, KitParts } from './kit-parts.ts';
import { mayBecome, mustReadOfKind } from './of-kind.ts';
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
  readonly #parts: KitParts;
  /** What is under way in a home: one thing after the other. */
  readonly #queues = new Map<string, Promise<unknown>>();
  #resumed: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(engine: Engine, work: RuleWork) {
    this.#engine = engine;
    // For what goes on, whoever has asked for it
    this.#parts = new KitParts(engine, work.for({ account: CARETAKER.principal }));
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
      parts.push({ part, state: stateOf(part, await this.#parts.find(home, part.id)) });
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
    for await (const { id: home } of homesOf(this.#engine)) {
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
    const before = this.#queues.get(home) ?? Promise.resolve();
    const mine = before.then(work, work);
    const queue = mine.catch(() => {});
    this.#queues.set(home, queue);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(home) === queue) this.#queues.delete(home);
    }
  }

  async #context(address: Address): Promise<KitContext> {
    return contextOf(await mustReadTwin(this.#engine, address));
  }

  /** @throws EngineError `quota-exceeded` where its twins would be more than the home may have */
  async #assertRoom({ home }: Address, isThere: boolean, parts: readonly Part[]): Promise<void> {
    const kinds = isThere ? [] : [KIND];
    for (const { id, given } of parts) {
      if (!given || (await this.#parts.find(home, id)) !== null) continue;
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
      settled.push(part.existing ? part : await this.#parts.give(address.home, part, own, by));
    }
    // What stood on something goes before it
    for (const part of parts.filter(({ given }) => given === undefined).reverse()) {
      this.#assertGoing();
      const isLeft = await this.#parts.takeBack(address.home, part, by);
      if (isLeft) settled.push({ ...part, kept: true });
    }
    const event = { type: 'kit.installed', parts: settled as unknown as Json };
    await tellTwin(this.#engine, address, event, by);
  }

  // ── unmaking ───────────────────────────────────────────────────────────────────────────────

  async #unmake(address: Address, by: Requester): Promise<void> {
    const { parts } = await this.#context(address);
    for (const { id, given } of [...parts].filter(isBrought).reverse()) {
      this.#assertGoing();
      const found = await this.#parts.find(address.home, id);
      if (found && given && isSameSort(found, given))
        await this.#parts.delete(address.home, id, found, by);
    }
    await this.#engine.deleteTwin(address, by);
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

function stateOf({ given, existing }: Part, found: Found | null): PartState {
  if (!found) return 'missing';
  if (existing) return 'existing';
  if (!given) return 'left';
  return isAsGiven(found, given) ? 'there' : 'changed';
}
