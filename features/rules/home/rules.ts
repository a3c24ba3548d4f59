/** The rules of a home as its people deal with them: read, checked, made live. */

import {
  type Address,
  assertAccepted,
  assertAddress,
  type Engine,
  EngineError,
  type Json,
  type Requester,
  type TwinReading,
  tellTwin,
  unconditional,
} from '../../../engine/index.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { GivenRule, ReadRule } from '../reading/given-rule.ts';
import { definitionOf, RULE_KIND } from '../reading/read-home.ts';
import type { Definition } from '../rule-definition.ts';
import type { Backtest } from '../trial/backtest.ts';
import type { RunJob } from '../work/rule-work.ts';
import { mayBecome, mustReadOfKind } from './of-kind.ts';
import { assertUsable } from './usable.ts';

/** A rule that is to go live. */
export const RULE = {
  noun: 'rule',
  hint: 'Each problem is in `errors`; POST …/rules/check tells them without making it live.',
} as const;

/**
 * Makes a rule live, in place of what it was.
 * @throws FeatureError `bad-input` with each problem, EngineError `conflict` where the twin is something else
 */
export async function putRule(
  engine: Engine,
  runJob: RunJob,
  address: Address,
  given: GivenRule,
  by: Requester,
): Promise<{ reading: TwinReading; made: boolean; problems: RuleProblem[] }> {
  assertAddress(address);
  const existing = await mayBecome(engine, address, RULE_KIND);
  const named = 'blueprint' in given ? { rule: address.twin, ...given } : given;
  const { definition, origin, source, problems } = await runJob('read', {
    ...{ home: address.home, given: named, except: address.twin },
  });
  assertUsable(RULE, definition, problems, address);
  const reading = await define(engine, address, { definition, origin, source }, by);
  return { reading, made: !existing, problems };
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
  if (!existing) await engine.createTwin({ ...address, kind: RULE_KIND, name }, by);
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
  await tellTwin(engine, address, event, by);
}

/** Its runs end and what it holds is free before it is gone. */
export async function deleteRule(engine: Engine, address: Address, by: Requester): Promise<void> {
  assertAccepted(await engine.desire(address, { enabled: false }, by));
  await engine.deleteTwin(address, unconditional(by));
}

/** A rule that is not live, on what has happened. @throws FeatureError `bad-input` with each problem */
export async function tryRule(
  engine: Engine,
  runJob: RunJob,
  {
    home,
    timezone,
    given,
    span,
  }: { home: string; timezone: string; given: GivenRule; span: { from: number; to: number } },
): Promise<Backtest> {
  const { id, definition, problems } = await runJob('read', { home, given });
  assertUsable(RULE, definition, problems, { home, twin: id });
  const reading = await engine.readTwin({ home, twin: id });
  const live = reading?.row.kind === RULE_KIND ? definitionOf(reading.row.state.context) : null;
  return runJob('backtest', { home, timezone, draft: definition, live, span });
}

/** @throws EngineError `unknown-twin`, FeatureError `not-found` for a twin that is no rule */
export function mustReadRule(
  engine: Engine,
  { home, rule }: { home: string; rule: string },
): Promise<TwinReading> {
  return mustReadOfKind(engine, { home, twin: rule }, RULE_KIND);
}
