/** What a kit is in a home: its parts with the inputs' values in them, and all that is wrong with it. */
import type { z } from 'zod';
import { parseSafely, SoloTwin } from '../../../engine/index.ts';
import type { AnyKind, Json, JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import { parseBlueprint, parseInstance } from '../blueprints/blueprint-text.ts';
import { expand, type KnownBlueprint } from '../blueprints/expand.ts';
import { inputAtFault } from '../blueprints/fault.ts';
import { flawsOf, substituted, usesOf, type Values } from '../blueprints/substitute.ts';
import { sampleOf, valuesOf } from '../blueprints/values.ts';
import { checkRule } from '../check/check.ts';
import type { HomeSnapshot } from '../check/home-snapshot.ts';
import type { KnownTwin } from '../checker/known-home.ts';
import type { Part as Position } from '../language/part.ts';
import type { Place } from '../language/place.ts';
import { error, type Locate, located, type Problem } from '../language/problem.ts';
import { readData } from '../language/read.ts';
import { type Definition, parseRule } from '../rule-definition.ts';
import { type Kit, kitScene, kitSchedule, kitTwin } from './kit-definition.ts';
import type { KitPart, Part } from './part.ts';

export interface KitHome extends HomeSnapshot {
  blueprints: ReadonlyMap<string, KnownBlueprint>;
  /** What the kit has brought already, or was about to. */
  own: ReadonlySet<string>;
}

export interface Plan {
  /** The parts in the order in which they are made. */
  parts: Part[];
  /** All of them at once. */
  problems: Problem[];
}

/** @param given values for the kit's inputs */
export function planOf(
  kit: Kit,
  given: Readonly<Record<string, Json>>,
  home: KitHome,
  locate: Locate = () => undefined,
): Plan {
  const planner = new Planner(kit, given, home);
  const parts = planner.plan();
  const problems = planner.problems
    .map((problem) => (problem.blueprint === undefined ? located(problem, locate) : problem))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return { parts, problems };
}

const SECTIONS = { twins: kitTwin, scenes: kitScene, schedules: kitSchedule } as const;
/** Kinds that are no parts of the section "twins". */
const NO_TWINS = ['rule', 'blueprint', 'kit'];
type Section = keyof typeof SECTIONS;

interface Draft extends Part {
  place: Place;
}

class Planner {
  readonly problems: Problem[] = [];
  readonly #kit: Kit;
  readonly #given: Readonly<Record<string, Json>>;
  readonly #home: KitHome;
  #values: Values = new Map();
  /** Inputs whose values are missing or wrong. */
  #wrong: ReadonlySet<string> = new Set();
  /** The home as it will be. */
  readonly #twins: Map<string, KnownTwin>;
  readonly #blueprints: Map<string, KnownBlueprint>;

  constructor(kit: Kit, given: Readonly<Record<string, Json>>, home: KitHome) {
    this.#kit = kit;
    this.#given = given;
    this.#home = home;
    // What it has brought is there as it will be, not as it is
    this.#twins = new Map([...home.twins].filter(([id]) => !home.own.has(id)));
    this.#blueprints = new Map([...home.blueprints].filter(([id]) => !home.own.has(id)));
  }

  plan(): Part[] {
    for (const [at, kind] of this.#kit.needs.kinds.entries()) {
      if (!this.#home.kinds.has(kind)) {
        const near = didYouMean(kind, this.#home.kinds.keys());
        this.#say(
          `it needs the kind "${kind}", which is not there${near || '; KINDS_DIR names the folder of your own'}`,
          ['needs', 'kinds', at],
        );
      }
    }
    this.#useInputs();
    const drafts = this.#twinDrafts();
    for (const { id, given } of drafts) if (given) this.#foresee(id, given);
    for (const draft of drafts) this.#checkTwin(draft);
    const others = [...this.#blueprintDrafts(), ...this.#ruleDrafts()];
    for (const draft of others) this.#claim(draft);
    const all = [...drafts, ...others];
    this.#distinct(all);
    return all.map(({ place: _, ...part }) => part);
  }

  #say(message: string, place: Place, severity: Problem['severity'] = 'error'): void {
    this.#blame({ ...error(message, place), severity });
  }

  /** A value that was given is at fault where it alone is what is wrong. */
  #blame(problem: Problem): void {
    const body = this.#kit as unknown as Json;
    const input = ['twins', 'scenes', 'schedules', 'rules'].includes(String(problem.place[0]))
      ? inputAtFault(body, problem.place, problem, this.#values)
      : null;
    if (input === null) this.problems.push(problem);
    else {
      const isGiven = Object.hasOwn(this.#given, input);
      const message = isGiven ? problem.message : `${problem.message} (by default; give another)`;
      this.problems.push({ ...problem, message, place: ['inputs', input] });
    }
  }

  #useInputs(): void {
    const { inputs, twins, scenes, schedules, rules } = this.#kit;
    const names = Object.keys(inputs);
    const look = (body: Json, position: Position, place: Place) =>
      this.problems.push(...flawsOf(body, position, names, place));
    for (const [section, all] of Object.entries({ twins, scenes, schedules }))
      look(all as Json, 'plain', [section]);
    for (const [at, rule] of rules.entries()) look(rule as Json, positionOf(rule), ['rules', at]);
    const { values, problems } = valuesOf(inputs, this.#given, this.#home);
    this.problems.push(...problems);
    // So that the rest can be looked at too
    this.#values = new Map([...sampleOf(inputs), ...values]);
    this.#wrong = new Set(names.filter((name) => !values.has(name)));
  }

  /** A section's part with the values in it; null where it is none. */
  #filled<S extends z.ZodType>(
    body: JsonObject,
    position: Position,
    schema: S,
    place: Place,
  ): z.output<S> | null {
    if (this.problems.some((one) => isWithin(one.place, place))) return null;
    // What hangs on a value that is missing or wrong has been said with the value
    if (usesOf(body).some(({ input }) => this.#wrong.has(input))) return null;
    const read = readData(substituted(body, position, this.#values), schema);
    for (const problem of read.problems)
      this.#blame({ ...problem, place: [...place, ...problem.place] });
    return read.value;
  }

  #twinDrafts(): Draft[] {
    const drafts: Draft[] = [];
    for (const section of Object.keys(SECTIONS) as Section[]) {
      for (const [id, body] of Object.entries(this.#kit[section])) {
        const place = [section, id];
        const filled = this.#filled(body as JsonObject, 'plain', SECTIONS[section], place);
        if (!filled) continue;
        if ('existing' in filled) {
          const given: KitPart = { type: 'twin', kind: filled.kind };
          drafts.push({ id, place, existing: true, given });
        } else drafts.push({ id, place, given: giftOf(section, filled) });
      }
    }
    // Rooms come before those who stand in them
    const isInRoom = ({ given }: Draft) =>
      Number(given?.type === 'twin' && given.room !== undefined);
    return drafts.sort((a, b) => isInRoom(a) - isInRoom(b));
  }

  /** What the home will have. */
  #foresee(id: string, gift: KitPart): void {
    if (gift.type !== 'twin' || this.#twins.has(id)) return;
    const { kind: name, room = null, settings } = gift;
    const kind = this.#home.kinds.get(name);
    if (!kind) return;
    const born = new SoloTwin(kind, {
      home: 'home',
      twin: id,
      timezone: 'UTC',
      now: 0,
      room: null,
    });
    if (settings && this.#flawsOf(kind, 'settings.changed', settings).length === 0)
      born.send({ ...settings, type: 'settings.changed' });
    const measured = kind.measurements;
    this.#twins.set(id, {
      id,
      kind: name,
      room,
      ...born.twin.view,
      ...(typeof measured === 'function' && {
        measurements: Object.keys(measured(born.twin.snapshot.context)),
      }),
    });
  }

  #checkTwin({ id, place, given, existing }: Draft): void {
    if (given?.type !== 'twin') return;
    const kind = this.#home.kinds.get(given.kind);
    if (NO_TWINS.includes(given.kind)) {
      this.#say(`a ${given.kind} stands under "${given.kind}s"`, [...place, 'kind']);
      return;
    }
    if (!kind) {
      const near = didYouMean(given.kind, this.#home.kinds.keys());
      this.#say(`there is no kind "${given.kind}"${near}`, [...place, 'kind']);
    }
    const found = this.#home.twins.get(id);
    if (existing) {
      if (!found || this.#home.own.has(id)) {
        const near = didYouMean(id, this.#home.twins.keys());
        this.#say(`there is no twin "${id}" that the kit could use${near}`, place);
      } else if (found.kind !== given.kind)
        this.#say(`"${id}" is a ${found.kind}, not a ${given.kind}`, [...place, 'kind']);
      return;
    }
    this.#claim({ id, place, given });
    if (given.room !== undefined) {
      const room = this.#twins.get(given.room);
      const roomKind = room && this.#home.kinds.get(room.kind);
      if (!roomKind || !Object.hasOwn(roomKind.events as object, 'member.joined')) {
        const rooms = [...this.#twins.values()].filter(({ kind: name }) =>
          Object.hasOwn((this.#home.kinds.get(name)?.events ?? {}) as object, 'member.joined'),
        );
        const near = didYouMean(
          given.room,
          rooms.map((one) => one.id),
        );
        this.#say(`there is no room "${given.room}"${near}`, [...place, 'room']);
      }
    }
    if (!kind) return;
    const isScene = place[0] === 'scenes';
    for (const [type, data, key] of [
      ['settings.changed', given.settings, 'settings'],
      ['desired.changed', given.desired, 'desired'],
    ] as const) {
      if (!data) continue;
      const under = place[0] === 'twins' ? [...place, key] : place;
      for (const flaw of this.#flawsOf(kind, type, data))
        this.#say(flaw.message, [...under, ...flaw.place]);
    }
    if (isScene) this.#checkEntries(given.settings?.entries, [...place, 'entries']);
  }

  #checkEntries(entries: Json | undefined, place: Place): void {
    if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) return;
    for (const [id, wishes] of Object.entries(entries)) {
      const twin = this.#twins.get(id);
      const kind = twin && this.#home.kinds.get(twin.kind);
      if (!twin) {
        this.#say(`there is no twin "${id}"${didYouMean(id, this.#twins.keys())}`, [...place, id]);
      } else if (kind) {
        for (const flaw of this.#flawsOf(kind, 'desired.changed', wishes as JsonObject))
          this.#say(flaw.message, [...place, id, ...flaw.place]);
      }
    }
  }

  /** What an event of a kind would be refused for. */
  #flawsOf(kind: AnyKind, type: string, data: JsonObject): { message: string; place: Place }[] {
    const events = kind.events as Record<string, z.ZodObject>;
    const schema = Object.hasOwn(events, type) ? events[type] : undefined;
    const word = type === 'desired.changed' ? 'wish' : 'setting';
    if (!schema) return [{ message: `a ${kind.kind} has no ${word}s`, place: [] }];
    const known = Object.keys(schema.shape);
    const unknown = Object.keys(data).filter((key) => !known.includes(key));
    return [
      ...unknown.map((key) => ({
        message: `a ${kind.kind} has no ${word} "${key}"${didYouMean(key, known) || `; it has: ${known.join(', ')}`}`,
        place: [key],
      })),
      ...(parseSafely(schema, data).error?.issues ?? []).map(({ message, path }) => ({
        message,
        place: path as Place,
      })),
    ];
  }

  #blueprintDrafts(): Draft[] {
    return this.#kit.blueprints.flatMap((body, at): Draft[] => {
      const place = ['blueprints', at];
      const { value, problems } = parseBlueprint(body);
      this.problems.push(...problems.map((one) => ({ ...one, place: [...place, ...one.place] })));
      if (!value) return [];
      const id = value.blueprint;
      this.#blueprints.set(id, { definition: value, edition: 0, locate: () => undefined });
      return [{ id, place, given: { type: 'blueprint', definition: value } }];
    });
  }

  #ruleDrafts(): Draft[] {
    const home = { kinds: this.#home.kinds, twins: this.#twins };
    const theirs = this.#home.rules.filter(({ rule }) => !this.#home.own.has(rule));
    const mine: Definition[] = [];
    return this.#kit.rules.flatMap((body, at): Draft[] => {
      const place = ['rules', at];
      const among = { ...home, rules: [...theirs, ...mine] };
      const filled = this.#filledRule(body as JsonObject, place);
      if (filled === null) return [];
      const made = parseInstance(filled);
      const tell = (problems: readonly Problem[]) => {
        for (const one of problems) {
          if (one.blueprint === undefined || !this.#isOwnBlueprint(one.blueprint))
            this.#blame({ ...one, place: [...place, ...one.place] });
          else {
            const { blueprint, ...rest } = one;
            const index = this.#kit.blueprints.findIndex((body) => body.blueprint === blueprint);
            this.problems.push({ ...rest, place: ['blueprints', index, ...one.place] });
          }
        }
      };
      if (made) {
        tell(made.problems);
        if (!made.value) return [];
        const { definition, origin, problems } = expand(made.value, this.#blueprints, among);
        tell(problems);
        if (!definition || !origin) return [];
        mine.push(definition);
        const { edition: _, ...rest } = origin;
        return [{ id: definition.rule, place, given: { type: 'rule', definition, origin: rest } }];
      }
      const { value, problems } = parseRule(filled);
      tell(problems);
      if (!value) return [];
      tell(checkRule(value, among));
      mine.push(value);
      return [{ id: value.rule, place, given: { type: 'rule', definition: value } }];
    });
  }

  #isOwnBlueprint(id: string): boolean {
    return this.#kit.blueprints.some((one) => one.blueprint === id);
  }

  #filledRule(body: JsonObject, place: Place): Json | null {
    return this.#filled(body, positionOf(body), ANYTHING, place) as Json | null;
  }

  /** The id has to be free, or the kit's own with the same kind behind it. */
  #claim({ id, place, given }: Draft): void {
    const found = this.#home.twins.get(id);
    if (!found || !given) return;
    const kind = given.type === 'twin' ? given.kind : given.type;
    if (!this.#home.own.has(id)) {
      this.#say(
        `there is a ${found.kind} "${id}" already: choose another id${given.type === 'twin' ? ', or say "existing: true"' : ''}`,
        place,
      );
    } else if (found.kind !== kind) {
      this.#say(`"${id}" is a ${found.kind} and cannot become a ${kind}: choose another id`, place);
    }
  }

  #distinct(drafts: readonly Draft[]): void {
    const taken = new Set([this.#kit.kit]);
    for (const { id, place } of drafts) {
      if (taken.has(id)) this.#say(`two twins cannot both be "${id}"`, place);
      taken.add(id);
    }
  }
}

const ANYTHING = {
  safeParse: (data: unknown) => ({ success: true, data }),
} as unknown as z.ZodType;

/** How the texts of a rule are read; values for a blueprint are nothing but values. */
function positionOf(rule: JsonObject | Record<string, unknown>): Position {
  return Object.hasOwn(rule, 'blueprint') && !Object.hasOwn(rule, 'triggers') ? 'plain' : 'rule';
}

function isWithin(place: Place, above: Place): boolean {
  return above.every((key, at) => place[at] === key);
}

type Filled = z.output<typeof kitTwin> | z.output<typeof kitScene> | z.output<typeof kitSchedule>;

function giftOf(section: Section, filled: Exclude<Filled, { existing: true }>): KitPart {
  const { name, room, ...rest } = filled;
  const said = { ...(name !== undefined && { name }), ...(room !== undefined && { room }) };
  if ('kind' in rest) {
    const { kind, settings, desired } = rest;
    return {
      type: 'twin',
      kind,
      ...said,
      ...(settings && { settings: settings as JsonObject }),
      ...(desired && { desired: desired as JsonObject }),
    };
  }
  const settings = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  ) as JsonObject;
  return { type: 'twin', kind: section === 'scenes' ? 'scene' : 'schedule', ...said, settings };
}
