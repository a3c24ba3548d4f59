import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiBench } from './http/testing/api-bench.ts';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}
interface Document {
  openapi: string;
  info: { version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: object };
}

describe('the OpenAPI document', () => {
  let api: ApiBench;
  let document: Document;
  beforeEach(async () => {
    api = await ApiBench.open();
    document = (await api.app
      .inject({
        url: '/openapi.json',
        headers: { authorization: 'Bearer a-token-of-more-than-sixteen-characters' },
      })
      .then((answer) => answer.json())) as Document;
  });
  afterEach(() => api[Symbol.asyncDispose]());

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );

  it('is OpenAPI 3.1 and says which version it describes', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info.version).toBe('0.0.0-test');
  });

  it('describes every address of the contract', () => {
    expect(
      operations()
        .map(({ path, method }) => `${method} ${path}`)
        .sort(),
      'this list is kept by hand: what leaves it breaks apps; add what is new',
    ).toEqual([
      'delete /v1/factory-tokens/{id}',
      'delete /v1/homes/{home}',
      'delete /v1/homes/{home}/blueprints/{blueprint}',
      'delete /v1/homes/{home}/gateways/{id}',
      'delete /v1/homes/{home}/invitations/{id}',
      'delete /v1/homes/{home}/keys/{id}',
      'delete /v1/homes/{home}/kits/{kit}',
      'delete /v1/homes/{home}/members/{person}',
      'delete /v1/homes/{home}/provisioning',
      'delete /v1/homes/{home}/rules/{rule}',
      'delete /v1/homes/{home}/rules/{rule}/draft',
      'delete /v1/homes/{home}/rules/{rule}/hooks/{hook}/secret',
      'delete /v1/homes/{home}/secrets/{name}',
      'delete /v1/homes/{home}/twins/{twin}',
      'delete /v1/homes/{home}/twins/{twin}/leases',
      'delete /v1/homes/{home}/twins/{twin}/secret',
      'delete /v1/homes/{home}/twins/{twin}/timers/{id}',
      'delete /v1/keys/{id}',
      'delete /v1/me',
      'delete /v1/me/providers/{provider}',
      'delete /v1/me/second-factor',
      'delete /v1/me/sessions/{id}',
      'get /healthz',
      'get /metrics',
      'get /readyz',
      'get /v1/audit',
      'get /v1/auth/providers',
      'get /v1/auth/providers/{provider}/callback',
      'get /v1/candidates',
      'get /v1/dead-letters',
      'get /v1/factory-tokens',
      'get /v1/homes',
      'get /v1/homes/{home}',
      'get /v1/homes/{home}/activity',
      'get /v1/homes/{home}/alerts',
      'get /v1/homes/{home}/alerts/{id}',
      'get /v1/homes/{home}/audit',
      'get /v1/homes/{home}/blueprints',
      'get /v1/homes/{home}/blueprints/{blueprint}',
      'get /v1/homes/{home}/candidates',
      'get /v1/homes/{home}/dead-letters',
      'get /v1/homes/{home}/explain/{id}',
      'get /v1/homes/{home}/gateways',
      'get /v1/homes/{home}/intents',
      'get /v1/homes/{home}/intents/{id}',
      'get /v1/homes/{home}/invitations',
      'get /v1/homes/{home}/journal',
      'get /v1/homes/{home}/keys',
      'get /v1/homes/{home}/kits',
      'get /v1/homes/{home}/kits/{kit}',
      'get /v1/homes/{home}/members',
      'get /v1/homes/{home}/provisioning',
      'get /v1/homes/{home}/rules',
      'get /v1/homes/{home}/rules/{rule}',
      'get /v1/homes/{home}/rules/{rule}/draft',
      'get /v1/homes/{home}/rules/{rule}/explain',
      'get /v1/homes/{home}/rules/{rule}/hooks',
      'get /v1/homes/{home}/secrets',
      'get /v1/homes/{home}/stream',
      'get /v1/homes/{home}/twins',
      'get /v1/homes/{home}/twins/{twin}',
      'get /v1/homes/{home}/twins/{twin}/bands',
      'get /v1/homes/{home}/twins/{twin}/history',
      'get /v1/homes/{home}/twins/{twin}/journal',
      'get /v1/homes/{home}/twins/{twin}/replay',
      'get /v1/homes/{home}/twins/{twin}/timers',
      'get /v1/homes/{home}/usage',
      'get /v1/keys',
      'get /v1/kinds',
      'get /v1/kinds/{kind}',
      'get /v1/live',
      'get /v1/me',
      'get /v1/me/providers',
      'get /v1/me/second-factor',
      'get /v1/me/sessions',
      'get /v1/people',
      'get /v1/people/{person}',
      'get /v1/projections',
      'get /v1/rules/schema',
      'patch /v1/homes/{home}',
      'patch /v1/homes/{home}/members/{person}',
      'patch /v1/homes/{home}/twins/{twin}',
      'patch /v1/homes/{home}/twins/{twin}/desired',
      'patch /v1/me',
      'patch /v1/people/{person}',
      'post /v1/auth/forgot',
      'post /v1/auth/login',
      'post /v1/auth/logout',
      'post /v1/auth/providers/finish',
      'post /v1/auth/providers/{provider}/callback',
      'post /v1/auth/providers/{provider}/start',
      'post /v1/auth/refresh',
      'post /v1/auth/register',
      'post /v1/auth/reset',
      'post /v1/auth/verify',
      'post /v1/dead-letters/{id}/retry',
      'post /v1/devices/claim',
      'post /v1/devices/enrol',
      'post /v1/devices/enrolment',
      'post /v1/factory-tokens',
      'post /v1/gateways/commands',
      'post /v1/gateways/login',
      'post /v1/gateways/logs',
      'post /v1/gateways/refresh',
      'post /v1/gateways/reports',
      'post /v1/homes',
      'post /v1/homes/{home}/alerts/{id}/acknowledge',
      'post /v1/homes/{home}/candidates/{twin}/accept',
      'post /v1/homes/{home}/claim-codes',
      'post /v1/homes/{home}/claims',
      'post /v1/homes/{home}/dead-letters/{id}/retry',
      'post /v1/homes/{home}/gateways',
      'post /v1/homes/{home}/gateways/{id}/secret',
      'post /v1/homes/{home}/history/query',
      'post /v1/homes/{home}/invitations',
      'post /v1/homes/{home}/keys',
      'post /v1/homes/{home}/kits/check',
      'post /v1/homes/{home}/leave',
      'post /v1/homes/{home}/rules/backtest',
      'post /v1/homes/{home}/rules/check',
      'post /v1/homes/{home}/rules/{rule}/draft/promote',
      'post /v1/homes/{home}/rules/{rule}/hooks/{hook}/secret',
      'post /v1/homes/{home}/rules/{rule}/run',
      'post /v1/homes/{home}/twins',
      'post /v1/homes/{home}/twins/{twin}/commands',
      'post /v1/homes/{home}/twins/{twin}/events',
      'post /v1/homes/{home}/twins/{twin}/secret',
      'post /v1/homes/{home}/twins/{twin}/timers/{id}/fire',
      'post /v1/hooks/{home}/{rule}/{hook}',
      'post /v1/invitations/accept',
      'post /v1/keys',
      'post /v1/me/proof',
      'post /v1/me/providers/{provider}/finish',
      'post /v1/me/providers/{provider}/start',
      'post /v1/me/second-factor',
      'post /v1/me/second-factor/confirm',
      'post /v1/projections/{name}/rebuild',
      'put /v1/homes/{home}/blueprints/{blueprint}',
      'put /v1/homes/{home}/gateways/{id}/devices',
      'put /v1/homes/{home}/kits/{kit}',
      'put /v1/homes/{home}/owner',
      'put /v1/homes/{home}/provisioning',
      'put /v1/homes/{home}/rules/{rule}',
      'put /v1/homes/{home}/rules/{rule}/draft',
      'put /v1/homes/{home}/secrets/{name}',
      'put /v1/me/password',
    ]);
  });

  it('says of every operation what it is for, and names it once', () => {
    const known = new Set(document.tags.map(({ name }) => name));
    const ids = new Set<string>();
    for (const { path, method, operation } of operations()) {
      const where = `${method} ${path}`;
      expect(operation.summary, where).toBeTruthy();
      expect(
        known,
        `${where}: tags are TAGS of api/openapi.ts, or \`tags\` of a feature`,
      ).toContain(operation.tags[0]);
      expect(ids, where).not.toContain(operation.operationId);
      ids.add(operation.operationId);
      for (const [status, { description }] of Object.entries(operation.responses)) {
        expect(description, `${where} ${status}`).not.toBe('Default Response');
      }
    }
  });

  it('describes every refusal as a problem document', () => {
    for (const { path, method, operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue;
        expect(content, `${method} ${path} ${status}`).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
      }
    }
  });

  it('describes what becomes of a body that cannot be read, wherever one may come', () => {
    const without = operations().filter(
      ({ method, operation: { responses } }) =>
        !['get', 'head'].includes(method) && !(responses['413'] && responses['415']),
    );
    expect(without.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  it('names the things of the domain, each once and each resolvable', () => {
    const names = Object.keys(document.components.schemas);
    expect(names).toEqual(
      expect.arrayContaining([
        ...[
          'Home',
          'Twin',
          'Receipt',
          'Intent',
          'Alert',
          'JournalItem',
          'Problem',
          'History',
          'Bands',
        ],
        ...['Timer', 'Kind', 'Candidate', 'DeadLetter', 'Replay', 'NewTwin', 'LiveMessage'],
      ]),
    );
    expect(names.filter((name) => name.endsWith('Input'))).toEqual([]);
    const text = JSON.stringify(document);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      expect(names).toContain(name);
    }
  });

  it('says all that a body may hold, and what it may not', () => {
    const { NewEvent, HomeChange, TwinChange, DesiredPatch } = document.components
      .schemas as Record<string, { properties?: Record<string, { anyOf: { type: string }[] }> }>;
    // A moment is a text too
    expect(NewEvent?.properties?.at?.anyOf.map(({ type }) => type)).toEqual(['integer', 'string']);
    expect([HomeChange, TwinChange]).toMatchObject([{ minProperties: 1 }, { minProperties: 1 }]);
    expect(DesiredPatch).toMatchObject({ not: { required: ['type'] } });
  });

  it('names the headers that matter', () => {
    const read = document.paths['/v1/homes/{home}/twins/{twin}']?.get as unknown as {
      parameters: { in: string; name: string }[];
      responses: Record<string, { headers?: object }>;
    };
    expect(read.responses['200']?.headers).toHaveProperty('etag');
    expect(read.responses['503']?.headers).toHaveProperty('retry-after');
    expect(read.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'if-none-match' }),
    );
  });
});

describe('the documentation page', () => {
  it('loads nothing from anywhere else', async () => {
    await using api = await ApiBench.open();
    const page = await api.app.inject({
      url: '/docs/',
      headers: { authorization: 'Bearer a-token-of-more-than-sixteen-characters' },
    });
    expect(page.statusCode).toBe(200);
    expect(page.payload).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  });
});
