/** What the translation of one automation knows on its way, and what it has to tell about it. */

import type { Json } from '../../engine/kind.ts';
import { ExpressionError, parseExpression } from '../../features/rules/authoring.ts';
import { type Entities, literal, type Mapped, stateValue } from './entities.ts';
import { type Spot, Untranslatable } from './part.ts';
import type { Finding, Tally } from './report.ts';

/** Stands where something could not be translated: no rule with it is accepted. */
export const OPEN = 'untranslated';
export type Open = { [OPEN]: string };

/** A value of a twin, with how its states are written. */
export interface Reading {
  mapped: Mapped;
  path: string;
  values: Mapped['values'];
}

export class Translation {
  readonly findings: Finding[] = [];
  readonly tallies = {
    trigger: { done: 0, all: 0 },
    condition: { done: 0, all: 0 },
    action: { done: 0, all: 0 },
  } satisfies Record<string, Tally>;
  /** Names of variables → how expressions read them here. */
  readonly vars = new Map<string, string>();
  /** What `trigger.to_state` may be of. */
  readonly triggering: Reading[] = [];
  /** Whether a trigger does not say from what to what. */
  triggersWithoutStates = false;
  /** Whether it waits for a template: such a wait does not say how it ended. */
  waitsForTemplate = false;
  readonly title: string;
  readonly #entities: Entities;
  readonly #ids = new Map<string, string>();
  readonly #said = new Set<string>();

  constructor(entities: Entities, title: string) {
    this.#entities = entities;
    this.title = title;
  }

  assume(at: Spot, message: string, instead?: string): void {
    this.#say({ level: 'assumed', at, message, ...(instead !== undefined && { instead }) });
  }

  ignore(at: Spot, message: string): void {
    this.#say({ level: 'ignored', at, message });
  }

  #say(finding: Finding): void {
    const key = `${finding.level} ${finding.message}`;
    // The first place is enough
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.findings.push(finding);
  }

  /** Translates a part, or says why not and leaves its place open. */
  attempt<T>(what: keyof Translation['tallies'], translate: () => T): T | Open {
    const tally = this.tallies[what];
    tally.all++;
    try {
      const done = translate();
      tally.done++;
      return done;
    } catch (thrown) {
      return this.open(thrown);
    }
  }

  /** @throws what is no Untranslatable */
  open(thrown: unknown): Open {
    if (!(thrown instanceof Untranslatable)) throw thrown;
    const { at, message, instead } = thrown;
    this.findings.push({ level: 'untranslated', at, message, instead });
    return { [OPEN]: `${at.line}:${at.column} ${message.slice(0, 300)}` };
  }

  /** Null: nobody has said what it is, and nothing can be assumed. */
  known(id: string): Mapped | null {
    return this.#entities.find(id);
  }

  /** @throws Untranslatable for one of which nothing is known */
  entity(id: string, at: Spot): Mapped {
    const mapped = this.known(id);
    if (!mapped) {
      const isRegistry = !id.includes('.');
      throw new Untranslatable(
        at,
        isRegistry
          ? `"${id}" is an id of Home Assistant's registry, which does not say what it is`
          : `nothing can be assumed of ${id}`,
        `say which twin it is in the file of entities:  ${isRegistry ? JSON.stringify(id) : id}: { twin: …, path: …, values: … }`,
      );
    }
    if (mapped.isAssumed) {
      const { twin, path, values } = mapped;
      const states = Object.entries(values ?? {}).map(([state, value]) => `${state} → ${value}`);
      this.assume(
        at,
        `${id} is the twin "${twin}"${path === null ? '' : `, its state ${[path, ...states].join(', ')}`}`,
      );
    }
    return mapped;
  }

  /** What the state of an entity, or an attribute, is read from. @throws Untranslatable */
  reading(id: string, attribute: string | null, at: Spot): Reading {
    if (id === 'sun.sun') {
      throw new Untranslatable(
        at,
        'expressions know nothing of the sun',
        'let a rule with the triggers "sun: sunrise" and "sun: sunset" set the home’s mode or a relay, and ask for that; or use a time of day',
      );
    }
    const mapped = this.entity(id, at);
    if (mapped.twins.length > 1) {
      throw new Untranslatable(
        at,
        `${id} stands for several twins, and has no state of its own`,
        'ask for each of them',
      );
    }
    if (attribute !== null) {
      const path = Object.hasOwn(mapped.attributes, attribute)
        ? mapped.attributes[attribute]
        : undefined;
      if (path !== undefined) {
        const values =
          mapped.domain === 'climate' && attribute === 'hvac_action'
            ? { heating: true, idle: false, off: false }
            : null;
        if (mapped.isAssumed) this.assume(at, `${attribute} of ${id} is ${path}`);
        return { mapped, path, values };
      }
      throw new Untranslatable(
        at,
        `nothing is known of the attribute "${attribute}" of ${id}`,
        `name the value in the file of entities:  ${id}: { twin: ${mapped.twin}, attributes: { ${attribute}: reported.… } }`,
      );
    }
    if (mapped.path === null) {
      throw new Untranslatable(
        at,
        `the state of ${id} is no single value of a twin`,
        `name one in the file of entities:  ${id}: { twin: ${mapped.twin}, path: reported.…, values: … }; or ask for an attribute`,
      );
    }
    return { mapped, path: mapped.path, values: mapped.values };
  }

  /** @throws Untranslatable for a state that the twin is not known to have */
  valueOf({ mapped, values }: Pick<Reading, 'mapped' | 'values'>, state: string, at: Spot): Json {
    const value = stateValue(values, state);
    if (value !== undefined) return value;
    throw new Untranslatable(
      at,
      `"${state}" is no state that ${mapped.entity} is known to have (${Object.keys(values ?? {}).join(', ')})`,
      'add it under "values" of the entity in the file of entities',
    );
  }

  /** Whether a condition asks for the trigger with this id, or at this place in the list. */
  asksFor(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Ids of triggers become names. */
  idOf(id: string): string {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const taken = new Set(this.#ids.values());
    let name = id.replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 60);
    if (!/^[A-Za-z_]/.test(name)) name = `t${name}`;
    while (taken.has(name)) name += '_';
    this.#ids.set(id, name);
    return name;
  }

  /** An expression that parses. @throws Untranslatable */
  checked(cel: string, at: Spot): string {
    try {
      if (cel.length > 2_000) throw new ExpressionError('it is longer than 2000 characters', 0);
      parseExpression(cel);
      return cel;
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      throw new Untranslatable(
        at,
        `as an expression it would be ${cel.slice(0, 200)}, which is refused: ${thrown.message}`,
        'write a simpler one',
      );
    }
  }
}

/** `unknown` and `unavailable`: what a twin has not reported is not there at all. */
export const NO_STATES: readonly string[] = ['unknown', 'unavailable'];

/** An expression that compares, where numbers stay numbers. */
export function equals(cel: string, value: Json): string {
  return `${cel} == ${literal(value)}`;
}
