/** The rules of a home as its people deal with them: read, checked, made live. */
import { randomUUID } from 'node:crypto';
import {
  type Address,
  type Engine,
  EngineError,
  type Json,
  type Requester,
  type TwinReading,
} from '../engine/index.ts';
import {
  type Backtest,
  backtest,
  checkRule,
  compareDraft,
  type Definition,
  type Household,
  type KnownTwin,
  parseRule,
  printProblem,
  type RuleContext,
  type RuleProblem,
  readRule,
} from '../rules/index.ts';
import { mustReadTwin } from './http/existence.ts';
import { assertAddress } from './http/parameters.ts';
import { readingOf } from './http/readings.ts';
import { Refusal } from './problem.ts';

/** A rule as it comes in: an author's text, or the same as data. */
export type GivenRule = { source: string } | { definition: unknown };

export interface ReadRule {
  /** Null: it is no rule. */
  definition: Definition | null;
  /** The author's text, where there is one. */
  source: string | null;
  problems: RuleProblem[];
}

const KIND = 'rule';
const PAGE = 200;

/** Reads a rule and checks it against its home. @param home without it only the language is checked */
export function readGiven(given: GivenRule, home: Household | null): ReadRule {
  const source = 'source' in given ? given.source : null;
  const read = 'source' in given ? readRule(given.source) : parseRule(given.definition);
  if (read.value === null) return { definition: null, source, problems: read.problems };
  const problems = home ? checkRule(read.value, home, read.locate) : [];
  return { definition: read.value, source, problems };
}

/** The twins, kinds and rules of a home. @param except the rule that is checked */
export async function householdOf(
  engine: Engine,
  home: string,
  except: string,
): Promise<Household> {
  const twins = new Map<string, KnownTwin>();
  const rules: Definition[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.storage.listTwins(home, {}, { limit: PAGE, cursor });
    for (const row of page.items) {
      const { view } = readingOf(engine, row);
      const kind = engine.kinds.get(row.kind);
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
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return { twins, kinds: engine.kinds, rules };
}

/** What a rule's twin holds. */
function definitionOf(context: unknown): Definition | null {
  return (context as RuleContext).definition;
}

/** The rule beside which a twin is on trial. */
function draftOf(context: unknown): RuleContext['draftOf'] {
  return (context as RuleContext).draftOf ?? null;
}

/**
 * Makes a rule live, in place of what it was.
 * @throws Refusal `bad-input` with each problem, EngineError `conflict` where the twin is something else
 */
export async function putRule(
  engine: Engine,
  address: Address,
  given: GivenRule,
  by: Requester,
): Promise<{ reading: TwinReading; made: boolean; problems: RuleProblem[] }> {
  assertAddress(address);
  const existing = await mayBecomeRule(engine, address);
  const { definition, source, problems } = readGiven(
    given,
    await householdOf(engine, address.home, address.twin),
  );
  assertUsable(definition, problems, address);
  const reading = await define(engine, address, { definition, source }, by);
  return { reading, made: !existing, problems };
}

/** The rule that is there, or null. @throws EngineError `conflict` where the twin is something else */
async function mayBecomeRule(engine: Engine, address: Address): Promise<TwinReading | null> {
  const existing = await engine.readTwin(address);
  if (!existing || existing.row.kind === KIND) return existing;
  throw new EngineError('conflict', `"${address.twin}" is a ${existing.row.kind}, not a rule`, {
    hint: 'Choose another id.',
  });
}

/** Gives a rule's twin its definition; it is made where there is none. @param draftOf the rule beside which it is on trial */
async function define(
  engine: Engine,
  address: Address,
  { definition, source }: { definition: Definition; source: string | null },
  by: Requester,
  draftOf?: string,
): Promise<TwinReading> {
  const existing = await engine.readTwin(address);
  if (!existing)
    await engine.createTwin({ ...address, kind: KIND, name: definition.name ?? address.twin }, by);
  const id = randomUUID();
  const receipt = await engine.dispatch({
    ...address,
    id,
    dedupe: false,
    event: {
      type: 'rule.defined',
      definition: definition as unknown as Json,
      source,
      ...(draftOf !== undefined && { draftOf }),
    },
    at: engine.clock.now(),
    undated: true,
    source: 'engine',
    cause: null,
    correlation: id,
    principal: by.principal,
    ifUnknown: 'reject',
    answered: true,
    ...(existing && by.ifRevision !== undefined && { ifRevision: by.ifRevision }),
  });
  if (receipt.status === 'rejected') throw new EngineError(receipt.code, receipt.reason);
  const reading = await engine.readTwin(address);
  if (!reading) throw new EngineError('conflict', `${address.twin} was deleted meanwhile`);
  return reading;
}

/** Where a draft of a rule lives. */
function draftAddress({ home, twin }: Address): Address {
  return { home, twin: `${twin}.draft` };
}

/**
 * Puts a draft of a rule on trial, beside the version that is live or before there is one.
 * @throws as {@link putRule}
 */
export async function putDraft(
  engine: Engine,
  rule: Address,
  given: GivenRule,
  by: Requester,
): Promise<{ reading: TwinReading; made: boolean; problems: RuleProblem[] }> {
  const address = draftAddress(rule);
  assertAddress(address);
  const household = await householdOf(engine, rule.home, rule.twin);
  const { definition, source, problems } = readGiven(given, household);
  assertUsable(definition, problems, rule);
  const existing = await engine.readTwin(address);
  if (existing && !draftOf(existing.row.state.context)) {
    throw new EngineError('conflict', `"${address.twin}" is no draft`, {
      hint: 'A draft lives under the id of its rule with ".draft" behind it; rename what is there.',
    });
  }
  const reading = await define(engine, address, { definition, source }, by, rule.twin);
  return { reading, made: !existing, problems };
}

/** @throws Refusal `not-found` */
export async function mustReadDraft(engine: Engine, rule: Address): Promise<TwinReading> {
  const reading = await engine.readTwin(draftAddress(rule));
  if (reading && draftOf(reading.row.state.context)) return reading;
  throw new Refusal('not-found', `rule "${rule.twin}" has no draft`, {
    hint: `PUT /v1/homes/${rule.home}/rules/${rule.twin}/draft puts one on trial.`,
  });
}

/** What a draft would have done since it is on trial, beside what its rule did. @throws Refusal `not-found` */
export async function readDraft(engine: Engine, rule: Address): Promise<Backtest> {
  const { row } = await mustReadDraft(engine, rule);
  const live = await engine.readTwin(rule);
  const since = draftOf(row.state.context)?.since ?? row.createdAt;
  return compareDraft(engine, {
    draft: draftAddress(rule),
    live: live?.row.kind === KIND ? rule : null,
    span: { from: since, to: engine.clock.now() + 1 },
  });
}

/** Makes the draft live and ends its trial. @throws as {@link putRule}: the home may have changed since */
export async function promoteDraft(
  engine: Engine,
  rule: Address,
  by: Requester,
): Promise<Awaited<ReturnType<typeof putRule>>> {
  const { row } = await mustReadDraft(engine, rule);
  const { source, definition } = row.state.context as unknown as RuleContext;
  const { locate } = source === null ? parseRule(null) : readRule(source);
  const household = await householdOf(engine, rule.home, rule.twin);
  const problems = definition ? checkRule(definition, household, locate) : [];
  assertUsable(definition, problems, rule);
  const existing = await mayBecomeRule(engine, rule);
  const reading = await define(engine, rule, { definition, source }, by);
  await engine.deleteTwin(draftAddress(rule), { principal: by.principal, source: by.source });
  return { reading, made: !existing, problems };
}

/** @throws Refusal `not-found` */
export async function discardDraft(engine: Engine, rule: Address, by: Requester): Promise<void> {
  await mustReadDraft(engine, rule);
  await engine.deleteTwin(draftAddress(rule), by);
}

/** A rule that is not live, on what has happened. @throws Refusal `bad-input` with each problem */
export async function tryRule(
  engine: Engine,
  {
    home,
    timezone,
    given,
    span,
  }: { home: string; timezone: string; given: GivenRule; span: { from: number; to: number } },
): Promise<Backtest> {
  const id = readGiven(given, null).definition?.rule ?? '';
  const { definition, problems } = readGiven(given, await householdOf(engine, home, id));
  assertUsable(definition, problems, { home, twin: id });
  const reading = await engine.readTwin({ home, twin: id });
  const live = reading?.row.kind === KIND ? definitionOf(reading.row.state.context) : null;
  return backtest(engine, { home, timezone, draft: definition, live, span });
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
function assertUsable(
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
    errors: errors.map(({ line, column, ...problem }) => ({
      path: line === undefined ? 'body.definition' : `body.source:${line}:${column}`,
      message: printProblem(problem),
    })),
  });
}
