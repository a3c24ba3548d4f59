/** Requests made from the OpenAPI document: good ones, near-misses and nonsense. */
import fc from 'fast-check';
import {
  hostileJson,
  hostileName,
  hostileText,
  jsonText,
  nearMiss,
} from '../../../adapters/mqtt/testing/hostile-json.ts';
import { jsonOfSchema } from '../../../adapters/mqtt/testing/json-of-schema.ts';
import type { Json } from '../../../engine/index.ts';
import { TOKEN } from '../../http/testing/api-bench.ts';
import type { OpenApiDocument, Operation } from './open-api-document.ts';

/** Part of an address: one of those that there are, by its number, or a text as it is sent. */
export type Segment = { known: number } | { raw: string };

export interface HostileRequest {
  operation: Operation;
  head: boolean;
  path: Record<string, Segment>;
  query: string;
  headers: Record<string, string>;
  body: { type: string; text: string } | null;
}

/** @param spoken bodies of one operation that mean something to the twins there are, by operationId */
export function hostileRequest(
  document: OpenApiDocument,
  operations: readonly Operation[],
  spoken: Readonly<Record<string, fc.Arbitrary<Json>>>,
): fc.Arbitrary<HostileRequest> {
  return fc.oneof(
    ...operations.map((operation) => ({
      // What an empty world answers is soon told, and most is to be found in what changes it
      weight: operation.operationId === 'deleteHome' ? 1 : operation.method === 'GET' ? 3 : 6,
      arbitrary: requestOf(document, operation, spoken[operation.operationId]),
    })),
  );
}

function requestOf(
  document: OpenApiDocument,
  operation: Operation,
  spoken: fc.Arbitrary<Json> | undefined,
): fc.Arbitrary<HostileRequest> {
  const { parameters = [], method } = operation;
  const inside = (where: string) => parameters.filter((parameter) => parameter.in === where);
  return fc.record({
    // A failing request is printed, and the whole operation would bury it
    operation: fc.constant({ ...operation, [fc.toStringMethod]: () => operation.operationId }),
    head:
      method === 'GET' ? fc.integer({ min: 0, max: 9 }).map((n) => n === 0) : fc.constant(false),
    path: fc.record(Object.fromEntries(inside('path').map(({ name }) => [name, segment]))),
    query: queryOf(document, inside('query')),
    headers: headersOf(document, inside('header')),
    body: bodyOf(document, operation, spoken),
  });
}

const segment: fc.Arbitrary<Segment> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ known: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/).map((raw) => ({ raw })),
  },
  {
    weight: 1,
    // Clients resolve dots before they ask: that would be another address, with a document of its own
    arbitrary: hostileText
      .filter((text) => !/^\.{1,2}$/.test(text))
      .map((text) => ({ raw: percentEncoded(text) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        ...['%00', '%zz', '%', '%c0%ae', '%ed%a0%80', '...', '', ' ', '%2F', '%5c'],
        ...['__proto__', 'constructor', 'a;b', 'a,b', 'a%3Fx', 'ü', '*', ':home', '%F0%9F%92%A9'],
        ...['x'.repeat(64), 'x'.repeat(65), 'x'.repeat(899), 'x'.repeat(901), '%41'.repeat(300)],
      )
      .map((raw) => ({ raw })),
  },
);

/** Like `encodeURIComponent`, but takes any text: half a character becomes the bytes that it would have. */
function percentEncoded(text: string): string {
  return [...text]
    .map((character) =>
      /\p{Surrogate}/u.test(character) ? '%ED%A0%80' : encodeURIComponent(character),
    )
    .join('');
}

type Parameter = NonNullable<Operation['parameters']>[number];

function queryOf(
  document: OpenApiDocument,
  parameters: readonly Parameter[],
): fc.Arbitrary<string> {
  const names = parameters.map(({ name }) => name);
  const name =
    names.length > 0
      ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...names) }, hostileName)
      : hostileName;
  const good = fc.record(
    Object.fromEntries(
      parameters.map(({ name: of, schema }) => [
        of,
        schema.type === 'string' && !schema.enum
          ? fc.oneof(
              { weight: 4, arbitrary: fittingText(of) },
              jsonOfSchema(schema, document.resolve).map(String),
            )
          : jsonOfSchema(schema, document.resolve).map(String),
      ]),
    ),
    {
      requiredKeys: parameters.filter(({ required }) => required).map(({ name: needed }) => needed),
    },
  );
  // A page from the middle is asked for with a cursor that a page gave out; see fuzz-run.ts
  const fair = good.map(({ cursor: _cursor, ...rest }) => rest);
  const pair = fc.tuple(
    name,
    fc.oneof(hostileText, fc.constantFrom('-1', '0', '201', '1e3', 'true', '[]', '{}', '5m', 'x')),
  );
  const garbage = fc.constantFrom('&&==', '%', '%zz=%zz', 'limit[]=1', 'a=b=c', '?', '#', '=');
  return fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .oneof({ weight: 3, arbitrary: fair }, good)
        .map((given) => joined(Object.entries(given) as [string, string][])),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(good, fc.array(pair, { maxLength: 3 }))
        .map(([given, more]) =>
          joined([...(Object.entries(given) as [string, string][]), ...more]),
        ),
    },
    garbage,
  );
}

/** Texts that mean something where the document says only that they are texts. */
function fittingText(name: string): fc.Arbitrary<string> {
  const moments = [
    ...['0', '1767571200000', '8640000000000000', '8640000000000001', '2026-01-05', '0000-01-01'],
    ...['2026-01-05T12:00:00Z', '2026-01-05T12:00:00+02:00', '9999-12-31T23:59:59Z', '-1'],
    ...['2026-13-45', '9999-12-31T23:59:59-12:00', '253402300800000'],
  ];
  if (name === 'from' || name === 'to') return fc.constantFrom(...moments);
  if (name === 'measurement') {
    return fc.constantFrom('extra', 'temperature', 'power', 'valve', 'toString', '__proto__');
  }
  if (name === 'cursor') {
    const key = fc.array(fc.oneof(hostileText, fc.integer(), hostileJson), { maxLength: 3 });
    return key.map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'));
  }
  if (name === 'state') return fc.constantFrom('link.offline', 'idle', 'a.b.c', '.', '"', '%', '$');
  if (name === 'kind') return fc.constantFrom('relay', 'room', 'nothing');
  if (name === 'text') return fc.constantFrom('p', '%', '_', '\\', '*', "'");
  return fc.constantFrom('1', 'h1', 'pump', 'raised', 'pending');
}

function joined(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`).join('&');
}

const NAMED_HEADERS: Record<string, fc.Arbitrary<string>> = {
  'if-match': fc.oneof(
    fc.nat(20).map((revision) => `"${revision}"`),
    fc.constantFrom('*', '"1", "2"', 'W/"1"', '1', '', '"', '"99999999999999999999"', '"-1"', ','),
  ),
  'if-none-match': fc.constantFrom('"1"', 'W/"2"', '*', '""', '"a","b"', 'x', '"'.repeat(300)),
  'idempotency-key': fc.oneof(
    fc.constantFrom('k1', 'k2', 'k3', '__proto__', 'é', '', 'two words'),
    fc.integer({ min: 1, max: 300 }).map((length) => 'k'.repeat(length)),
  ),
};

function headersOf(
  document: OpenApiDocument,
  parameters: readonly Parameter[],
): fc.Arbitrary<Record<string, string>> {
  const named = fc.record(
    Object.fromEntries(
      parameters.map(({ name, schema }) => [
        name,
        NAMED_HEADERS[name] ?? jsonOfSchema(schema, document.resolve).map(String),
      ]),
    ),
    { requiredKeys: [] },
  );
  const own = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, named);
  const authorization = fc.oneof(
    { weight: 60, arbitrary: fc.constant({ authorization: `Bearer ${TOKEN}` }) },
    fc.constant({}),
    fc
      .constantFrom(
        'Bearer',
        'Bearer  ',
        'Basic YTpi',
        `bearer ${TOKEN}x`,
        `${TOKEN}`,
        'é',
        '\ud800',
      )
      .map((given) => ({ authorization: given })),
  );
  const more = fc.oneof(
    { weight: 9, arbitrary: fc.constant({}) },
    fc.constantFrom<Record<string, string>>(
      { accept: 'text/html' },
      { accept: 'text/csv' },
      { accept: 'nonsense' },
      { 'accept-encoding': 'gzip;q=x' },
      { cookie: 'homeostat_docs=x; __proto__=y' },
      { 'x-http-method-override': 'DELETE' },
      { range: 'bytes=0-1' },
      { expect: 'nothing' },
    ),
  );
  return fc
    .tuple(own, authorization, more)
    .map(([own, ...rest]) => Object.assign({ ...own }, ...rest) as Record<string, string>);
}

const JSON_TYPES = ['application/json', 'application/json; charset=utf-8'];
const OTHER_TYPES = [
  ...['text/plain', 'application/xml', 'multipart/form-data; boundary=x', '', ';', 'a/b/c', '*/*'],
  ...['application/json; charset=utf-16', 'application/merge-patch+json', 'APPLICATION/JSON', 'é'],
  ...['application/jsonx', 'application/problem+json', 'application/json;', 'application/json;;='],
];

function bodyOf(
  document: OpenApiDocument,
  { method, requestBody }: Operation,
  spoken: fc.Arbitrary<Json> | undefined,
): fc.Arbitrary<HostileRequest['body']> {
  if (method === 'GET') return fc.constant(null);
  const types = Object.keys(requestBody?.content ?? {});
  const type = fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...(types.length > 0 ? types : JSON_TYPES)) },
    { weight: 1, arbitrary: fc.constantFrom(...JSON_TYPES, ...OTHER_TYPES) },
  );
  const nonsense = fc.oneof(
    jsonText(hostileJson),
    hostileText,
    fc.constantFrom('', ' ', '{}', '[]', 'null', '""', '{', 'x'.repeat(100_000), '0'),
  );
  const [first] = types;
  const schema = first === undefined ? undefined : requestBody?.content[first]?.schema;
  if (!schema) {
    return fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.record({ type, text: nonsense }) },
    );
  }
  const good = jsonOfSchema(schema, document.resolve);
  const told = spoken ? fc.oneof(good, { weight: 3, arbitrary: spoken }) : good;
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ type, text: told.map((json) => JSON.stringify(json)) }) },
    { weight: 5, arbitrary: fc.record({ type, text: jsonText(nearMiss(told)) }) },
    { weight: 1, arbitrary: fc.record({ type, text: nonsense }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}
