/** The blueprints of a home: checked with the rules that are made from them, changed together with these. */
import {
  type Address,
  assertAddress,
  type Engine,
  EngineError,
  type Json,
  mustReadTwin,
  type Requester,
  type TwinReading,
  tellTwin,
  unconditional,
} from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { Context as BlueprintContext } from '../blueprints/blueprint.ts';
import type { Blueprint } from '../blueprints/blueprint-definition.ts';
import { instanceOf, writtenOut } from '../blueprints/expand.ts';
import { printProblem, type Problem as RuleProblem } from '../language/problem.ts';
import { isSame } from '../language/same.ts';
import { type GivenBlueprint, type MadeRule, rulesMadeFrom } from '../reading/made-rules.ts';
import { homeSnapshotOf } from '../reading/read-home.ts';
import type { RunJob } from '../work/rule-work.ts';
import { mayBecome, mustReadOfKind } from './of-kind.ts';
import { defineRule } from './rules.ts';
import { assertUsable } from './usable.ts';

const KIND = 'blueprint';

export interface BlueprintReading {
  reading: TwinReading;
  rules: MadeRule[];
}

/**
 * Defines a blueprint, and anew the rules that are made from it. Its twin comes first: what a crash leaves
 * behind is of a former edition, and the next PUT of the same text goes on with it.
 * @throws FeatureError `bad-input` with each problem, `conflict` with the rules that would break
 */
export async function putBlueprint(
  engine: Engine,
  runJob: RunJob,
  address: Address,
  given: GivenBlueprint,
  by: Requester,
): Promise<BlueprintReading & { made: boolean; problems: RuleProblem[] }> {
  assertAddress(address);
  const existing = await mayBecome(engine, address, KIND);
  const { value, problems, broken } = await runJob('readBlueprint', { ...address, given });
  assertUsable({ noun: KIND, hint: 'Each problem is in `errors`.' }, value, problems, address);
  const source = 'source' in given ? given.source : null;
  if (broken.length > 0) {
    throw new FeatureError('conflict', `it would break ${listed(broken.map(({ rule }) => rule))}`, {
      hint: 'Each rule with its problems is in `errors`. Nothing has changed: mend the blueprint, or the inputs of the rules first.',
      flaws: broken.flatMap(({ rule, problems: flaws }) =>
        flaws.map((flaw) => ({ path: `rules.${rule}`, message: printProblem(flaw) })),
      ),
    });
  }
  if (!existing)
    await engine.createTwin({ ...address, kind: KIND, name: value.name ?? address.twin }, by);
  const next = existing ? by : unconditional(by);
  await defineBlueprint(engine, runJob, address, { definition: value, source }, next);
  const now = await mustReadBlueprint(engine, { home: address.home, blueprint: address.twin });
  return { ...now, made: !existing, problems };
}

/**
 * Gives the twin of a blueprint its definition, and what comes of it to the rules that are made from it.
 * @param except rules that get another definition right after
 */
export async function defineBlueprint(
  engine: Engine,
  runJob: RunJob,
  address: Address,
  {
    definition,
    source,
    except = new Set(),
  }: { definition: Blueprint; source: string | null; except?: ReadonlySet<string> },
  by: Requester,
): Promise<void> {
  const { row } = await mustReadTwin(engine, address);
  const now = row.state.context as unknown as BlueprintContext;
  const isNew =
    source !== now.source ||
    !isSame(definition as unknown as Json, now.definition as unknown as Json);
  if (isNew || by.ifRevision !== undefined) {
    const event = { type: 'blueprint.defined', definition: definition as unknown as Json, source };
    await tellTwin(engine, address, event, by);
  }
  for (const { id, ...rule } of await runJob('remade', { ...address, except: [...except] })) {
    await defineRule(engine, { home: address.home, twin: id }, rule, unconditional(by));
  }
}

/**
 * @param detach leaves the rules that are made from it as rules of their own
 * @throws FeatureError `conflict` where there are some
 */
export async function deleteBlueprint(
  engine: Engine,
  address: Address,
  { detach }: { detach: boolean },
  by: Requester,
): Promise<void> {
  const rules = await rulesMadeFrom(engine, address);
  if (rules.length > 0 && !detach) {
    throw new FeatureError(
      'conflict',
      `${listed(rules.map(({ id }) => id))} ${rules.length === 1 ? 'is' : 'are'} made from it`,
      {
        hint: '?detach=true leaves them as rules of their own; or delete them first.',
        flaws: rules.map(({ id }) => ({ path: `rules.${id}`, message: 'is made from it' })),
      },
    );
  }
  const { row } = await mustReadTwin(engine, address);
  if (by.ifRevision !== undefined && by.ifRevision !== row.revision) {
    throw new EngineError(
      'stale-revision',
      `it is at revision ${row.revision}, not ${by.ifRevision}`,
    );
  }
  const plain = unconditional(by);
  const home = await homeSnapshotOf(engine, address.home, '');
  const known = home.blueprints.get(address.twin);
  for (const { id, origin, definition } of rules) {
    await tellTwin(
      engine,
      { home: address.home, twin: id },
      {
        type: 'rule.defined',
        definition: definition as unknown as Json,
        source: known ? writtenOut(instanceOf(id, origin), known) : null,
        origin: null,
      },
      plain,
    );
  }
  await engine.deleteTwin(address, plain);
}

/** @throws EngineError `unknown-twin`, FeatureError `not-found` for a twin that is no blueprint */
export async function mustReadBlueprint(
  engine: Engine,
  { home, blueprint }: { home: string; blueprint: string },
): Promise<BlueprintReading> {
  const address = { home, twin: blueprint };
  const reading = await mustReadOfKind(engine, address, KIND);
  return { reading, rules: await rulesMadeFrom(engine, address) };
}

function listed(rules: readonly string[]): string {
  const names = rules.map((rule) => `"${rule}"`).join(', ');
  return rules.length === 1 ? `the rule ${names}` : `the rules ${names}`;
}
