/** The blueprints of a home: checked with the rules that are made from them, changed together with these. */
import {
  type Address,
  type Engine,
  EngineError,
  type Json,
  type Reader,
  type Requester,
  type TwinReading,
} from '../engine/index.ts';
import {
  type Blueprint,
  type BlueprintContext,
  type Definition,
  expand,
  instanceOf,
  isSame,
  type Locate,
  type Origin,
  printProblem,
  type RuleContext,
  type RuleProblem,
  writtenOut,
} from '../features/rules/index.ts';
import { mustReadTwin } from './http/existence.ts';
import { assertAddress } from './http/parameters.ts';
import { tellInside } from './inside.ts';
import { Refusal } from './problem.ts';
import type { Aside } from './rule-work/rule-work.ts';
import { defineRule, flawOf, homeSnapshotOf, type RuleHome, twinsOf } from './rulebook.ts';

const KIND = 'blueprint';

/** A blueprint as it comes in: an author's text, or the same as data. */
export type GivenBlueprint = { source: string } | { definition: unknown };

/** A rule that is made from a blueprint. */
export interface MadeRule {
  id: string;
  origin: Origin;
  definition: Definition;
  source: string | null;
}

export interface BlueprintReading {
  reading: TwinReading;
  rules: MadeRule[];
}

/**
 * Defines a blueprint, and anew the rules that are made from it. Its twin comes first: what a crash leaves
 * behind is of a former edition, and the next PUT of the same text goes on with it.
 * @throws Refusal `bad-input` with each problem, `conflict` with the rules that would break
 */
export async function putBlueprint(
  engine: Engine,
  aside: Aside,
  address: Address,
  given: GivenBlueprint,
  by: Requester,
): Promise<BlueprintReading & { made: boolean; problems: RuleProblem[] }> {
  assertAddress(address);
  const existing = await engine.readTwin(address);
  if (existing && existing.row.kind !== KIND) {
    throw new EngineError(
      'conflict',
      `"${address.twin}" is a ${existing.row.kind}, not a blueprint`,
      { hint: 'Choose another id.' },
    );
  }
  const { value, problems, broken } = await aside('readBlueprint', { ...address, given });
  assertUsable(value, problems, address);
  const source = 'source' in given ? given.source : null;
  if (broken.length > 0) {
    throw new Refusal('conflict', `it would break ${listed(broken.map(({ rule }) => rule))}`, {
      hint: 'Each rule with its problems is in `errors`. Nothing has changed: mend the blueprint, or the inputs of the rules first.',
      errors: broken.flatMap(({ rule, problems: flaws }) =>
        flaws.map((flaw) => ({ path: `rules.${rule}`, message: printProblem(flaw) })),
      ),
    });
  }
  if (!existing)
    await engine.createTwin({ ...address, kind: KIND, name: value.name ?? address.twin }, by);
  const conditional = existing ? by : { principal: by.principal, source: by.source };
  await defineBlueprint(engine, aside, address, { definition: value, source }, conditional);
  const now = await mustReadBlueprint(engine, { home: address.home, blueprint: address.twin });
  return { ...now, made: !existing, problems };
}

/**
 * Gives the twin of a blueprint its definition, and what comes of it to the rules that are made from it.
 * @param except rules that get another definition right after
 */
export async function defineBlueprint(
  engine: Engine,
  aside: Aside,
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
    await tellInside(engine, address, event, by);
  }
  const { principal, source: door } = by;
  for (const { id, ...rule } of await aside('remade', { ...address, except: [...except] })) {
    await defineRule(engine, { home: address.home, twin: id }, rule, { principal, source: door });
  }
}

/** The rules that are of a former edition of their blueprint, as the present one makes them. */
export async function remade(
  reader: Reader,
  address: Address,
  except: ReadonlySet<string>,
): Promise<MadeRule[]> {
  const home = await homeSnapshotOf(reader, address.home, '');
  const rules: MadeRule[] = [];
  for (const rule of await rulesMadeFrom(reader, address)) {
    if (except.has(rule.id)) continue;
    const { definition, origin } = remake(rule, home);
    const isBehind = rule.origin.edition !== home.blueprints.get(address.twin)?.edition;
    // One that fits no more was refused before; who changed its twins since then hears of it at the rule
    if (!isBehind || definition === null || origin === null) continue;
    rules.push({ ...rule, definition, origin });
  }
  return rules;
}

/** Rules that a definition would leave with errors, each with them. */
export async function brokenBy(
  reader: Reader,
  home: string,
  definition: Blueprint,
  rules: readonly MadeRule[],
  locate: Locate = () => undefined,
): Promise<{ rule: string; problems: RuleProblem[] }[]> {
  const snapshot = await homeSnapshotOf(reader, home, '');
  const known = { definition, edition: 0, locate };
  const blueprints = new Map([...snapshot.blueprints, [definition.blueprint, known]]);
  return rules.flatMap((rule) => {
    const { problems } = remake(rule, { ...snapshot, blueprints });
    const errors = problems.filter(({ severity }) => severity === 'error');
    return errors.length > 0 ? [{ rule: rule.id, problems: errors }] : [];
  });
}

function remake({ id, origin }: MadeRule, home: RuleHome) {
  const others = home.rules.filter(({ rule }) => rule !== id);
  return expand(instanceOf(id, origin), home.blueprints, { ...home, rules: others });
}

/**
 * @param detach leaves the rules that are made from it as rules of their own
 * @throws Refusal `conflict` where there are some
 */
export async function deleteBlueprint(
  engine: Engine,
  address: Address,
  { detach }: { detach: boolean },
  by: Requester,
): Promise<void> {
  const rules = await rulesMadeFrom(engine, address);
  if (rules.length > 0 && !detach) {
    throw new Refusal(
      'conflict',
      `${listed(rules.map(({ id }) => id))} ${rules.length === 1 ? 'is' : 'are'} made from it`,
      {
        hint: '?detach=true leaves them as rules of their own; or delete them first.',
        errors: rules.map(({ id }) => ({ path: `rules.${id}`, message: 'is made from it' })),
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
  const plain = { principal: by.principal, source: by.source };
  const home = await homeSnapshotOf(engine, address.home, '');
  const known = home.blueprints.get(address.twin);
  for (const { id, origin, definition } of rules) {
    await tellInside(
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

/** The rules of a home that are made from a blueprint, by id. */
export async function rulesMadeFrom(reader: Reader, { home, twin }: Address): Promise<MadeRule[]> {
  const rules: MadeRule[] = [];
  for await (const { twin: id, state } of twinsOf(reader, home, { kind: 'rule' })) {
    const { origin, definition, source } = state.context as unknown as RuleContext;
    if (origin?.blueprint === twin && definition) rules.push({ id, origin, definition, source });
  }
  return rules;
}

/** @throws EngineError `unknown-twin`, Refusal `not-found` for a twin that is no blueprint */
export async function mustReadBlueprint(
  engine: Engine,
  { home, blueprint }: { home: string; blueprint: string },
): Promise<BlueprintReading> {
  const address = { home, twin: blueprint };
  const reading = await mustReadTwin(engine, address);
  if (reading.row.kind === KIND) return { reading, rules: await rulesMadeFrom(engine, address) };
  throw new Refusal('not-found', `"${blueprint}" is a ${reading.row.kind}, not a blueprint`, {
    hint: `GET /v1/homes/${home}/blueprints lists the blueprints.`,
  });
}

function assertUsable(
  definition: Blueprint | null,
  problems: readonly RuleProblem[],
  address: Address,
): asserts definition is Blueprint {
  if (definition && definition.blueprint !== address.twin) {
    throw new Refusal(
      'bad-input',
      `the blueprint calls itself "${definition.blueprint}", and its address "${address.twin}"`,
      { hint: 'Make both the same.' },
    );
  }
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (definition && !first) return;
  throw new Refusal('bad-input', first ? printProblem(first) : 'it is no blueprint', {
    hint: 'Each problem is in `errors`.',
    errors: errors.map(flawOf),
  });
}

function listed(rules: readonly string[]): string {
  const names = rules.map((rule) => `"${rule}"`).join(', ');
  return rules.length === 1 ? `the rule ${names}` : `the rules ${names}`;
}
