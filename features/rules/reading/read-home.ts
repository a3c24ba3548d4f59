/** A home as its rules see it. */

import { type Reader, readingOf, type TwinRow, twinsOf } from '../../../engine/index.ts';
import type { Context as BlueprintContext } from '../blueprints/blueprint.ts';
import { readBlueprint } from '../blueprints/blueprint-text.ts';
import type { KnownBlueprint } from '../blueprints/expand.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { Definition } from '../rule-definition.ts';

/** A home with its blueprints. */
export interface RuleHome extends HomeSnapshot {
  blueprints: ReadonlyMap<string, KnownBlueprint>;
}

export const RULE_KIND = 'rule';

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
    const isOther = row.kind === RULE_KIND && row.twin !== except && !draftOf(row.state.context);
    const definition = isOther ? definitionOf(row.state.context) : null;
    if (definition) rules.push(definition);
    const blueprint = row.kind === 'blueprint' ? knownBlueprint(row) : null;
    if (blueprint) blueprints.set(row.twin, blueprint);
  }
  return { twins, kinds: reader.kinds, rules, blueprints };
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
export function definitionOf(context: unknown): Definition | null {
  return (context as RuleContext).definition;
}

/** The rule beside which a twin is on trial. */
export function draftOf(context: unknown): RuleContext['draftOf'] {
  return (context as RuleContext).draftOf ?? null;
}
