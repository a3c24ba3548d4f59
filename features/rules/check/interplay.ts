/** What rules do to each other: two that want different things of one twin, and circles in which they set each other off. */
import type { Json } from '../../../engine/kind.ts';
import { HOME_TWIN } from '../kind/program.ts';
import type { Action, Definition, Trigger } from '../language/definition.ts';
import type { Place, Problem } from '../language/source.ts';
import type { HomeSnapshot, KnownTwin } from './home-snapshot.ts';

/** A value that a rule gives a twin. */
interface Influence {
  twin: string;
  /** Of `desired`, and sooner or later of `reported`. */
  property: string;
  value: Json;
  place: Place;
}

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
      to.triggers.some((trigger) => isMovedBy(trigger, influence, twins.get(influence.twin)?.kind)),
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

/** Whether giving a twin this value may fire the trigger. */
function isMovedBy(
  trigger: Trigger,
  { twin, property, value }: Influence,
  kind: string | undefined,
): boolean {
  if (trigger.type === 'mode') {
    const isMode = twin === HOME_TWIN && property === 'mode';
    return isMode && (isOpen(value) || trigger.mode.some((one) => one === value));
  }
  if (trigger.type !== 'state' && trigger.type !== 'number') return false;
  const isIts =
    trigger.twin?.includes(twin) ??
    (trigger.kind !== undefined ? trigger.kind === kind : trigger.room === undefined);
  const [area, name] = trigger.path;
  if (!isIts || name !== property || (area !== 'reported' && area !== 'desired')) return false;
  if (isOpen(value)) return true;
  if (trigger.type === 'number') {
    if (typeof value !== 'number') return false;
    return trigger.above !== undefined
      ? value > trigger.above
      : value < (trigger.below ?? Number.NEGATIVE_INFINITY);
  }
  return (
    (trigger.to === undefined || trigger.to.some((one) => one === value)) &&
    !(trigger.not ?? []).some((one) => one === value)
  );
}

function influencesOf(
  actions: readonly Action[],
  twins: ReadonlyMap<string, KnownTwin>,
  place: Place = ['actions'],
): Influence[] {
  return actions.flatMap((action, at): Influence[] => {
    const here = [...place, at];
    switch (action.type) {
      case 'set':
        return of(action.twin, action.desired, [...here, 'set', 'desired']);
      case 'command':
        return of(action.twin, action.args, [...here, 'command', 'args']);
      case 'send':
        return action.twin === HOME_TWIN && action.event === 'mode.set'
          ? of(HOME_TWIN, { mode: action.data.mode ?? null }, [...here, 'send', 'data'])
          : [];
      case 'scene':
        return ofScene(twins.get(action.scene), here);
      case 'if':
        return [
          ...influencesOf(action.then, twins, [...here, 'then']),
          ...influencesOf(action.else, twins, [...here, 'else']),
        ];
      case 'choose':
        return [
          ...action.branches.flatMap((branch, index) =>
            influencesOf(branch.do, twins, [...here, 'choose', index, 'do']),
          ),
          ...influencesOf(action.otherwise, twins, [...here, 'otherwise']),
        ];
      case 'repeat':
        return influencesOf(action.do, twins, [...here, 'repeat', 'do']);
      case 'parallel':
        return action.branches.flatMap((branch, index) =>
          influencesOf(branch, twins, [...here, 'parallel', index]),
        );
      default:
        return [];
    }
  });
}

/** What a scene gives its twins; taken back, it is known only then. */
function ofScene(scene: KnownTwin | undefined, place: Place): Influence[] {
  const entries = scene?.kind === 'scene' ? scene.settings.entries : undefined;
  return Object.entries((entries ?? {}) as Record<string, Record<string, Json>>).flatMap(
    ([twin, values]) =>
      Object.entries(values).map(([property, value]) => ({ twin, property, value, place })),
  );
}

function of(target: string | string[], values: Record<string, Json>, place: Place): Influence[] {
  return [target].flat().flatMap((twin) =>
    Object.entries(values).map(([property, value]) => ({
      twin,
      property,
      value,
      place: [...place, property],
    })),
  );
}

function differs(a: Json, b: Json): boolean {
  return !isOpen(a) && !isOpen(b) && JSON.stringify(a) !== JSON.stringify(b);
}

/** A value that is known only when the rule runs. */
function isOpen(value: Json): boolean {
  return JSON.stringify(value).includes('${');
}
