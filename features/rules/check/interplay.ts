/** What rules do to each other: two that want different things of one twin, and circles in which they set each other off. */
import type { Json } from '../../../engine/kind.ts';
import { type Action, typeOf as typeOfAction } from '../actions/index.ts';
import { type Influence, isOpen } from '../checker/influence.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import type { Place } from '../language/place.ts';
import type { Problem } from '../language/problem.ts';
import type { Definition } from '../rule-definition.ts';
import { type Trigger, typeOf } from '../triggers/index.ts';
import type { HomeSnapshot } from './home-snapshot.ts';

export function interplay(definition: Definition, home: HomeSnapshot): Problem[] {
  return [...conflicts(definition, home), ...circles(definition, home)];
}

function conflicts(definition: Definition, { rules: others, twins }: HomeSnapshot): Problem[] {
  const problems: Problem[] = [];
  const mine = influencesOf(definition.actions, twins);
  for (const other of others) {
    if (other.priority !== definition.priority) continue;
    for (const { twin, property, value, place } of mine) {
      const theirs = influencesOf(other.actions, twins).find(
        (one) => one.twin === twin && one.property === property && differs(one.value, value),
      );
      // A rule that wants both itself, on and later off, is no rival
      const agrees = influencesOf(other.actions, twins).some(
        (one) => one.twin === twin && one.property === property && !differs(one.value, value),
      );
      if (!theirs || agrees || !mayMeet(definition, other)) continue;
      problems.push({
        severity: 'warning',
        message: `rule "${other.rule}" sets ${property} of "${twin}" to ${JSON.stringify(theirs.value)}, with the same priority`,
        place,
      });
      break;
    }
  }
  return problems;
}

/** Two rules with a trigger in common, or without any that could tell them apart. */
function mayMeet(a: Definition, b: Definition): boolean {
  return a.triggers.some((mine) => b.triggers.some((theirs) => isSameOccasion(mine, theirs)));
}

function isSameOccasion(a: Trigger, b: Trigger): boolean {
  const { id: _a, ...mine } = a as { id?: string };
  const { id: _b, ...theirs } = b as { id?: string };
  return JSON.stringify(mine) === JSON.stringify(theirs);
}

function circles(definition: Definition, { rules, twins }: HomeSnapshot): Problem[] {
  const all = [definition, ...rules];
  const sets = (rule: Definition) => influencesOf(rule.actions, twins);
  const leadsTo = (from: Definition, to: Definition) =>
    sets(from).some((influence) =>
      to.triggers.some((trigger) => typeOf(trigger).isMovedBy?.(trigger, influence) ?? false),
    );
  // From this rule along who sets off whom, back to this rule
  const queue: Definition[][] = [[definition]];
  const visited = new Set<Definition>();
  for (let way = queue.shift(); way; way = queue.shift()) {
    const last = way.at(-1) as Definition;
    for (const next of all) {
      if (!leadsTo(last, next)) continue;
      if (next === definition) {
        const names = [...way, definition].map(({ rule }) => `"${rule}"`).join(' → ');
        return [
          {
            severity: 'warning',
            message: `rules set each other off in a circle: ${names}`,
            place: ['triggers'],
          },
        ];
      }
      if (visited.has(next)) continue;
      visited.add(next);
      queue.push([...way, next]);
    }
  }
  return [];
}

function influencesOf(
  actions: readonly Action[],
  twins: ReadonlyMap<string, KnownTwin>,
  place: Place = ['actions'],
): Influence[] {
  return actions.flatMap((action, at): Influence[] => {
    const here = [...place, at];
    const { influences, nested } = typeOfAction(action);
    return [
      ...(influences?.(action, here, twins) ?? []),
      ...(nested?.(action) ?? []).flatMap((inner) =>
        influencesOf(inner.actions, twins, [...here, ...inner.place]),
      ),
    ];
  });
}

function differs(a: Json, b: Json): boolean {
  return !isOpen(a) && !isOpen(b) && JSON.stringify(a) !== JSON.stringify(b);
}
