/** What a kit would bring to a home, and all that is wrong with it. */
import { type JsonObject, type Reader, type TwinReading, twinsOf } from '../../../engine/index.ts';
import { twinsUsedBy } from '../check/uses.ts';
import type { Context as RuleContext } from '../kind/context.ts';
import type { Context as KitContext } from '../kits/kit.ts';
import type { Kit } from '../kits/kit-definition.ts';
import { parseKit, readKit } from '../kits/kit-text.ts';
import type { Part } from '../kits/part.ts';
import { planOf } from '../kits/plan.ts';
import type { Problem as RuleProblem } from '../language/problem.ts';
import type { Read } from '../language/read.ts';
import { brokenBy, rulesMadeFrom } from './made-rules.ts';
import { homeSnapshotOf, RULE_KIND } from './read-home.ts';

/** A kit as it comes in, with values for its inputs. */
export type GivenKit = ({ source: string } | { definition: unknown }) & {
  inputs?: JsonObject | undefined;
};

export const KIND = 'kit';

export interface KitPlan {
  /** Null: it is no kit. */
  kit: Kit | null;
  parts: Part[];
  problems: RuleProblem[];
}

export async function planKit(reader: Reader, home: string, given: GivenKit): Promise<KitPlan> {
  const read: Read<Kit> = 'source' in given ? readKit(given.source) : parseKit(given.definition);
  if (read.value === null) return { kit: null, parts: [], problems: read.problems };
  const { value: kit, locate } = read;
  const existing = await reader.readTwin({ home, twin: kit.kit });
  const former = existing?.row.kind === KIND ? contextOf(existing).parts : [];
  const own = ownIdsOf(former);
  const snapshot = { ...(await homeSnapshotOf(reader, home, '')), own };
  const { parts, problems } = planOf(kit, given.inputs ?? {}, snapshot, locate);
  const error = (message: string): RuleProblem => ({ severity: 'error', message, place: [] });
  if (existing && existing.row.kind !== KIND)
    problems.push(error(`"${kit.kit}" is a ${existing.row.kind} of the home: choose another id`));
  for (const { id, given: gift } of parts) {
    if (gift?.type !== 'blueprint' || !own.has(id)) continue;
    const rules = await rulesMadeFrom(reader, { home, twin: id });
    const others = rules.filter((rule) => !own.has(rule.id));
    for (const broken of await brokenBy(reader, home, gift.definition, others))
      problems.push(error(`its blueprint "${id}" would break the rule "${broken.rule}"`));
  }
  const wanted = new Set(parts.map(({ id }) => id));
  const dropped = former.filter(({ id }) => own.has(id) && !wanted.has(id));
  for (const { rule, uses } of await usersOf(reader, home, dropped, own))
    problems.push(error(`the rule "${rule}" uses "${uses}", which the kit no longer brings`));
  return { kit, parts, problems };
}

/** Rules of others that use parts of a kit. */
export async function usersOf(
  reader: Reader,
  home: string,
  parts: readonly Part[],
  own: ReadonlySet<string>,
): Promise<{ rule: string; uses: string }[]> {
  const ids = new Set(parts.filter(isBrought).map(({ id }) => id));
  const users: { rule: string; uses: string }[] = [];
  if (ids.size === 0) return users;
  for await (const { twin: rule, state } of twinsOf(reader, home, { kind: RULE_KIND })) {
    const { definition, origin } = state.context as unknown as RuleContext;
    if (own.has(rule) || !definition) continue;
    const used = [...twinsUsedBy(definition), ...(origin ? [origin.blueprint] : [])];
    users.push(...used.filter((id) => ids.has(id)).map((uses) => ({ rule, uses })));
  }
  return users;
}

export function contextOf({ row }: TwinReading): KitContext {
  return row.state.context as unknown as KitContext;
}

/** Whether the kit has made it, and it is the kit's still. */
export function isBrought({ given, existing }: Part): boolean {
  return given !== undefined && !existing;
}

/** A part that is to go is the kit's until it has gone. */
export function ownIdsOf(parts: readonly Part[]): Set<string> {
  return new Set(
    parts.filter(({ existing, given, kept }) => !existing && (given || !kept)).map(({ id }) => id),
  );
}
