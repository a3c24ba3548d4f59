/** What a template reads: states, attributes, the trigger, what it waited for, and the time. */
import { celPath } from './entities.ts';
import type { Node } from './jinja.ts';
import type { Spot } from './part.ts';
import { notUnderstood, type Term } from './term.ts';
import type { Reading, Translation } from './translation.ts';

export class TemplateReads {
  readonly #translation: Translation;
  readonly #at: Spot;

  constructor(translation: Translation, at: Spot) {
    this.#translation = translation;
    this.#at = at;
  }

  state(entity: string, attribute: string | null): Term {
    const reading = this.#translation.reading(entity, attribute, this.#at);
    return { type: 'state', cel: celPath(reading.mapped.twin, reading.path), reading };
  }

  attribute(entity: string, attribute: string): Term {
    const term = this.state(entity, attribute);
    // Attributes are values, where states are texts
    return term.type === 'state' && term.reading.values === null
      ? { type: 'any', cel: term.cel }
      : term;
  }

  read(node: Node): Term {
    if (node.op === 'get' && isNow(node.of) && node.key.op === 'literal') {
      const { value } = node.key;
      if (value === 'hour' || value === 'minute') return { type: 'number', cel: `local.${value}` };
    }
    const chain = chainOf(node);
    if (!chain) return this.#fail('what is read is only known when it runs', 'name it in the text');
    const [root = '', ...path] = chain;
    switch (root) {
      case 'states': {
        const [domain, object, member, attribute] = path;
        if (domain !== undefined && object !== undefined) {
          const entity = `${domain}.${object}`;
          if (member === 'state' && path.length === 3) return this.state(entity, null);
          if (member === 'attributes' && attribute !== undefined && path.length === 4)
            return this.attribute(entity, attribute);
        }
        return this.#fail(
          `${chain.join('.')} has no counterpart`,
          "use states('…') or state_attr('…', '…')",
        );
      }
      case 'trigger':
        return this.#trigger(path);
      case 'wait':
        return this.#wait(path);
      default: {
        const variable = path.length === 0 ? this.#translation.vars.get(root) : undefined;
        if (variable !== undefined) return { type: 'any', cel: variable };
        return this.#fail(
          root === 'this' || root === 'repeat'
            ? `"${chain.join('.')}" has no counterpart`
            : `"${chain.join('.')}" is not known here`,
        );
      }
    }
  }

  #trigger(path: string[]): Term {
    const [member, ...more] = path;
    const name = path.join('.');
    if (name === 'id') return { type: 'id', cel: 'trigger.id' };
    if (
      name === 'entity_id' ||
      /^(to|from)_state\.(entity_id|name|attributes\.friendly_name)$/.test(name)
    ) {
      this.#triggeringState();
      return { type: 'twin', cel: 'trigger.twin' };
    }
    if ((member === 'to_state' || member === 'from_state') && more.join('.') === 'state') {
      const reading = this.#triggeringState();
      if (this.#translation.triggersWithoutStates)
        return this.#fail(
          'a trigger of this automation becomes an expression, which does not say from what to what',
          'ask for the state of the entity itself',
        );
      return { type: 'state', cel: member === 'to_state' ? 'trigger.to' : 'trigger.from', reading };
    }
    if (member === 'json' && more.length > 0 && more.every((key) => /^[A-Za-z_]\w*$/.test(key)))
      return { type: 'any', cel: `trigger.body.${more.join('.')}` };
    return this.#fail(`trigger.${name} has no counterpart`);
  }

  #triggeringState(): Reading {
    const { triggering } = this.#translation;
    const [first] = triggering;
    if (!first) return this.#fail('no trigger of this automation is of a state');
    if (triggering.some(({ values }) => JSON.stringify(values) !== JSON.stringify(first.values)))
      return this.#fail(
        'its triggers are of states that are written differently',
        'make a rule for each of these triggers',
      );
    return first;
  }

  #wait(path: string[]): Term {
    const name = path.join('.');
    if (name !== 'completed' && name !== 'trigger')
      return this.#fail(`wait.${name} has no counterpart`);
    if (this.#translation.waitsForTemplate)
      return this.#fail(
        'how a wait for a template has ended is not kept',
        'ask for what it waited for once more',
      );
    return name === 'completed'
      ? { type: 'bool', cel: 'has(vars.wait)' }
      : { type: 'any', cel: 'vars.wait' };
  }

  #fail(reason: string, instead?: string): never {
    return notUnderstood(this.#at, reason, instead);
  }
}

/** `now().hour` and the like. */
export function momentOf(of: Node, given: readonly Node[]): string | null {
  if (of.op !== 'get' || given.length > 0 || !isNow(of.of) || of.key.op !== 'literal') return null;
  if (of.key.value === 'isoweekday') return 'local.weekday';
  return of.key.value === 'weekday' ? '(local.weekday - 1.0)' : null;
}

/** `now()` */
function isNow(node: Node): boolean {
  return (
    node.op === 'call' &&
    node.of.op === 'name' &&
    node.of.name === 'now' &&
    node.arguments.length === 0
  );
}

/** `trigger.to_state.state` → its names. */
function chainOf(node: Node): string[] | null {
  if (node.op === 'name') return [node.name];
  if (node.op !== 'get' || node.key.op !== 'literal') return null;
  const above = chainOf(node.of);
  return above && [...above, String(node.key.value)];
}
