/** The OpenAPI 3.1 document, made from the routes’ zod schemas, and the page that shows it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { AnswerHeaders } from './http/answers.ts';
import type { App } from './http/app.ts';
import type { StartedFeature } from './start-features.ts';

const DESCRIPTION = `Every device and every room is a *twin*: an actor with an address (\`home/twin\`), a mailbox and a statechart. This API shows the twins, tells them what happened, says what they should be like, and explains whatever they did.

- **Committed before answered.** A receipt means that the event, the new state and everything it led to are stored.
- **Safe to repeat.** Send an \`Idempotency-Key\` with POSTs; a repetition does nothing twice.
- **No lost updates.** A twin’s \`ETag\` is its revision; \`If-Match\` makes a change conditional on it.
- **Lists** are \`{items, nextCursor}\`; pass \`nextCursor\` as \`cursor\` for the next page.
- **Errors** are RFC 9457 problem documents with a \`code\`, a \`detail\` and mostly a \`hint\`.
- **Limits**: beyond so many requests a minute the answer is 429 with \`Retry-After\`; \`RateLimit-Remaining\` says how many are left.
- **Ids** of intents and alerts (\`home/pump@42#0\`) are percent-encoded in paths.
- **Times** are ISO 8601 in answers; requests take epoch milliseconds too.`;

const TAGS = {
  Account: 'Coming in, and what is one’s own.',
  Homes: 'Houses, vans, stations, kitchens: the units that twins belong to.',
  Twins: 'The digital sides of devices and rooms.',
  Steering: 'Telling twins what happened and what they should do.',
  Explaining: 'Why something is as it is: journal, history, replay.',
  Alerts: 'What a person should know.',
  Live: 'Following what happens while it happens.',
  Kinds: 'What twins can be, and how they behave.',
  Mending: 'What could not be folded or delivered.',
  People: 'Who belongs to a home, how they come in, and who has an account at all.',
  Keys: 'For automations and services.',
  Audit: 'Who did what.',
  Running: 'Health and metrics.',
};

/** @throws Error where two want the same heading */
function tagsWith(
  features: readonly Pick<StartedFeature, 'name' | 'tags'>[],
): Record<string, string> {
  const all: Record<string, string> = { ...TAGS };
  for (const { name, tags } of features) {
    for (const [tag, description] of Object.entries(tags)) {
      if (all[tag] !== undefined)
        throw new Error(`the feature ${name} has the heading ${tag}, which there is already`);
      all[tag] = description;
    }
  }
  return all;
}

/** Must come before the routes: it gathers them as they are registered. */
export async function describeApi(
  app: App,
  version: string,
  features: readonly Pick<StartedFeature, 'name' | 'tags'>[],
): Promise<void> {
  const tags = tagsWith(features);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Homeostat',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      security: [{ token: [] }],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'An access token, an API key, or ADMIN_TOKEN of the server.',
          },
        },
      },
    },
    transform: withHeaders,
    transformObject: (document) => tidied(jsonSchemaTransformObject(document)),
  });
}

/** Serves the document at /openapi.json and the page at /docs; called after the routes. Nothing comes from a CDN. */
export async function showApi(app: App): Promise<void> {
  app.get('/openapi.json', { config: { action: 'api.read' }, schema: { hide: true } }, () =>
    app.swagger(),
  );
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // The default also lets styles and fonts come from anywhere
    transformStaticCSP: () =>
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'",
    uiConfig: { deepLinking: true, docExpansion: 'list', persistAuthorization: true },
  });
}

/** The type provider’s transform leaves the headers of answers behind. */
const withHeaders: typeof jsonSchemaTransform = (route) => {
  const transformed = jsonSchemaTransform(route);
  const given = (route.schema?.response ?? {}) as Record<string, { headers?: AnswerHeaders }>;
  const shown = (transformed.schema?.response ?? {}) as typeof given;
  for (const [status, { headers }] of Object.entries(given)) {
    if (headers && shown[status]) shown[status].headers = headers;
  }
  const action = (route as { route?: { config?: { action?: string } } }).route?.config?.action;
  return action === undefined
    ? transformed
    : { ...transformed, schema: { ...transformed.schema, 'x-permission': action } };
};

type OpenApiObject = ReturnType<typeof jsonSchemaTransformObject>;

/** What streams carry; no answer refers to it. */
const ALWAYS_SHOWN = ['LiveMessage'];

/**
 * Every schema is registered twice, for answers as `Twin` and for requests as `TwinInput`, and most
 * occur as one of the two: the other goes, and what then has no double loses the suffix.
 */
function tidied(document: OpenApiObject): OpenApiObject {
  if (!('components' in document) || !document.components) return document;
  const { components, ...operations } = document;
  const schemas = (components.schemas ?? {}) as Record<string, object>;
  const used = new Set<string>();
  const wanted = [...ALWAYS_SHOWN, ...referencesIn(operations)];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (used.has(name)) continue;
    used.add(name);
    wanted.push(...referencesIn(schemas[name]));
  }
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  const pruned = { ...document, components: { ...components, schemas: kept } } as OpenApiObject;
  const renamed = [...used].filter(
    (name) => name.endsWith('Input') && !used.has(name.replace(/Input$/, '')),
  );
  let text = JSON.stringify(pruned);
  for (const name of renamed) {
    const short = name.replace(/Input$/, '');
    text = text
      .replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${short}"`)
      .replaceAll(`"${name}":`, `"${short}":`);
  }
  return JSON.parse(text) as OpenApiObject;
}

function referencesIn(value: unknown): string[] {
  const text = JSON.stringify(value) ?? '';
  return [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => String(name));
}
