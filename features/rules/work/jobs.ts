/** What takes long with rules: read and judged, and run anew on what has happened. Reads, and changes nothing. */
import { type Address, type Reader, type ReplayReport, replay } from '../../../engine/index.ts';
import type { Blueprint } from '../blueprints/blueprint-definition.ts';
import { parseBlueprint, readBlueprint } from '../blueprints/blueprint-text.ts';
import { checkRule } from '../check/check.ts';
import { chainOf, type Link } from '../explain/chain.ts';
import { type Explanation, explainRule } from '../explain/explain.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { Origin } from '../model/origin.ts';
import { type GivenRule, idOf, type ReadRule, readGiven } from '../reading/given-rule.ts';
import { type GivenKit, type KitPlan, planKit } from '../reading/kit-plan.ts';
import {
  brokenBy,
  type GivenBlueprint,
  type MadeRule,
  remade,
  rulesMadeFrom,
} from '../reading/made-rules.ts';
import { homeSnapshotOf } from '../reading/read-home.ts';
import { type Definition, parseRule, readRule } from '../rule-definition.ts';
import { type Backtest, backtest } from '../trial/backtest.ts';
import type { Span } from '../trial/history.ts';
import { compareDraft } from '../trial/shadow.ts';

export const jobs = {
  /** A rule among the twins and the rules of its home. @param input `except`: default, what it calls itself */
  async read(
    reader: Reader,
    input: { home: string; given: GivenRule; except?: string },
  ): Promise<ReadRule & { id: string }> {
    const id = idOf(input.given);
    const home = await homeSnapshotOf(reader, input.home, input.except ?? id);
    return { ...readGiven(input.given, home), id };
  },

  async recheck(
    reader: Reader,
    { home, rule, definition, source }: Recheck,
  ): Promise<RuleProblem[]> {
    const { locate } = source === null ? parseRule(null) : readRule(source);
    return checkRule(definition, await homeSnapshotOf(reader, home, rule), locate);
  },

  /** A blueprint, and the rules that it would break. */
  async readBlueprint(
    reader: Reader,
    { home, twin, given }: Address & { given: GivenBlueprint },
  ): Promise<ReadBlueprint> {
    const { value, problems, locate } =
      'source' in given ? readBlueprint(given.source) : parseBlueprint(given.definition);
    if (value === null) return { value, problems, broken: [] };
    const rules = await rulesMadeFrom(reader, { home, twin });
    return { value, problems, broken: await brokenBy(reader, home, value, rules, locate) };
  },

  /** The rules that a blueprint's present edition makes of those that were made from it. */
  remade(reader: Reader, address: Address & { except: readonly string[] }): Promise<Remade[]> {
    return remade(reader, address, new Set(address.except));
  },

  planKit(reader: Reader, { home, given }: { home: string; given: GivenKit }): Promise<KitPlan> {
    return planKit(reader, home, given);
  },

  backtest(
    reader: Reader,
    input: {
      home: string;
      timezone: string;
      draft: Definition;
      live: Definition | null;
      span: Span;
    },
  ): Promise<Backtest> {
    return backtest(reader, input);
  },

  compareDraft(
    reader: Reader,
    input: { home: string; draft: Address; live: Address | null; span: Span },
  ): Promise<Backtest> {
    return compareDraft(reader, input);
  },

  explainRule(
    reader: Reader,
    { home, rule, span }: { home: string; rule: string; span: Span },
  ): Promise<Explanation> {
    return explainRule(reader, home, rule, span);
  },

  explainEffect(reader: Reader, { home, id }: { home: string; id: string }): Promise<Link[]> {
    return chainOf(reader, home, id);
  },

  /** Replays any twin. A turn of a rule may take as long here as it took then. */
  replay(reader: Reader, address: Address): Promise<ReplayReport> {
    return replay(reader, address);
  },
};

interface Recheck {
  home: string;
  rule: string;
  definition: Definition;
  source: string | null;
}

interface ReadBlueprint {
  value: Blueprint | null;
  problems: RuleProblem[];
  broken: { rule: string; problems: RuleProblem[] }[];
}

type Remade = MadeRule & { origin: Origin };

/** Jobs that go through journals: they may take as long as a person waits. */
export const LONG: ReadonlySet<JobName> = new Set([
  'backtest',
  'compareDraft',
  'explainRule',
  'explainEffect',
  'replay',
]);

export type JobName = keyof typeof jobs;
export type InputOf<N extends JobName> = Parameters<(typeof jobs)[N]>[1];
export type OutputOf<N extends JobName> = Awaited<ReturnType<(typeof jobs)[N]>>;
