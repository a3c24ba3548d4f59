/** Drafts of rules on trial: twins of their own, beside the rules that are live. */
import {
  type Address,
  assertAddress,
  type Engine,
  EngineError,
  type Requester,
  type TwinReading,
  unconditional,
} from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { GivenRule } from '../reading/given-rule.ts';
import { draftOf, RULE_KIND } from '../reading/read-home.ts';
import type { Backtest } from '../trial/backtest.ts';
import type { RunJob } from '../work/rule-work.ts';
import { mayBecome } from './of-kind.ts';
import { define, type putRule, RULE } from './rules.ts';
import { assertUsable } from './usable.ts';

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
  runJob: RunJob,
  rule: Address,
  given: GivenRule,
  by: Requester,
): Promise<{ reading: TwinReading; made: boolean; problems: RuleProblem[] }> {
  const address = draftAddress(rule);
  assertAddress(address);
  const named = 'blueprint' in given ? { rule: rule.twin, ...given } : given;
  const { definition, origin, source, problems } = await runJob('read', {
    ...{ home: rule.home, given: named, except: rule.twin },
  });
  assertUsable(RULE, definition, problems, rule);
  const existing = await engine.readTwin(address);
  if (existing && !draftOf(existing.row.state.context)) {
    throw new EngineError('conflict', `"${address.twin}" is no draft`, {
      hint: 'A draft lives under the id of its rule with ".draft" behind it; rename what is there.',
    });
  }
  const draft = { definition, origin, source, draftOf: rule.twin };
  const reading = await define(engine, address, draft, by);
  return { reading, made: !existing, problems };
}

/** The draft of a rule that is on trial; null: there is none. */
export async function findDraft(engine: Engine, rule: Address): Promise<TwinReading | null> {
  const reading = await engine.readTwin(draftAddress(rule));
  return reading && draftOf(reading.row.state.context) ? reading : null;
}

/** @throws FeatureError `not-found` */
export async function mustReadDraft(engine: Engine, rule: Address): Promise<TwinReading> {
  const reading = await findDraft(engine, rule);
  if (reading) return reading;
  throw new FeatureError('not-found', `rule "${rule.twin}" has no draft`, {
    hint: `PUT /v1/homes/${rule.home}/rules/${rule.twin}/draft puts one on trial.`,
  });
}

/** What a draft would have done since it is on trial, beside what its rule did. @throws FeatureError `not-found` */
export async function readDraft(engine: Engine, runJob: RunJob, rule: Address): Promise<Backtest> {
  const { row } = await mustReadDraft(engine, rule);
  const live = await engine.readTwin(rule);
  const since = draftOf(row.state.context)?.since ?? row.createdAt;
  return runJob('compareDraft', {
    home: rule.home,
    draft: draftAddress(rule),
    live: live?.row.kind === RULE_KIND ? rule : null,
    span: { from: since, to: engine.clock.now() + 1 },
  });
}

/** Makes the draft live and ends its trial. @throws as {@link putRule}: the home may have changed since */
export async function promoteDraft(
  engine: Engine,
  runJob: RunJob,
  rule: Address,
  by: Requester,
): Promise<Awaited<ReturnType<typeof putRule>>> {
  const { row } = await mustReadDraft(engine, rule);
  const { source, definition, origin } = row.state.context as unknown as RuleContext;
  const problems = definition
    ? await runJob('recheck', { home: rule.home, rule: rule.twin, definition, source })
    : [];
  assertUsable(RULE, definition, problems, rule);
  const existing = await mayBecome(engine, rule, RULE_KIND);
  const reading = await define(engine, rule, { definition, origin: origin ?? null, source }, by);
  await engine.deleteTwin(draftAddress(rule), unconditional(by));
  return { reading, made: !existing, problems };
}

/** @throws FeatureError `not-found` */
export async function discardDraft(engine: Engine, rule: Address, by: Requester): Promise<void> {
  await mustReadDraft(engine, rule);
  await engine.deleteTwin(draftAddress(rule), by);
}
