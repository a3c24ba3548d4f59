/** What is wrong with a rule among the twins and the other rules of its home. */
import { CronExpressionParser } from 'cron-parser';
import { objectionTo, parseSafely } from '../../../engine/index.ts';
import type { AnyKind, Json, JsonObject } from '../../../engine/kind.ts';
import {
  type CelType,
  type Expression,
  ExpressionError,
  type Operand,
  parseExpression,
} from '../expressions/expression.ts';
import { parseTemplate } from '../expressions/template.ts';
import { isClock, placeOf } from '../kind/clockwork.ts';
import { HOME_TWIN } from '../kind/program.ts';
import type { Action, Condition, Definition, Trigger } from '../language/definition.ts';
import { error, type Locate, located, type Place, type Problem } from '../language/source.ts';
import { didYouMean } from '../language/suggest.ts';
import {
  fieldsOf,
  type HomeSnapshot,
  type KnownTwin,
  type Shape,
  statesOf,
  typeOfValue,
} from './home-snapshot.ts';
import { interplay } from './interplay.ts';
import { flawsOfSize } from './size.ts';

/** All problems of a rule, in the order of its text. */
export function checkRule(
  definition: Definition,
  home: HomeSnapshot,
  locate: Locate = () => undefined,
): Problem[] {
  const flaws = flawsOfSize(definition);
  if (flaws.length > 0) return flaws;
  const checker = new Checker(home);
  checker.rule(definition);
  const problems = [...checker.problems, ...interplay(definition, home)];
  return problems
    .map((problem) => located(problem, locate))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

type Selector = {
  twin?: string[] | undefined;
  kind?: string | undefined;
  room?: string | undefined;
};

class Checker {
  readonly problems: Problem[] = [];
  readonly #home: HomeSnapshot;

  constructor(home: HomeSnapshot) {
    this.#home = home;
  }

  rule(definition: Definition): void {
    for (const [at, trigger] of definition.triggers.entries())
      this.#trigger(trigger, ['triggers', at]);
    for (const [at, condition] of definition.conditions.entries()) {
      this.#condition(condition, ['conditions', at]);
    }
    if (definition.key !== undefined) this.#expression(definition.key, ['key'], null);
    this.#actions(definition.actions, ['actions']);
  }

  #say(message: string, place: Place, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ ...error(message, place), severity });
  }

  // ── triggers ───────────────────────────────────────────────────────────────────────────────

  #trigger(trigger: Trigger, place: Place): void {
    switch (trigger.type) {
      case 'state':
        for (const [kind, twin] of this.#whose(trigger, place)) {
          const shape = this.#path(trigger.path, kind, twin, [...place, 'path']);
          for (const word of ['from', 'to', 'not'] as const) {
            for (const value of trigger[word] ?? []) this.#fits(value, shape, [...place, word]);
          }
        }
        if (
          trigger.from &&
          trigger.to &&
          JSON.stringify(trigger.from) === JSON.stringify(trigger.to)
        ) {
          this.#say(
            'begins and ends with the same value: it never fires',
            [...place, 'to'],
            'warning',
          );
        }
        return;
      case 'number':
        for (const [kind, twin] of this.#whose(trigger, place)) {
          const shape = this.#path(trigger.path, kind, twin, [...place, 'path']);
          if (shape && shape.type !== 'double' && shape.type !== 'dyn') {
            this.#say(`${trigger.path.join('.')} is a ${shape.type}, not a number`, [
              ...place,
              'path',
            ]);
          }
        }
        return;
      case 'event':
        for (const [kind] of this.#whose(trigger, place)) {
          if (kind && !Object.hasOwn(kind.events, trigger.event)) {
            const known = Object.keys(kind.events);
            this.#say(
              `a ${kind.kind} knows no event "${trigger.event}"${didYouMean(trigger.event, known)}`,
              [...place, 'event'],
            );
          }
        }
        this.#where(trigger, place);
        return;
      case 'alert':
        this.#whose(trigger, place);
        return;
      case 'intent':
        for (const [kind] of this.#whose(trigger, place)) {
          if (kind && trigger.command !== undefined)
            this.#hasCommand(kind, trigger.command, [...place, 'command']);
        }
        return;
      case 'cron':
        this.#cron(trigger.cron, [...place, 'cron']);
        if (trigger.timezone !== undefined)
          this.#timezone(trigger.timezone, [...place, 'timezone']);
        return;
      case 'sun':
        if (!placeOf(this.#homeFacts())) {
          this.#say(
            `the home's place is not known, so nobody knows when the sun rises: set latitude and longitude of its twin "${HOME_TWIN}"`,
            [...place, 'sun'],
          );
        }
        return;
      case 'mode':
        this.#modes([...trigger.mode, ...(trigger.from ?? [])], [...place, 'mode']);
        return;
      case 'mqtt':
        if (!this.#home.twins.has(HOME_TWIN))
          this.#say(`the home has no twin "${HOME_TWIN}", so it hears no messages`, [
            ...place,
            'mqtt',
          ]);
        this.#where(trigger, place);
        return;
      case 'webhook':
        this.#where(trigger, place);
        return;
      case 'when':
        this.#expression(trigger.when, [...place, 'when'], 'bool');
        return;
      case 'time':
      case 'every':
      case 'start':
        return;
    }
  }

  #where({ where }: { where?: string | undefined }, place: Place): void {
    if (where !== undefined) this.#expression(where, [...place, 'where'], 'bool');
  }

  #homeFacts() {
    const home = this.#home.twins.get(HOME_TWIN);
    return home ? { [HOME_TWIN]: { settings: home.settings } } : {};
  }

  #modes(modes: readonly string[], place: Place): void {
    const known = this.#home.twins.get(HOME_TWIN)?.settings.modes;
    if (!Array.isArray(known)) {
      this.#say(`the home has no twin "${HOME_TWIN}", so it has no modes`, place);
      return;
    }
    const names = known.map(String);
    for (const mode of modes) {
      if (!names.includes(mode)) {
        this.#say(
          `the home has no mode "${mode}"${didYouMean(mode, names) || `; it has: ${names.join(', ')}`}`,
          place,
        );
      }
    }
  }

  #cron(cron: string, place: Place): void {
    try {
      CronExpressionParser.parse(cron);
    } catch (thrown) {
      this.#say(
        `is no cron expression: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
        place,
      );
    }
  }

  #timezone(timezone: string, place: Place): void {
    try {
      new Intl.DateTimeFormat('en', { timeZone: timezone });
    } catch {
      const near = didYouMean(timezone, Intl.supportedValuesOf('timeZone'));
      this.#say(
        `"${timezone}" is no timezone${near || '; use an IANA name such as Europe/Berlin'}`,
        place,
      );
    }
  }

  /** The kinds, and where one is named the twin, that a selector means. */
  #whose(selector: Selector, place: Place): [AnyKind | undefined, KnownTwin | undefined][] {
    if (selector.kind !== undefined && !this.#home.kinds.has(selector.kind)) {
      const near = didYouMean(selector.kind, this.#home.kinds.keys());
      this.#say(`there is no kind "${selector.kind}"${near}`, [...place, 'kind']);
    }
    if (selector.room !== undefined) this.#twin(selector.room, [...place, 'room']);
    if (selector.twin) {
      return selector.twin.map((id) => {
        const twin = this.#twin(id, [...place, 'twin']);
        return [twin && this.#home.kinds.get(twin.kind), twin];
      });
    }
    const kind = selector.kind === undefined ? undefined : this.#home.kinds.get(selector.kind);
    return kind ? [[kind, undefined]] : [];
  }

  #twin(id: string, place: Place): KnownTwin | undefined {
    const twin = this.#home.twins.get(id);
    if (!twin)
      this.#say(`there is no twin "${id}"${didYouMean(id, this.#home.twins.keys())}`, place);
    return twin;
  }

  /** What is known of a value of a twin. */
  #path(
    path: readonly string[],
    kind: AnyKind | undefined,
    twin: KnownTwin | undefined,
    place: Place,
  ): Shape | undefined {
    if (!kind) return undefined;
    const [area, name, ...deeper] = path;
    if (area === 'state') {
      const states = statesOf(kind, path.slice(1));
      if (states === null) {
        const near = didYouMean(path.at(-1) ?? '', statesOf(kind, path.slice(1, -1)) ?? []);
        this.#say(`a ${kind.kind} has no state "${path.slice(1).join('.')}"${near}`, place);
        return undefined;
      }
      return { type: 'dyn', ...(states.length > 0 && { values: states }) };
    }
    if (area !== 'reported' && area !== 'desired' && area !== 'settings') return { type: 'dyn' };
    if (name === undefined) return { type: 'map' };
    const fields = fieldsOf(kind, area, twin);
    const shape = fields.get(name);
    if (!shape) {
      // A kind that says nothing of what it reports may report anything
      if (fields.size === 0 || (!twin && typeof kind.measurements === 'function'))
        return { type: 'dyn' };
      const near = didYouMean(name, fields.keys()) || `; it has: ${[...fields.keys()].join(', ')}`;
      const words =
        area === 'reported' ? 'reports no' : area === 'desired' ? 'has no wish' : 'has no setting';
      this.#say(`a ${kind.kind} ${words} "${name}"${near}`, place);
      return undefined;
    }
    return deeper.length > 0 ? { type: 'dyn' } : shape;
  }

  #fits(value: Json, shape: Shape | undefined, place: Place): void {
    if (!shape) return;
    if (shape.values && !shape.values.some((one) => one === value)) {
      const near = didYouMean(String(value), shape.values.map(String));
      this.#say(
        `it is never ${JSON.stringify(value)}${near || `; it can be: ${shape.values.map((one) => JSON.stringify(one)).join(', ')}`}`,
        place,
      );
    } else if (
      !shape.values &&
      shape.type !== 'dyn' &&
      value !== null &&
      typeOfValue(value) !== shape.type
    ) {
      this.#say(
        `is a ${typeOfValue(value)}, and the value is a ${shape.type}: it never fires`,
        place,
      );
    }
  }

  // ── expressions ────────────────────────────────────────────────────────────────────────────

  #condition(condition: Condition, place: Place): void {
    switch (condition.type) {
      case 'cel':
        this.#expression(condition.expression, place, 'bool');
        return;
      case 'and':
      case 'or':
        for (const [at, one] of condition.of.entries())
          this.#condition(one, [...place, condition.type, at]);
        return;
      case 'not':
        this.#condition(condition.of, [...place, 'not']);
        return;
      case 'mode':
        this.#modes(condition.mode, [...place, 'mode']);
        return;
      case 'time':
        if (condition.after !== undefined && condition.after === condition.before) {
          this.#say('begins when it ends: it is never true', [...place, 'after'], 'warning');
        }
        return;
    }
  }

  #expression(text: string, place: Place, wanted: 'bool' | null): void {
    try {
      this.#typed(parseExpression(text), place, wanted);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      this.#say(`${thrown.message} (at character ${thrown.start + 1} of "${text}")`, place);
    }
  }

  #typed(expression: Expression, place: Place, wanted: 'bool' | null): void {
    const before = this.problems.length;
    const typed = expression.typeWith((operand) => this.#operand(operand, place));
    // What is not there has been said; its type would only be said again
    if (this.problems.length > before) return;
    if ('error' in typed) {
      this.#say(`${typed.error} (at character ${typed.start + 1} of "${expression.text}")`, place);
    } else if (wanted === 'bool' && typed.type !== 'bool' && typed.type !== 'dyn') {
      this.#say(`"${expression.text}" is a ${typed.type}, not true or false`, place);
    }
  }

  #operand({ root, path, text }: Operand, place: Place): CelType {
    if (root === 'twins') {
      const [id, ...rest] = path;
      const [area] = rest;
      const twin = id === undefined ? undefined : this.#twin(id, place);
      if (!twin) return 'dyn';
      if (
        area === undefined ||
        !['state', 'reported', 'desired', 'settings', 'room', 'alerts'].includes(area)
      ) {
        this.#say(
          `${text} leads nowhere: after the twin comes state, reported, desired, settings, room or alerts`,
          place,
        );
        return 'dyn';
      }
      return this.#path(rest, this.#home.kinds.get(twin.kind), twin, place)?.type ?? 'dyn';
    }
    if (root === 'local') {
      const [name = ''] = path;
      const names = ['weekday', 'minutes', 'hour', 'minute'];
      if (!names.includes(name))
        this.#say(`local has no "${name}"${didYouMean(name, names)}`, place);
      return 'double';
    }
    return 'dyn';
  }

  // ── actions ────────────────────────────────────────────────────────────────────────────────

  #actions(actions: readonly Action[], place: Place): void {
    for (const [at, action] of actions.entries()) {
      this.#action(action, [...place, at]);
      if (action.type === 'stop' && at < actions.length - 1) {
        this.#say('is never reached: the run has stopped', [...place, at + 1], 'warning');
      }
    }
  }

  #action(action: Action, place: Place): void {
    switch (action.type) {
      case 'set': {
        const at = [...place, 'set'];
        this.#template(action.desired, [...at, 'desired']);
        for (const [kind] of this.#targets(action.twin, [...at, 'twin'])) {
          this.#payload(kind, 'desired.changed', action.desired, [...at, 'desired']);
        }
        return;
      }
      case 'release':
        this.#targets(action.twin, [...place, 'release']);
        return;
      case 'command': {
        const at = [...place, 'command'];
        this.#template({ args: action.args, ...(action.expect && { expect: action.expect }) }, [
          ...at,
          'args',
        ]);
        for (const [kind] of this.#targets(action.twin, [...at, 'twin']))
          this.#commandFits(kind, action, at);
        return;
      }
      case 'send': {
        const at = [...place, 'send'];
        this.#template(action.data, [...at, 'data']);
        for (const [kind] of this.#targets(action.twin, [...at, 'twin'])) {
          const objection = objectionTo(kind, 'rule', action.event);
          if (objection) {
            this.#say(`${objection.message}. ${objection.hint ?? ''}`.trim(), [...at, 'event']);
          } else if (!Object.hasOwn(kind.events, action.event)) {
            const near = didYouMean(action.event, Object.keys(kind.events));
            this.#say(`a ${kind.kind} knows no event "${action.event}"${near}`, [...at, 'event']);
          } else this.#payload(kind, action.event, action.data, [...at, 'data']);
        }
        return;
      }
      case 'scene':
        for (const [kind] of this.#targets(action.scene, [...place, 'scene'])) {
          if (kind.kind !== 'scene')
            this.#say(`"${action.scene}" is a ${kind.kind}, not a scene`, [...place, 'scene']);
        }
        return;
      case 'wait': {
        const at = [...place, 'wait'];
        for (const [index, trigger] of action.for.entries())
          this.#trigger(trigger, [...at, 'for', index]);
        if (action.until !== undefined) this.#expression(action.until, [...at, 'until'], 'bool');
        if (action.timeout === undefined && !action.for.some(isClock)) {
          this.#say('waits for ever if it does not come: give a "timeout"', at, 'warning');
        }
        return;
      }
      case 'if':
        this.#condition(action.condition, [...place, 'if']);
        this.#actions(action.then, [...place, 'then']);
        this.#actions(action.else, [...place, 'else']);
        return;
      case 'choose':
        for (const [at, branch] of action.branches.entries()) {
          this.#condition(branch.when, [...place, 'choose', at, 'when']);
          this.#actions(branch.do, [...place, 'choose', at, 'do']);
          if (isAlwaysTrue(branch.when) && at < action.branches.length - 1) {
            this.#say(
              'is never reached: the branch before it is always taken',
              [...place, 'choose', at + 1],
              'warning',
            );
          }
        }
        this.#actions(action.otherwise, [...place, 'otherwise']);
        return;
      case 'repeat': {
        const at = [...place, 'repeat'];
        if (action.while) this.#condition(action.while, [...at, 'while']);
        if (action.until) this.#condition(action.until, [...at, 'until']);
        this.#actions(action.do, [...at, 'do']);
        return;
      }
      case 'parallel':
        for (const [at, branch] of action.branches.entries())
          this.#actions(branch, [...place, 'parallel', at]);
        return;
      case 'let':
        this.#template(action.values, [...place, 'let']);
        return;
      case 'notify':
        this.#template(
          {
            title: action.title,
            message: action.message,
            ...(action.data && { data: action.data }),
          },
          [...place, 'notify'],
        );
        return;
      case 'webhook': {
        const at = [...place, 'webhook'];
        this.#template(action.url, [...at, 'url']);
        this.#template(action.headers, [...at, 'headers']);
        if (action.body !== undefined) this.#template(action.body, [...at, 'body']);
        if (action.secretHeaders && action.url.startsWith('http:')) {
          this.#say('its secrets can be read on the way: use https', [...at, 'url'], 'warning');
        }
        return;
      }
      case 'alert':
        this.#template(action.message, [...place, 'alert', 'message']);
        return;
      case 'delay':
      case 'clear':
      case 'stop':
        return;
    }
  }

  #template(value: Json, place: Place): void {
    try {
      for (const expression of parseTemplate(value).expressions)
        this.#typed(expression, place, null);
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      this.#say(thrown.message, place);
    }
  }

  /** The kinds of the twins that are named; one that is named only when it runs is not checked. */
  #targets(target: string | string[], place: Place): [AnyKind, KnownTwin][] {
    return [target].flat().flatMap((id): [AnyKind, KnownTwin][] => {
      if (id.includes('${')) {
        this.#template(id, place);
        return [];
      }
      const twin = this.#twin(id, place);
      const kind = twin && this.#home.kinds.get(twin.kind);
      return kind && twin ? [[kind, twin]] : [];
    });
  }

  #payload(kind: AnyKind, event: string, data: JsonObject, place: Place): void {
    const schema = kind.events[event];
    if (!schema) {
      this.#say(`of a ${kind.kind} nothing can be set: it has no "${event}"`, place);
      return;
    }
    const known = Object.keys(schema.shape as object);
    for (const key of Object.keys(data)) {
      if (!known.includes(key)) {
        this.#say(
          `a ${kind.kind} takes no "${key}"${didYouMean(key, known) || `; it takes: ${known.join(', ')}`}`,
          [...place, key],
        );
      }
    }
    const parsed = parseSafely(schema, data);
    for (const issue of parsed.error?.issues ?? []) {
      const [key] = issue.path;
      if (key !== undefined && isTemplate(data[String(key)])) continue;
      this.#say(issue.message, [...place, ...(issue.path as (string | number)[])]);
    }
  }

  #commandFits(
    kind: AnyKind,
    { name, args }: Extract<Action, { type: 'command' }>,
    place: Place,
  ): void {
    if (!this.#hasCommand(kind, name, [...place, 'name'])) return;
    const parsed = parseSafely(kind.commands[name].args, args);
    for (const issue of parsed.error?.issues ?? []) {
      const [key] = issue.path;
      if (key !== undefined && isTemplate(args[String(key)])) continue;
      this.#say(issue.message, [...place, 'args', ...(issue.path as (string | number)[])]);
    }
  }

  #hasCommand(kind: AnyKind, name: string, place: Place): boolean {
    const known = Object.keys(kind.commands as object);
    if (known.includes(name)) return true;
    const near =
      didYouMean(name, known) ||
      (known.length > 0 ? `; it has: ${known.join(', ')}` : '; it has none');
    this.#say(`a ${kind.kind} has no command "${name}"${near}`, place);
    return false;
  }
}

function isTemplate(value: Json | undefined): boolean {
  return JSON.stringify(value ?? null).includes('${');
}

function isAlwaysTrue(condition: Condition): boolean {
  return condition.type === 'cel' && condition.expression.trim() === 'true';
}
