/** Topics and payloads that devices should not send, and near-misses of those that they should. */
import fc from 'fast-check';
import { z } from 'zod';
import type { AnyKind, Json, JsonObject } from '../../../engine/index.ts';
import type { InboundPacket } from '../codec.ts';
import { hostileJson, hostileName, hostileText, jsonText, nearMiss } from './hostile-json.ts';
import { type JsonSchema, jsonOfSchema } from './json-of-schema.ts';

/** Where a dialect listens: levels, of which `+` is any, and what its devices say there. */
interface Dialect {
  topics: readonly string[];
  payloads: fc.Arbitrary<Json>;
}

const level = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'home',
      'h1',
      'pump',
      'trv',
      'relay',
      'sensor',
      'thermostat',
      'room',
    ),
  },
  hostileName,
  hostileText,
  fc.constantFrom('', '$SYS', '+', '#', 'nosuchkind', 'a'.repeat(64), 'a'.repeat(65), 'Küche/TRV'),
  fc.constantFrom('telemetry', 'event', 'status', 'ack', 'command', 'desired', 'bridge', 'set'),
);

/** Mostly one of the dialect's, with any levels for its wildcards. */
function hostileTopic(topics: readonly string[]): fc.Arbitrary<string> {
  const fitting = fc
    .tuple(fc.constantFrom(...topics), fc.array(level, { minLength: 6, maxLength: 6 }))
    .map(([topic, levels]) => {
      let next = 0;
      return topic.replaceAll('+', () => levels[next++] ?? '');
    });
  const [root = ''] = (topics[0] ?? '').split('/');
  const free = fc
    .tuple(fc.constantFrom(root, `${root}/bridge`, '$SYS', ''), fc.array(level, { maxLength: 8 }))
    .map((parts) => parts.flat().join('/'));
  return fc.oneof({ weight: 5, arbitrary: fitting }, { weight: 1, arbitrary: free });
}

/** Bytes: JSON near what is wanted, words, and what is no text at all. */
function hostilePayload(good: fc.Arbitrary<Json>): fc.Arbitrary<Buffer> {
  const text = fc.oneof(
    { weight: 9, arbitrary: jsonText(good) },
    { weight: 5, arbitrary: jsonText(nearMiss(good)) },
    jsonText(hostileJson),
    hostileText,
    fc.constantFrom(
      'online',
      'OFFLINE',
      ' online\n',
      '"online"',
      '{"state":"online"}',
      '{"online":1}',
    ),
  );
  return fc.oneof(
    { weight: 20, arbitrary: text.map((given) => Buffer.from(given)) },
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 2,
      // UTF-8 that breaks off, is overlong or says half a character
      arbitrary: fc
        .tuple(text, fc.constantFrom('ff', 'c0af', 'eda080', 'f0288cbc', '80', 'fe'))
        .map(([given, bytes]) => Buffer.concat([Buffer.from(given), Buffer.from(bytes, 'hex')])),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.constantFrom(256 * 1024, 256 * 1024 + 1, 1024 * 1024),
          fc.constantFrom('1', '[', '\0'),
        )
        .map(([size, unit]) => Buffer.alloc(size, unit)),
    },
    { weight: 1, arbitrary: fc.constant(Buffer.alloc(0)) },
  );
}

export function hostilePacket({ topics, payloads }: Dialect): fc.Arbitrary<InboundPacket> {
  return fc
    .record({
      topic: hostileTopic(topics),
      payload: hostilePayload(payloads),
      qos: fc.constantFrom(0 as const, 1 as const),
      dup: fc.boolean(),
      replayed: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      packetId: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
      userId: fc.option(fc.oneof(fc.constantFrom('u1', 'u2'), hostileText), {
        nil: undefined,
        freq: 5,
      }),
    })
    .map(({ packetId, userId, ...packet }) => ({
      ...packet,
      ...(packetId !== undefined && { packetId }),
      ...(userId !== undefined && { userId }),
    }));
}

/** What devices of these kinds say, as their schemas have it, with what belongs to the envelope. */
export function saidBy(kinds: readonly AnyKind[]): fc.Arbitrary<JsonObject> {
  const schemas = kinds.flatMap((kind) => Object.entries(kind.events as Record<string, z.ZodType>));
  const envelope = fc.record(
    {
      at: fc.constantFrom<Json>(0, 1e15, -1, '2026-01-05T00:00:00Z', '2026-01-05', 'now', null),
      id: fc.oneof(fc.constantFrom<Json>('i1', 'i2', 7, '', null), hostileJson),
      ok: fc.constantFrom<Json>(true, false, 1),
      error: hostileText,
    },
    { requiredKeys: [] },
  );
  return fc.oneof(
    ...schemas.map(([type, schema]) => {
      const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
      return fc
        .tuple(jsonOfSchema(described as JsonSchema), fc.constant(type), envelope)
        .map(([fields, of, more]) => ({ ...(fields as JsonObject), type: of, ...more }));
    }),
  );
}
