/** Bodies that the kinds understand: the document leaves events, commands and settings open. */
import fc from 'fast-check';
import { z } from 'zod';
import { type JsonSchema, jsonOfSchema } from '../../../adapters/mqtt/testing/json-of-schema.ts';
import type { AnyKind, Json, JsonObject } from '../../../engine/index.ts';

/** Bodies by operationId. Each is sent to a twin of any kind, so that most reach one that refuses them. */
export function spokenBodies(
  kinds: readonly AnyKind[],
  homes: readonly string[],
  names: readonly string[],
): Record<string, fc.Arbitrary<Json>> {
  const events = kinds.flatMap((kind) => Object.entries(kind.events as Record<string, z.ZodType>));
  const commands = kinds.flatMap((kind) =>
    Object.entries(kind.commands as Record<string, { args: z.ZodType }>),
  );
  const ofType = (wanted: string) =>
    fc.oneof(...events.filter(([type]) => type === wanted).map(([, schema]) => valueFor(schema)));
  const name = fc.constantFrom(...names);
  const room = fc.option(fc.constantFrom('hall', 'pump', 'nowhere'));
  return {
    createHome: fc.record(
      {
        id: fc.constantFrom(...homes, 'new-home'),
        timezone: fc.constantFrom('Europe/Berlin', 'Mars/Olympus', 'UTC', '+01:00', 'CET'),
      },
      { requiredKeys: ['id'] },
    ),
    changeHome: fc.record({ timezone: fc.constantFrom('Asia/Kathmandu', 'America/St_Johns', 'x') }),
    createTwin: fc.record(
      {
        id: name,
        kind: fc.constantFrom(...kinds.map(({ kind }) => kind), 'nothing'),
        room,
        settings: ofType('settings.changed'),
      },
      { requiredKeys: ['id', 'kind'] },
    ),
    changeTwin: fc.record({ room, settings: ofType('settings.changed') }, { requiredKeys: [] }),
    queryHistory: fc.record(
      {
        from: fc.constantFrom(0, '2026-01-05', '2026-01-05T00:01:00Z'),
        resolution: fc.constantFrom('raw', '5m', '1h', '1d', 'auto'),
        maxPoints: fc.integer({ min: 4, max: 50 }),
        reduction: fc.constantFrom('lttb', 'min-max'),
        series: fc.array(
          fc.record(
            {
              twin: name,
              measurement: fc.constantFrom('power', 'temperature', 'extra', '__proto__'),
              path: fc.constantFrom(
                'state',
                'state.link',
                'reported.on',
                'reported.__proto__',
                'x',
              ),
              aggregate: fc.constantFrom('mean', 'min', 'max', 'last', 'count'),
            },
            { requiredKeys: ['twin'] },
          ),
          { minLength: 1, maxLength: 8 },
        ),
      },
      { requiredKeys: ['series'] },
    ),
    desire: ofType('desired.changed'),
    sendEvent: fc.oneof(
      ...events.map(([type, schema]) =>
        fc
          .tuple(valueFor(schema), fc.option(moment, { nil: undefined }))
          .map(([fields, at]) => ({ ...fields, type, ...(at !== undefined && { at }) })),
      ),
    ),
    sendCommand: fc.oneof(
      ...commands.map(([command, { args }]) =>
        fc.record(
          {
            name: fc.constant(command),
            args: valueFor(args),
            ttl: fc.constantFrom(1, 1_000, 604_800_000),
          },
          { requiredKeys: ['name', 'args'] },
        ),
      ),
    ),
    acceptCandidate: fc.option(fc.record({ room }, { requiredKeys: [] })),
  };
}

const moment: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...['2026-01-05T12:00:00Z', '1999-01-01T00:00:00Z', '2026-01-04', '1767571200000', 'yesterday'],
  ...[0, -1, 1_767_571_200_000, 8.64e15, Number.MAX_SAFE_INTEGER, null],
);

function valueFor(schema: z.ZodType): fc.Arbitrary<JsonObject> {
  const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return jsonOfSchema(described as JsonSchema).map((value) => value as JsonObject);
}
