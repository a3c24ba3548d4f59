/** Values that fit a JSON Schema (2020-12), as far as the schemas of this house go. */
import fc from 'fast-check';
import type { Json } from '../../../engine/index.ts';

export interface JsonSchema {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  type?: string | string[];
  enum?: Json[];
  const?: Json;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/** Where a schema refers to itself, it must end somewhere. */
const DEEPEST = 6;

/** @param resolve finds what a `$ref` names; by default one of the schema's own `$defs` */
export function jsonOfSchema(
  schema: JsonSchema,
  resolve: (ref: string) => JsonSchema = (ref) => definedIn(schema, ref),
  depth = 0,
): fc.Arbitrary<Json> {
  const deeper = (inner: JsonSchema) => jsonOfSchema(inner, resolve, depth + 1);
  if (depth > DEEPEST) return fc.constant(null);
  if (schema.$ref !== undefined) return deeper(resolve(schema.$ref));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(deeper));
  const types = [schema.type ?? 'any'].flat();
  return fc.oneof(...types.map((type) => ofType(type, schema, deeper)));
}

function ofType(
  type: string,
  schema: JsonSchema,
  deeper: (inner: JsonSchema) => fc.Arbitrary<Json>,
): fc.Arbitrary<Json> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return integer(schema);
    case 'number':
      return fc.oneof(number(schema), integer(schema));
    case 'string':
      return text(schema);
    case 'array':
      return fc.array(schema.items ? deeper(schema.items) : anything, {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case 'object':
      return object(schema, deeper);
    default:
      return anything;
  }
}

const anything: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json);

function integer({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema) {
  const min = Math.max(Math.ceil(minimum ?? -1e6), (exclusiveMinimum ?? -Infinity) + 1);
  const max = Math.min(Math.floor(maximum ?? 1e6), (exclusiveMaximum ?? Infinity) - 1);
  return min > max ? number({ minimum, maximum } as JsonSchema) : fc.integer({ min, max });
}

function number({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema) {
  const min = exclusiveMinimum ?? minimum;
  const max = exclusiveMaximum ?? maximum;
  return fc.double({
    noNaN: true,
    noDefaultInfinity: true,
    ...(min !== undefined && { min, minExcluded: exclusiveMinimum !== undefined }),
    ...(max !== undefined && { max, maxExcluded: exclusiveMaximum !== undefined }),
  });
}

function text({ minLength = 0, maxLength = 20, pattern }: JsonSchema): fc.Arbitrary<string> {
  const within = { minLength, maxLength: Math.min(maxLength, minLength + 20) };
  if (pattern === undefined) return fc.string({ unit: 'grapheme', ...within });
  const wanted = new RegExp(pattern, 'u');
  try {
    return fc.stringMatching(wanted, { size: 'small' });
  } catch {
    // It knows no \p{…}
    const drawn = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    return drawn.filter((candidate) => wanted.test(candidate));
  }
}

function object(
  { properties = {}, required = [], additionalProperties, propertyNames }: JsonSchema,
  deeper: (inner: JsonSchema) => fc.Arbitrary<Json>,
): fc.Arbitrary<Json> {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, deeper(inner)])),
    { requiredKeys: required.filter((name) => name in properties) },
  );
  if (!additionalProperties) return known;
  const inner = additionalProperties === true ? {} : additionalProperties;
  const name = propertyNames ? text(propertyNames) : fc.stringMatching(/^[a-z]{1,8}$/);
  const more = fc.dictionary(name, deeper(inner), { maxKeys: 3 });
  return fc.tuple(more, known).map(([extra, own]) => ({ ...extra, ...own }));
}

function definedIn({ $defs = {} }: JsonSchema, ref: string): JsonSchema {
  const found = $defs[ref.replace('#/$defs/', '')];
  if (!found) throw new Error(`nothing to resolve ${ref} with`);
  return found;
}
