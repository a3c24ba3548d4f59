/** What an entity of Home Assistant is among twins: as the user says, or as its domain suggests. */

import { stringify } from 'yaml';
import { z } from 'zod';
import type { Json, JsonObject } from '../../engine/kind.ts';
import { printProblem, readText } from '../../features/rules/authoring.ts';
import { ImportError } from './part.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is no name of a twin');
const path = z
  .string()
  .regex(
    /^(state|reported|desired|settings|room|alerts)(\.[A-Za-z0-9_-]+){0,7}$/,
    'is no path, such as reported.on',
  );
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const entry = z.strictObject({
  twin: z.union([name, z.array(name).min(1)]),
  path: path.optional(),
  values: z.record(z.string(), scalar).optional(),
  attributes: z.record(z.string(), path).optional(),
  set: z.record(z.string(), z.record(z.string(), z.json())).optional(),
});
const map = z.record(z.string(), entry);
export type EntityMap = z.output<typeof map>;

/** @throws ImportError with each problem at its place */
export function readEntities(file: string, text: string): EntityMap {
  // A skeleton of nothing but comments is an empty map
  const isEmpty = text.split('\n').every((line) => /^\s*(#|$)/.test(line));
  const { value, problems } = readText(isEmpty ? '{}' : text, map);
  if (value) return value;
  throw new ImportError(
    problems.map((problem) => `${file}:${printProblem(problem)}`).join('\n'),
    'An entry is written like  light.kitchen: { twin: kitchen-lamp, path: reported.on, values: { "on": true, "off": false } }',
  );
}

/** An entity as a twin's value. */
export interface Mapped {
  entity: string;
  domain: string;
  /** The first; all that an action means are in `twins`. */
  twin: string;
  twins: readonly string[];
  /** Null: nobody has said which of its values. */
  path: string | null;
  /** What Home Assistant calls a state → what the twin has; null: it is taken as it is. */
  values: Readonly<Record<string, string | number | boolean>> | null;
  attributes: Readonly<Record<string, string>>;
  /** What an action makes it want, by `action` or `action:value`. */
  set: Readonly<Record<string, JsonObject>>;
  isAssumed: boolean;
}

const SWITCH = { on: true, off: false };
const SWITCHED = ['light', 'switch', 'fan', 'input_boolean', 'siren', 'humidifier'];
const CLIMATE = {
  current_temperature: 'reported.temperature',
  temperature: 'reported.targetTemperature',
  current_humidity: 'reported.humidity',
  hvac_action: 'reported.heating',
};

/** What a binary sensor measures, by a word in its name. */
const SENSES: [RegExp, string, Record<string, boolean>][] = [
  [/motion|occupan|presence|pir|moving/, 'reported.occupancy', SWITCH],
  // `on` is open, and a contact that is open is false
  [/door|window|contact|opening|garage|gate/, 'reported.contact', { on: false, off: true }],
  [/smoke/, 'reported.smoke', SWITCH],
  [/leak|water|moisture|flood/, 'reported.waterLeak', SWITCH],
];
/** What a sensor measures, by a word in its name. */
const MEASURES: [RegExp, string][] = [
  [/temperature|temp$/, 'temperature'],
  [/humidity/, 'humidity'],
  [/illuminance|lux|brightness|light_level/, 'illuminance'],
  [/battery/, 'battery'],
  [/energy|kwh/, 'energy'],
  [/power|watt/, 'power'],
  [/voltage/, 'voltage'],
  [/current/, 'current'],
  [/pressure/, 'pressure'],
  [/co2|carbon_dioxide/, 'co2'],
  [/pm_?25|pm2_5/, 'pm25'],
  [/pm_?10/, 'pm10'],
  [/voc/, 'voc'],
  [/noise|sound/, 'noise'],
  [/moisture/, 'moisture'],
  [/rssi|signal/, 'rssi'],
];

/** What a domain suggests; null: nothing. */
function suggested(entity: string): Omit<Mapped, 'isAssumed'> | null {
  const [, domain = '', object = ''] = /^([a-z_]+)\.([a-z0-9_]+)$/.exec(entity) ?? [];
  if (object === '') return null;
  const twin = object.replaceAll('_', '-').replace(/^-+/, '').slice(0, 64);
  if (twin === '') return null;
  const plain = {
    ...{ entity, domain, twin, twins: [twin] },
    ...{ path: null, values: null, attributes: {}, set: {} },
  };
  if (SWITCHED.includes(domain)) {
    const attributes: Record<string, string> =
      domain === 'light' ? { brightness: 'reported.brightness' } : {};
    return { ...plain, path: 'reported.on', values: SWITCH, attributes };
  }
  switch (domain) {
    case 'binary_sensor': {
      const sense = SENSES.find(([words]) => words.test(object));
      return { ...plain, path: sense?.[1] ?? 'reported.on', values: sense?.[2] ?? SWITCH };
    }
    case 'sensor': {
      const measure = MEASURES.find(([words]) => words.test(object));
      return { ...plain, path: `reported.${measure?.[1] ?? object.split('_').at(-1)}` };
    }
    case 'climate':
      return { ...plain, attributes: CLIMATE };
    case 'schedule':
      return { ...plain, path: 'reported.active', values: SWITCH };
    case 'scene':
      return plain;
    default:
      return null;
  }
}

/** The entities of an import: which were met, and what each was taken for. */
export class Entities {
  readonly #given: EntityMap;
  readonly #met = new Map<string, Mapped | null>();

  constructor(given: EntityMap) {
    this.#given = given;
  }

  /** Null: nothing is known of it, and nothing can be assumed. */
  find(entity: string): Mapped | null {
    let mapped = this.#met.get(entity);
    if (mapped === undefined) {
      mapped = this.#mapped(entity);
      this.#met.set(entity, mapped);
    }
    return mapped;
  }

  #mapped(entity: string): Mapped | null {
    const given = Object.hasOwn(this.#given, entity) ? this.#given[entity] : undefined;
    const usual = suggested(entity);
    if (!given) return usual && { ...usual, isAssumed: true };
    const twins = [given.twin].flat();
    return {
      entity,
      domain: entity.split('.')[0] ?? '',
      twin: twins[0] ?? '',
      twins,
      path: given.path ?? usual?.path ?? null,
      // Who names the value also says how it is written there
      values: given.values ?? (given.path === undefined ? (usual?.values ?? null) : null),
      attributes: { ...usual?.attributes, ...given.attributes },
      set: (given.set ?? {}) as Record<string, JsonObject>,
      isAssumed: false,
    };
  }

  /** All twins that these are: a rule may not be called like one. */
  twins(): Set<string> {
    return new Set([...this.#met.values()].flatMap((mapped) => mapped?.twins ?? []));
  }

  /** A map of all that were met, to be changed and given back. */
  skeleton(): string {
    const entities = [...this.#met].sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = entities.map(([entity, mapped]) => {
      if (!mapped) {
        return `# ${entity}: { twin: … }  # nothing can be assumed of it: say which twin it is, and with path and values which of its values`;
      }
      const { twins, path, values, attributes, set, isAssumed } = mapped;
      const [only] = twins;
      const shown = {
        twin: twins.length === 1 ? only : [...twins],
        ...(path !== null && { path }),
        ...(values && { values }),
        ...(Object.keys(attributes).length > 0 && { attributes }),
        ...(Object.keys(set).length > 0 && { set }),
      };
      const flow = stringify(shown, { collectionStyle: 'flow', lineWidth: 0 }).trim();
      return `${keyOf(entity)}: ${flow}${isAssumed ? ' # assumed' : ''}`;
    });
    return [
      '# Which twin each entity of Home Assistant is. Change what is wrong, and give this file to --entities.',
      '#   path: the value that is its state; values: its states as that value has them',
      '#   attributes: the value that each attribute is; set: what an action makes the twin want, such as',
      '#   cover.blind: { twin: blind, path: reported.position, set: { open_cover: { position: 100 } } }',
      ...lines,
      '',
    ].join('\n');
  }
}

function keyOf(entity: string): string {
  return /^[a-z_]+[a-z0-9_.]*$/.test(entity) ? entity : JSON.stringify(entity);
}

/** Where a value of a twin stands, for expressions. */
export function celPath(twin: string, valuePath: string): string {
  const head = /^[A-Za-z_][A-Za-z0-9_]*$/.test(twin) ? `twins.${twin}` : `twins[${quoted(twin)}]`;
  const keys = valuePath.split('.');
  return keys.reduce(
    (text, key) =>
      /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${text}.${key}` : `${text}[${quoted(key)}]`,
    head,
  );
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** A state as the twin has it; undefined: the map of its values does not say. */
export function stateValue(values: Mapped['values'], state: string): Json | undefined {
  if (values) return Object.hasOwn(values, state) ? values[state] : undefined;
  return state.trim() !== '' && Number.isFinite(Number(state)) ? Number(state) : state;
}

/** The same for an expression. */
export function literal(value: Json): string {
  return JSON.stringify(value);
}

/** What a twin is wanted to have so that it reports this. */
export function wishOf({ path: valuePath }: Mapped): string | null {
  const [, key] = /^(?:reported|desired)\.([A-Za-z0-9_-]+)$/.exec(valuePath ?? '') ?? [];
  return key ?? null;
}
