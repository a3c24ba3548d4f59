import { z } from 'zod';
import { type AnyKind, sendersOf } from '../../../engine/index.ts';
import { AnyObject } from '../../../features/contract/json-value.ts';
import { machineDefinition } from './machine-definition.ts';
import { toMermaid } from './mermaid.ts';

const JsonSchema = AnyObject.describe('A JSON Schema.');

export const KindSummary = z
  .object({
    kind: z.string(),
    version: z.int(),
    description: z.string(),
    builtIn: z
      .boolean()
      .describe('Whether it comes with Homeostat; else the operator has brought it.'),
    events: z
      .record(z.string(), JsonSchema)
      .describe('What its twins can be told, by type: the fields of each event.'),
    isDevice: z
      .boolean()
      .describe('Whether its twins stand for devices, which may come into being by themselves.'),
    commands: z
      .record(
        z.string(),
        z.object({
          args: JsonSchema,
          ttl: z.number().optional().describe('How long a device has by default, ms.'),
        }),
      )
      .describe('What its devices can be asked to do.'),
    desired: JsonSchema.nullable().describe('What can be desired of it; null: nothing.'),
    settings: JsonSchema.nullable().describe('What can be configured; null: nothing.'),
    measurements: z
      .record(z.string(), z.object({ unit: z.string() }))
      .nullable()
      .describe('What gets a history; null: it depends on the twin.'),
  })
  .meta({ id: 'KindSummary', description: 'What a kind of twin understands.' });
export type KindSummary = z.infer<typeof KindSummary>;

export const Kind = KindSummary.extend({
  machine: AnyObject.describe('Its statechart, as an XState configuration.'),
  diagram: z.string().describe('The statechart as a Mermaid `stateDiagram-v2`.'),
}).meta({ id: 'Kind', description: 'A kind of twin with its behaviour.' });
export type Kind = z.infer<typeof Kind>;

export function toKindSummary(kind: AnyKind, builtIn: boolean): KindSummary {
  const schemas = kind.events as Record<string, z.ZodObject>;
  const commands = kind.commands as Record<string, { args: z.ZodObject; ttl?: number }>;
  const { measurements } = kind;
  return {
    kind: kind.kind,
    version: kind.version,
    description: kind.description,
    builtIn,
    events: Object.fromEntries(
      Object.entries(schemas)
        .filter(([type]) => isSentFromOutside(kind, type))
        .map(([type, schema]) => [type, toJsonSchema(schema)]),
    ),
    isDevice: kind.isDevice !== false,
    commands: Object.fromEntries(
      Object.entries(commands).map(([name, { args, ttl }]) => [
        name,
        { args: toJsonSchema(args), ...(ttl !== undefined && { ttl }) },
      ]),
    ),
    desired: schemaOf(schemas['desired.changed']),
    settings: schemaOf(schemas['settings.changed']),
    measurements: typeof measurements === 'function' ? null : measurements,
  };
}

export function toKind(kind: AnyKind, builtIn: boolean): Kind {
  return {
    ...toKindSummary(kind, builtIn),
    machine: machineDefinition(kind.machine.root),
    diagram: toMermaid(kind.machine.root),
  };
}

function schemaOf(schema: z.ZodObject | undefined): KindSummary['settings'] {
  return schema ? toJsonSchema(schema) : null;
}

function toJsonSchema(schema: z.ZodObject): z.infer<typeof AnyObject> {
  // As senders see it; what JSON Schema cannot say is left open rather than refused
  const { $schema: _dialect, ...described } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  });
  return described as z.infer<typeof AnyObject>;
}

/** Whether a device, or somebody at the API's route for events, may send it. */
function isSentFromOutside(kind: AnyKind, type: string): boolean {
  const senders = sendersOf(kind, type);
  return senders.includes('device') || senders.includes('person');
}
