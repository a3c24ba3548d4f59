/** Inputs as JSON Schema: an app draws a form of it. */
import type { Json, JsonObject } from '../../../engine/kind.ts';
import type { Input, Inputs } from './blueprint-definition.ts';

/** JSON Schema (draft 2020-12). What it has no word for is said with `x-…`. */
export function formOf(inputs: Inputs): JsonObject {
  const properties = Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, fieldOf(name, input)]),
  );
  const required = Object.keys(properties).filter((name) => inputs[name]?.default === undefined);
  return { type: 'object', properties, required, additionalProperties: false };
}

function fieldOf(name: string, input: Input): JsonObject {
  const { description, default: byDefault } = input;
  return defined({
    title: input.title ?? name,
    description,
    default: byDefault,
    'x-input': input.type,
    ...shapeOf(input),
  });
}

function shapeOf(input: Input): Record<string, Json | undefined> {
  switch (input.type) {
    case 'twin': {
      const { kind, path, several } = input;
      const one = { type: 'string', 'x-kind': kind, 'x-path': path };
      return several ? { type: 'array', minItems: 1, items: defined(one) } : one;
    }
    case 'number': {
      const { min, max, step, unit } = input;
      return { type: 'number', minimum: min, maximum: max, 'x-step': step, 'x-unit': unit };
    }
    case 'boolean':
      return { type: 'boolean' };
    case 'choice':
      return { type: 'string', enum: input.options };
    case 'time':
      return { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' };
    case 'duration':
      return { type: 'string', pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h|d))+$' };
    case 'text':
      return { type: 'string', maxLength: 2_000 };
    case 'mode':
      return { type: 'string' };
  }
}

function defined(given: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}
