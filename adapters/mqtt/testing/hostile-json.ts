/** JSON that software trips over, for properties: values, flawed texts, and near-misses of good values. */
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../engine/index.ts';

/** Any UTF-16 code unit: halves of characters too. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));

/** Names that mean something to JavaScript, or to one of our own parts. */
export const hostileName = fc.constantFrom(
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'toJSON'],
  ...['then', 'length', 'type', 'at', 'id', 'late', 'on', 'x.y', '', ' ', '$ref', '0', '-1'],
);

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  hostileName,
  fc.constantFrom(
    ...['\0', 'a\0b', '\ud800', 'x\udc00', '\ue000', '\ue000e', '\ue0000000', '\x1d', '\x1e', '\n'],
    ...['NaN', 'Infinity', 'null', 'undefined', 'true', '1e999', '-0', '0x10', '١٢', '%00', '%'],
    ...[
      '..',
      '../../etc/passwd',
      "' OR 1=1 --",
      '{{7*7}}',
      '{on}',
      '<b>',
      '\u202e',
      '\ufeff',
      '💩',
    ],
    ...['e\u0301', 'ﬀ', 'İ', '2026-02-30T00:00:00Z', '+275760-09-13T00:00:00.000Z', '99:99'],
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: codeUnit, maxLength: 20 }),
  fc
    .tuple(fc.constantFrom('x', '💩', '\0', '9', 'é'), fc.constantFrom(65, 101, 201, 301, 5_000))
    .map(([unit, times]) => unit.repeat(times)),
);

const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(
    ...[0, -0, 1, -1, 1.5, 0.1, 2 ** 31, 2 ** 53, -(2 ** 53), 2 ** 64, 1e21, 1e308, -1e308, 5e-324],
    ...[Number.MAX_SAFE_INTEGER, 8.64e15, 8.64e15 + 1, Date.UTC(2026, 0, 5)],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** Nothing that JSON could not say; `__proto__` may be a member like any other. */
export const hostileJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(hostileText, hostileNumber, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    members(fc.oneof(hostileName, hostileText), tie('value')),
    // Deeper ones come as text (`jsonText`): the generator itself would run out of stack
    fc.integer({ min: 15, max: 300 }).map(nested),
  ),
})).value;

/** An object of own members, whatever they are called. */
function members(name: fc.Arbitrary<string>, value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(name, value), { maxLength: 4 }).map(Object.fromEntries);
}

function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = level % 2 ? { a: value } : [value];
  return value;
}

interface Flaw {
  /** Which part of the value, counted over all its members. */
  at: number;
  how: 'replace' | 'drop' | 'add' | 'wrap';
  name: string;
  value: Json;
}
const flaw: fc.Arbitrary<Flaw> = fc.record({
  at: fc.nat(30),
  how: fc.constantFrom('replace', 'replace', 'drop', 'add', 'wrap'),
  name: hostileName,
  value: hostileJson,
});

/** A good value with a few things wrong: a member of another type, missing, too many, one level too deep. */
export function nearMiss(good: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc
    .tuple(good, fc.array(flaw, { minLength: 1, maxLength: 2 }))
    .map(([value, flaws]) => flaws.reduce(spoil, structuredClone(value)));
}

function spoil(whole: Json, { at, how, name, value }: Flaw): Json {
  const places: { of: JsonObject | Json[]; key: string }[] = [];
  const collect = (of: Json) => {
    if (of === null || typeof of !== 'object') return;
    for (const key of Object.keys(of)) {
      places.push({ of, key });
      collect((of as JsonObject)[key] as Json);
    }
  };
  collect(whole);
  const place = places[at % (places.length + 1)];
  if (!place) return how === 'add' && isObject(whole) ? { ...whole, ...own(name, value) } : value;
  const { of, key } = place as { of: JsonObject; key: string };
  if (how === 'replace') put(of, key, value);
  else if (how === 'drop') delete of[key];
  else if (how === 'wrap') put(of, key, [of[key] as Json]);
  else if (Array.isArray(of)) of.push(value);
  else put(of, name, value);
  return whole;
}

/** An assignment to `__proto__` would change the object's kind instead of adding a member. */
function put(of: JsonObject, key: string, value: Json): void {
  Object.defineProperty(of, key, { value, enumerable: true, configurable: true, writable: true });
}
function own(key: string, value: Json): JsonObject {
  const made: JsonObject = {};
  put(made, key, value);
  return made;
}
function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** JSON text of the value, mostly as it should be, else spoilt as senders and networks spoil it. */
export function jsonText(value: fc.Arbitrary<Json>): fc.Arbitrary<string> {
  const damage = fc.oneof(
    { weight: 16, arbitrary: fc.constant((text: string) => text) },
    fc.double({ min: 0, max: 1, noNaN: true }).map((part) => (text: string) => cut(text, part)),
    fc
      .constantFrom('1e999', '-1e999', 'NaN', 'Infinity', '-0', '1e-400', '9'.repeat(400), "'a'")
      .map(
        (word) => (text: string) => text.replace(/:\s*(-?\d[\d.e+-]*|true|false|null)/, `:${word}`),
      ),
    fc.constantFrom(
      (text: string) => `\ufeff${text}`,
      (text: string) => `${text}}`,
      (text: string) => text.replace(/}$/, ',}'),
      (text: string) => text.replace(/^{/, '{"type":"ack","type":1,'),
      (text: string) => text.replaceAll('"', "'"),
      (text: string) => text + text,
      (text: string) => `${'['.repeat(20_000)}${text}`,
      (text: string) => text.replaceAll('a', '\\u0061').replaceAll('o', '\\ud800'),
    ),
  );
  return fc.tuple(value, damage).map(([json, damaged]) => damaged(JSON.stringify(json)));
}

function cut(text: string, part: number): string {
  return text.slice(0, Math.floor(text.length * part));
}
