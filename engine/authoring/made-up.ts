/** Values made up for a JSON Schema. */
import type { Dice } from './dice.ts';

/** The part of JSON Schema that zod writes. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  prefixItems?: Schema[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

/** Members that the twin's relations name, so that what is said of them concerns someone. */
const WORDS = ['a', 'b', 'thermostat'];
/** Texts for fields whose text must look like something. */
const TEXTS = [
  ...['temperature', 'humidity', 'flow', 'living', 'on', 'A', 'a long text with spaces in it'],
  ...['02:30', '06:00', '22:15', '06:30:00', '2026-01-05', '2026-01-06', '2026-01-05T12:00:00Z'],
  ...['1', '42', '#ff8800', '1.2.3', 'ada@example.org', 'https://example.org/', '192.0.2.1'],
  ...['0123456789abcdef', '7d444840-9dc0-4c1d-8c0f-6f3b0e8a9c11', 'Europe/Berlin', 'P1D'],
];
/** A timezone is a text like any other to a schema. */
const TIMEZONES = ['Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'];
/** Texts, numbers and lists without a bound are kept small. */
const USUAL = { numbers: 100, items: 4 };
/** How deep what refers to itself is followed. */
const DEPTH = 4;

/** A value that the schema would let in, as far as it can say what it lets in. */
export function madeUp(schema: Schema, dice: Dice): unknown {
  return new Maker(schema, dice).make(schema, 0);
}

class Maker {
  readonly #root: Schema;
  readonly #dice: Dice;

  constructor(root: Schema, dice: Dice) {
    this.#root = root;
    this.#dice = dice;
  }

  make(schema: Schema, depth: number): unknown {
    const dice = this.#dice;
    if (schema.$ref !== undefined) return this.#referred(schema.$ref, depth);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) {
      // What refers to itself ends somewhere
      const flat = choices.filter(({ type }) => type !== 'array' && type !== 'object');
      const among = depth > DEPTH && flat.length > 0 ? flat : choices;
      return this.make(dice.oneOf(among), depth + 1);
    }
    if (schema.allOf) {
      return Object.assign({}, ...schema.allOf.map((part) => this.make(part, depth + 1)));
    }
    if (schema.enum) return dice.oneOf(schema.enum);
    if ('const' in schema) return schema.const;
    const type = Array.isArray(schema.type) ? dice.oneOf(schema.type) : schema.type;
    switch (type) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'boolean':
        return dice.oneIn(2);
      case 'null':
        return null;
      case 'integer':
      case 'number':
        return this.#number(schema);
      case 'string':
        return this.#text(schema);
      default:
        return 0;
    }
  }

  #referred(reference: string, depth: number): unknown {
    if (reference === '#') return depth > DEPTH ? null : this.make(this.#root, depth + 1);
    const schema = this.#root.$defs?.[reference.replace('#/$defs/', '')];
    return schema ? this.make(schema, depth + 1) : null;
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const { properties, required = [], additionalProperties, propertyNames } = schema;
    if (!properties && typeof additionalProperties === 'object') {
      const names = propertyNames ? [0, 1, 2].map(() => this.#text(propertyNames)) : WORDS;
      const some = names.slice(0, this.#dice.between(0, 3));
      return Object.fromEntries(
        some.map((name) => [name, this.make(additionalProperties, depth + 1)]),
      );
    }
    const made: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(properties ?? {})) {
      if (!required.includes(name) && this.#dice.oneIn(2)) continue;
      made[name] = name === 'timezone' ? this.#dice.oneOf(TIMEZONES) : this.make(field, depth + 1);
    }
    return made;
  }

  #array({ items, prefixItems, minItems = 0, maxItems }: Schema, depth: number): unknown[] {
    if (prefixItems) return prefixItems.map((item) => this.make(item, depth + 1));
    if (!items || depth > DEPTH) return [];
    const most = Math.min(maxItems ?? USUAL.items, minItems + USUAL.items);
    const made = Array.from({ length: this.#dice.between(minItems, most) }, () =>
      this.make(items, depth + 1),
    );
    // Lists of named things refuse the same one twice
    const different = new Map(made.map((item) => [JSON.stringify(item), item]));
    return different.size >= minItems ? [...different.values()] : made;
  }

  #number(schema: Schema): number {
    const { type, multipleOf = type === 'integer' ? 1 : 0.1 } = schema;
    const least = schema.minimum ?? (schema.exclusiveMinimum ?? -USUAL.numbers) + multipleOf;
    const most = schema.maximum ?? (schema.exclusiveMaximum ?? USUAL.numbers) - multipleOf;
    const dice = this.#dice;
    // Where something begins to be otherwise
    if (dice.oneIn(8)) return dice.oneOf([least, most, Math.min(Math.max(0, least), most)]);
    // Of a wide range most is of no interest
    const isNarrowed = dice.oneIn(2) && least < USUAL.numbers && most > -USUAL.numbers;
    const from = isNarrowed ? Math.max(least, -USUAL.numbers) : least;
    const to = isNarrowed ? Math.min(most, USUAL.numbers) : most;
    const steps = dice.between(Math.ceil(from / multipleOf), Math.floor(to / multipleOf));
    return Math.min(Math.max(steps * multipleOf, least), most);
  }

  #text({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema): string {
    const fits = (text: string) =>
      text.length >= minLength &&
      text.length <= maxLength &&
      (pattern === undefined || new RegExp(pattern, 'u').test(text));
    const words = WORDS.filter(fits);
    if (pattern === undefined && words.length > 0) return this.#dice.oneOf(words);
    const texts = TEXTS.filter(fits);
    if (texts.length > 0) return this.#dice.oneOf(texts);
    return 'a'.repeat(Math.max(1, minLength));
  }
}
