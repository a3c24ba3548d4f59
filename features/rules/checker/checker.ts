/** Collects what is wrong with a rule among the twins of its home. What is wrong with a trigger or an action, its own file says. */
import type { AnyKind, Json } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import type { Condition } from '../conditions/condition.ts';
import {
  type CelType,
  type Expression,
  ExpressionError,
  type Operand,
  parseExpression,
} from '../expressions/expression.ts';
import { parseTemplate } from '../expressions/template.ts';
import type { Place } from '../language/place.ts';
import { error, type Problem } from '../language/problem.ts';
import type { Selector } from '../language/schemas.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { isOpen } from './influence.ts';
import type { KnownHome, KnownTwin } from './known-home.ts';
import { shapeAt } from './values.ts';

const AREAS = ['state', 'reported', 'desired', 'settings', 'room', 'alerts'];
const LOCAL = ['weekday', 'minutes', 'hour', 'minute'];

export class Checker {
  readonly problems: Problem[] = [];
  readonly home: KnownHome;

  constructor(home: KnownHome) {
    this.home = home;
  }

  say(message: string, place: Place, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ ...error(message, place), severity });
  }

  // ── twins ──────────────────────────────────────────────────────────────────────────────────

  twin(id: string, place: Place): KnownTwin | undefined {
    const twin = this.home.twins.get(id);
    if (!twin) this.say(`there is no twin "${id}"${didYouMean(id, this.home.twins.keys())}`, place);
    return twin;
  }

  /** The kinds, and where one is named the twin, that a selector means. */
  whose(selector: Selector, place: Place): [AnyKind | undefined, KnownTwin | undefined][] {
    const { kinds } = this.home;
    if (selector.kind !== undefined && !kinds.has(selector.kind)) {
      const near = didYouMean(selector.kind, kinds.keys());
      this.say(`there is no kind "${selector.kind}"${near}`, [...place, 'kind']);
    }
    if (selector.room !== undefined) this.twin(selector.room, [...place, 'room']);
    if (selector.twin) {
      return selector.twin.map((id) => {
        const twin = this.twin(id, [...place, 'twin']);
        return [twin && kinds.get(twin.kind), twin];
      });
    }
    const kind = selector.kind === undefined ? undefined : kinds.get(selector.kind);
    return kind ? [[kind, undefined]] : [];
  }

  /** The kinds of the twins that an action is for; a twin that is named only when the rule runs is not checked. */
  targets(target: string | string[], place: Place): AnyKind[] {
    return [target].flat().flatMap((id): AnyKind[] => {
      if (isOpen(id)) {
        this.template(id, place);
        return [];
      }
      const twin = this.twin(id, place);
      const kind = twin && this.home.kinds.get(twin.kind);
      return kind ? [kind] : [];
    });
  }

  modes(modes: readonly string[], place: Place): void {
    const known = this.home.twins.get(HOME_TWIN)?.settings.modes;
    if (!Array.isArray(known)) {
      this.say(`the home has no twin "${HOME_TWIN}", so it has no modes`, place);
      return;
    }
    const names = known.map(String);
    for (const mode of modes) {
      if (names.includes(mode)) continue;
      const near = didYouMean(mode, names) || `; it has: ${names.join(', ')}`;
      this.say(`the home has no mode "${mode}"${near}`, place);
    }
  }

  // ── expressions ────────────────────────────────────────────────────────────────────────────

  condition(condition: Condition, place: Place): void {
    switch (condition.type) {
      case 'cel':
        this.expression(condition.expression, place, 'bool');
        return;
      case 'and':
      case 'or':
        for (const [at, one] of condition.of.entries())
          this.condition(one, [...place, condition.type, at]);
        return;
      case 'not':
        this.condition(condition.of, [...place, 'not']);
        return;
      case 'mode':
        this.modes(condition.mode, [...place, 'mode']);
        return;
      case 'time':
        if (condition.after !== undefined && condition.after === condition.before) {
          this.say('begins when it ends: it is never true', [...place, 'after'], 'warning');
        }
        return;
    }
  }

  where({ where }: { where?: string }, place: Place): void {
    if (where !== undefined) this.expression(where, [...place, 'where'], 'bool');
  }

  expression(text: string, place: Place, wanted: 'bool' | null): void {
    try {
      this.#typed(parseExpression(text), place, wanted);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      this.say(`${thrown.message} (at character ${thrown.start + 1} of "${text}")`, place);
    }
  }

  template(value: Json, place: Place): void {
    try {
      for (const expression of parseTemplate(value).expressions)
        this.#typed(expression, place, null);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      this.say(thrown.message, place);
    }
  }

  #typed(expression: Expression, place: Place, wanted: 'bool' | null): void {
    const before = this.problems.length;
    const typed = expression.typeWith((operand) => this.#operand(operand, place));
    // What is not there has been said; its type would only be said again
    if (this.problems.length > before) return;
    if ('error' in typed) {
      this.say(`${typed.error} (at character ${typed.start + 1} of "${expression.text}")`, place);
    } else if (wanted === 'bool' && typed.type !== 'bool' && typed.type !== 'dyn') {
      this.say(`"${expression.text}" is a ${typed.type}, not true or false`, place);
    }
  }

  #operand({ root, path, text }: Operand, place: Place): CelType {
    if (root === 'twins') {
      const [id, ...rest] = path;
      const [area] = rest;
      const twin = id === undefined ? undefined : this.twin(id, place);
      if (!twin) return 'dyn';
      if (area === undefined || !AREAS.includes(area)) {
        this.say(
          `${text} leads nowhere: after the twin comes state, reported, desired, settings, room or alerts`,
          place,
        );
        return 'dyn';
      }
      return shapeAt(this, rest, this.home.kinds.get(twin.kind), twin, place)?.type ?? 'dyn';
    }
    if (root === 'local') {
      const [name = ''] = path;
      if (!LOCAL.includes(name))
        this.say(`local has no "${name}"${didYouMean(name, LOCAL)}`, place);
      return 'double';
    }
    return 'dyn';
  }
}
