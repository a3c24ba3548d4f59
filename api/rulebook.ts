/** The rules of a home as its people deal with them: read, checked, made live. */
import {
  type Address,
  type Engine,
  EngineError,
  type Json,
  type Reader,
  type Requester,
  type TwinFilter,
  type TwinReading,
  type TwinRow,
} from '../engine/index.ts';
import {
  type Backtest,
  type BlueprintContext,
  checkRule,
  type Definition,
  expand,
  flawsOfText,
  type HomeSnapshot,
  type Instance,
  type KnownBlueprint,
  type KnownTwin,
  type Origin,
  parseInstance,
  parseRule,
  printProblem,
  type Read,
  type RuleContext,
  type RuleProblem,
  readBlueprint,
  readInstance,
  readRule,
} from '../features/rules/index.ts';
import { mustReadTwin } from './http/existence.ts';
import { assertAddress } from './http/parameters.ts';
import { readingOf } from './http/readings.ts';
import { toReceipt } from './http/resources/receipt.ts';
import { tellInside } from './inside.ts';
import { Refusal } from './problem.ts';
import type { Aside } from './rule-work/rule-work.ts';

/** A rule as it comes in: an author's text, the same as data, or values for a blueprint. */
export type GivenRule =
  | { source: string }
  | { definition: unknown }
  | { blueprint: string; inputs?: unknown; rule?: string | undefined; name?: string | undefined };

/** A home with its blueprints. */
export interface RuleHome extends HomeSnapshot {
  blueprints: ReadonlyMap<string, KnownBlueprint>;
}

export interface ReadRule {
  /** Null: it is no rule. */
  definition: Definition | null;
  /** Null: it is not made from a blueprint. */
  origin: Origin | null;
  /** The author's text, where there is one. */
  source: string | null;
  problems: RuleProblem[];
}

export const KIND = 'rule';
const PAGE = 200;
/** Of values for a blueprint that are only tried. */
const DRAFT = 'draft';

/** Reads a rule and checks it against its home. */
export function readGiven(given: GivenRule, home: RuleHome): ReadRule {
  const source = 'source' in given ? given.source : null;
  const flaws = flawsOfText(source);
  if (flaws.length > 0) return { definition: null, origin: null, source, problems: flaws };
  const made = instanceIn(given);
  if (made) {
    if (made.value === null)
      return { definition: null, origin: null, source, problems: made.problems };
    return { source, ...expand(made.value, home.blueprints, home, made.locate) };
  }
  const read = ruleIn(given);
  if (read.value === null)
    return { definition: null, origin: null, source, problems: read.problems };
  const problems = checkRule(read.value, home, read.locate);
  return { definition: read.value, origin: null, source, problems };
}

/** What a rule calls itself; empty where it does not say. */
export function idOf(given: GivenRule): string {
  return (instanceIn(given) ?? ruleIn(given)).value?.rule ?? '';
}

function ruleIn(given: GivenRule): Read<Definition> {
  return 'source' in given
    ? readRule(given.source)
    : parseRule('definition' in given ? given.definition : given);
}

function instanceIn(given: GivenRule): Read<Instance> | null {
  if ('source' in given) return readInstance(given.source);
  return parseInstance('definition' in given ? given.definition : { rule: DRAFT, ...given });
}

/** The twins, kinds, blueprints and rules of a home. @param except the rule that is checked */
export async function homeSnapshotOf(
  reader: Reader,
  home: string,
  except: string,
): Promise<RuleHome> {
  const twins = new Map<string, KnownTwin>();
  const rules: Definition[] = [];
  const blueprints = new Map<string, KnownBlueprint>();
  for await (const row of twinsOf(reader, home)) {
    const { view } = readingOf(reader, row);
    const kind = reader.kinds.get(row.kind);
    const measured = kind?.measurements;
    twins.set(row.twin, {
      id: row.twin,
      kind: row.kind,
      room: row.room,
      ...view,
      ...(typeof measured === 'function' && {
        measurements: Object.keys(measured(row.state.context)),
      }),
    });
    const isOther = row.kind === KIND && row.twin !== except && !draftOf(row.state.context);
    const definition = isOther ? definitionOf(row.state.context) : null;
    if (definition) rules.push(definition);
    const blueprint = row.kind === 'blueprint' ? knownBlueprint(row) : null;
    if (blueprint) blueprints.set(row.twin, blueprint);
  }
  return { twins, kinds: reader.kinds, rules, blueprints };
}

/** The twins of a home, page by page. */
export async function* twinsOf(
  reader: Reader,
  home: string,
  filter: TwinFilter = {},
): AsyncGenerator<TwinRow> {
  let cursor: string | undefined;
  do {
    const page = await reader.storage.listTwins(home, filter, { limit: PAGE, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Null: nobody has defined it yet. */
function knownBlueprint({ state }: TwinRow): KnownBlueprint | null {
  const { definition, edition, source } = state.context as unknown as BlueprintContext;
  if (!definition) return null;
  const locate = (place: RuleProblem['place']) =>
    source === null ? undefined : readBlueprint(source).locate(place);
  return { definition, edition, locate };
}

/** What a rule's twin holds. */
function definitionOf(context: unknown): Definition | null {
  return (context as RuleContext).definition;
}

/** The rule beside which a twin is on trial. */
export function draftOf(context: unknown): RuleContext['draftOf'] {
  return (context as RuleContext).draftOf ?? null;
}

/**
 * Makes a rule live, in place of what it was.
 * @throws Refusal `bad-input` with each problem, EngineError `conflict` where the twin is something else
 */
export async function putRule(
  engine: Engine,
  aside: Aside,
  address: Address,
  given: GivenRule,
  by: Requester,
): Promise<{ reading: TwinReading; made: boolean; problems: RuleProblem[] }> {
  assertAddress(address);
  const existing = await mayBecomeRule(engine, address);
  const named = 'blueprint' in given ? { rule: address.twin, ...given } : given;
  const { definition, origin, source, problems } = await aside('read', {
    ...{ home: address.home, given: named, except: address.twin },
  });
  assertUsable(definition, problems, address);
  const reading = await define(engine, address, { definition, origin, source }, by);
  return { reading, made: !existing, problems };
}

/** The rule that is there, or null. @throws EngineError `conflict` where the twin is something else */
export async function mayBecomeRule(engine: Engine, address: Address): Promise<TwinReading | null> {
  const existing = await engine.readTwin(address);
  if (!existing || existing.row.kind === KIND) return existing;
  throw new EngineError('conflict', `"${address.twin}" is a ${existing.row.kind}, not a rule`, {
    hint: 'Choose another id.',
  });
}

/** Makes a rule's twin where there is none, and gives it its definition. */
export async function define(
  engine: Engine,
  address: Address,
  given: Parameters<typeof defineRule>[2],
  by: Requester,
): Promise<TwinReading> {
  const existing = await engine.readTwin(address);
  const name = given.definition.name ?? address.twin;
  if (!existing) await engine.createTwin({ ...address, kind: KIND, name }, by);
  await defineRule(engine, address, given, existing ? by : unconditional(by));
  const reading = await engine.readTwin(address);
  if (!reading) throw new EngineError('conflict', `${address.twin} was deleted meanwhile`);
  return reading;
}

/**
 * Gives the twin of a rule its definition.
 * @param given `origin` undefined: it is one of its own, and always begins anew; `draftOf`: the rule beside which it is on trial
 */
export async function defineRule(
  engine: Engine,
  address: Address,
  given: Omit<ReadRule, 'problems' | 'definition'> & { definition: Definition; draftOf?: string },
  by: Requester,
): Promise<void> {
  const { definition, origin, source, draftOf: rule } = given;
  const event = {
    type: 'rule.defined',
    definition: definition as unknown as Json,
    source,
    ...(origin && { origin }),
    ...(rule !== undefined && { draftOf: rule }),
  };
  await tellInside(engine, address, event, by);
}

/** Its runs end and what it holds is free before it is gone. */
export async function deleteRule(engine: Engine, address: Address, by: Requester): Promise<void> {
  toReceipt(await engine.desire(address, { enabled: false }, by));
  await engine.deleteTwin(address, unconditional(by));
}

/** The revision and the key were spent on a first step. */
export function unconditional({ principal, source }: Requester): Requester {
  return { principal, source };
}

/** A rule that is not live, on what has happened. @throws Refusal `bad-input` with each problem */
export async function tryRule(
  engine: Engine,
  aside: Aside,
  {
    home,
    timezone,
    given,
    span,
  }: { home: string; timezone: string; given: GivenRule; span: { from: number; to: number } },
): Promise<Backtest> {
  const { id, definition, problems } = await aside('read', { home, given });
  assertUsable(definition, problems, { home, twin: id });
  const reading = await engine.readTwin({ home, twin: id });
  const live = reading?.row.kind === KIND ? definitionOf(reading.row.state.context) : null;
  return aside('backtest', { home, timezone, draft: definition, live, span });
}

/** @throws EngineError `unknown-twin`, Refusal `not-found` for a twin that is no rule */
export async function mustReadRule(
  engine: Engine,
  { home, rule }: { home: string; rule: string },
): Promise<TwinReading> {
  const reading = await mustReadTwin(engine, { home, twin: rule });
  if (reading.row.kind === KIND) return reading;
  throw new Refusal('not-found', `"${rule}" is a ${reading.row.kind}, not a rule`, {
    hint: `GET /v1/homes/${home}/rules lists the rules.`,
  });
}

/** @throws Refusal `bad-input` for a rule that cannot go live */
export function assertUsable(
  definition: Definition | null,
  problems: readonly RuleProblem[],
  address: Address,
): asserts definition is Definition {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (definition && definition.rule !== address.twin) {
    throw new Refusal(
      'bad-input',
      `the rule calls itself "${definition.rule}", and its address "${address.twin}"`,
      {
        hint: 'Make both the same.',
      },
    );
  }
  const [first] = errors;
  if (definition && !first) return;
  throw new Refusal('bad-input', first ? printProblem(first) : 'it is no rule', {
    hint: 'Each problem is in `errors`; POST …/rules/check tells them without making it live.',
    errors: errors.map(flawOf),
  });
}

/** A problem as a refusal tells it. */
export function flawOf({ line, column, ...problem }: RuleProblem): {
  path: string;
  message: string;
} {
  const { blueprint } = problem;
  const text = blueprint === undefined ? 'body.source' : `blueprint ${blueprint}`;
  const data = blueprint === undefined ? 'body.definition' : text;
  return {
    path: line === undefined ? data : `${text}:${line}:${column}`,
    message: printProblem(problem),
  };
}
