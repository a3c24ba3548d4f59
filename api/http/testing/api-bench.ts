import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { z } from 'zod';
import {
  createEngine,
  type Engine,
  type EngineOptions,
  EngineTelemetry,
  openStorage,
  type Storage,
} from '../../../engine/index.ts';
import { ManualClock } from '../../../engine/model/manual-clock.ts';
import type { Feature } from '../../../features/contract/feature.ts';
import { blueprint, kit, rule } from '../../../features/rules/index.ts';
import { Identity, type IdentityOptions, openIdentityDatabase } from '../../../identity/index.ts';
import { permissionsWith } from '../../access/permissions.ts';
import type { Config } from '../../config.ts';
import type { EdgeOptions } from '../../edge/edge.ts';
import { features as allFeatures, projections } from '../../loaded-features.ts';
import { countFrom } from '../../metrics.ts';
import { ReleaseStack } from '../../release-stack.ts';
import { deletesWith, existenceIn } from '../../removal.ts';
import { buildServer, type ServerOptions } from '../../server.ts';
import { destinationsWith, NOT_BEGUN, startFeatures } from '../../start-features.ts';
import { lamp, nook } from './kinds.ts';
import { OpenApiCheck } from './open-api-check.ts';

export const TOKEN = 'a-token-of-more-than-sixteen-characters';

/** The edge of a machine of one's own, without limits: tests ask as often as they like. */
export const EDGE: EdgeOptions = {
  certificate: null,
  trustedProxies: null,
  publicUrl: null,
  origins: [],
  limits: { signIn: 0, requests: 0, hookRequests: 0, homeRequests: 0 },
};

const BROKER_URL = 'mqtt://broker.test:1883';
const SILENT = { info() {}, warn() {}, error() {} };

function defaultsOf(features: readonly Feature[]): Config['features'] {
  return Object.fromEntries(
    features.flatMap(({ name, configuration }) =>
      configuration ? [[name, z.object(configuration.variables).parse({})]] : [],
    ),
  );
}

export interface SentLetter {
  to: string;
  name: string;
  values: Record<string, unknown>;
}

export interface Call {
  /** Instead of the administrator’s; null: none. */
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sent as it is, with this content type. */
  raw?: { type: string; text: string };
}

/** Documents by the features of the server: it takes longer to make a document than a test to run. */
const checks = new WeakMap<readonly Feature[], OpenApiCheck>();

/**
 * A server with a real engine on SQLite in memory. Every answer to {@link ApiBench.call} is held
 * against the OpenAPI document: a status or a body that it does not describe fails the test.
 */
export class ApiBench implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly engine: Engine;
  readonly identity: Identity;
  /** What was written to people, oldest first. */
  readonly letters: SentLetter[];
  readonly app: FastifyInstance;
  readonly telemetry: EngineTelemetry;
  readonly #storage: Storage;
  readonly #features: readonly Feature[];
  readonly #stack: ReleaseStack;
  #stopped: Promise<void> | null = null;

  private constructor(
    parts: Pick<ApiBench, 'clock' | 'engine' | 'identity' | 'letters' | 'app' | 'telemetry'>,
    storage: Storage,
    features: readonly Feature[],
    stack: ReleaseStack,
  ) {
    this.#features = features;
    this.#stack = stack;
    this.clock = parts.clock;
    this.engine = parts.engine;
    this.identity = parts.identity;
    this.letters = parts.letters;
    this.app = parts.app;
    this.telemetry = parts.telemetry;
    this.#storage = storage;
  }

  /** @param wrap puts something between engine and store */
  static async open(
    given: {
      /** Of the engine and the tables of features. Default: one in memory for each, so that the tables do not know of homes and twins. */
      databaseUrl?: string;
      /** Default: all. */
      features?: readonly Feature[];
      /** The configuration of features, by their names. Default: that of each variable. */
      configuration?: Config['features'];
      server?: Partial<ServerOptions>;
      engine?: Partial<EngineOptions>;
      identity?: Partial<IdentityOptions>;
      wrap?: (storage: Storage) => Storage;
    } = {},
  ): Promise<ApiBench> {
    const { features = allFeatures, databaseUrl = 'sqlite::memory:' } = given;
    const clock = new ManualClock();
    const telemetry = new EngineTelemetry();
    const opened = await openStorage(databaseUrl, { deadLettersPerHome: 100 });
    const storage = given.wrap?.(opened) ?? opened;
    const counts = countFrom(telemetry);
    let ids = 0;
    let identity: Identity | null = null;
    const engine = await createEngine({
      storage,
      kinds: [lamp, nook, rule, blueprint, kit],
      clock,
      newId: () => `id-${++ids}`,
      telemetry,
      defaultTimezone: 'UTC',
      owner: 'test',
      destinations: destinationsWith(features, { command: 'mqtt', desired: 'mqtt' }),
      retention: { journal: 30, rollups: 30, ended: 30 },
      random: () => 0.5,
      deletes: deletesWith(() => identity),
      projections,
      ...given.engine,
    });
    const letters: SentLetter[] = [];
    identity = await Identity.open({
      database: openIdentityDatabase('sqlite::memory:'),
      clock,
      newId: () => `person-${++ids}`,
      bootstrapToken: TOKEN,
      jwtSecrets: ['a-secret-for-tests-of-more-than-32-characters'],
      issuer: 'https://homeostat.test',
      write: ({ email }, name, values) => letters.push({ to: email, name, values }),
      onAuditFailure: (error) => {
        throw error;
      },
      announce: async () => {},
      existence: existenceIn(engine),
      permissions: permissionsWith(features),
      ...given.identity,
    });
    const stack = new ReleaseStack();
    const app = await buildServer({
      engine,
      features: await startFeatures(
        features,
        {
          ...{ engine, databaseUrl },
          configuration: { ...defaultsOf(features), ...given.configuration },
          ...{ begun: NOT_BEGUN, access: identity, log: SILENT, thread: null },
          newId: () => `id-${++ids}`,
          ...{ admission: 'claim', broker: { url: () => BROKER_URL, root: 'homeostat' } },
        },
        stack,
      ),
      counts,
      identity,
      secret: TOKEN,
      edge: EDGE,
      version: '0.0.0-test',
      logger: false,
      readiness: () => ({ ready: true, problems: [] }),
      ...given.server,
    });
    await app.ready();
    const parts = { clock, engine, identity, letters, app, telemetry };
    return new ApiBench(parts, opened, features, stack);
  }

  /** One request with the token, its answer checked. */
  async call(
    method: string,
    url: string,
    { token = TOKEN, body, headers, raw }: Call = {},
  ): Promise<Answer> {
    const payload = raw?.text ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await this.app.inject({
      method: method as NonNullable<InjectOptions['method']>,
      url,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(payload !== undefined && { 'content-type': raw?.type ?? 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { payload }),
    });
    const check = checks.get(this.#features) ?? new OpenApiCheck(this.app.swagger());
    checks.set(this.#features, check);
    check.assertDescribed(method, url, answer);
    return new Answer(answer);
  }

  get = (url: string, call?: Call) => this.call('GET', url, call);
  post = (url: string, body?: unknown, call?: Call) => this.call('POST', url, { body, ...call });
  patch = (url: string, body?: unknown, call?: Call) => this.call('PATCH', url, { body, ...call });
  delete = (url: string, call?: Call) => this.call('DELETE', url, call);

  put = (url: string, body?: unknown, call?: Call) => this.call('PUT', url, { body, ...call });

  /** Registers somebody by the letter that they get. @returns their tokens and id */
  async person(email: string): Promise<{ id: string; token: string; refreshToken: string }> {
    const password = 'correct horse battery staple';
    const registered = await this.post(
      '/v1/auth/register',
      { email, password, name: email.split('@')[0] },
      { token: null },
    );
    const { registration } = registered.body;
    const code = this.letters.findLast(({ to }) => to === email)?.values['code'];
    const verified = await this.post('/v1/auth/verify', { registration, code }, { token: null });
    const { person, tokens } = verified.body as {
      person: { id: string };
      tokens: { accessToken: string; refreshToken: string };
    };
    return { id: person.id, token: tokens.accessToken, refreshToken: tokens.refreshToken };
  }

  /** Home `h1` with the lamp `l1`. */
  async furnish(): Promise<void> {
    await this.post('/v1/homes', { id: 'h1', name: 'One', timezone: 'Europe/Berlin' });
    await this.post('/v1/homes/h1/twins', { id: 'l1', kind: 'lamp', name: 'Lamp' });
  }

  /** Listens on loopback. @returns `127.0.0.1:port` */
  async listen(): Promise<string> {
    const url = await this.app.listen({ host: '127.0.0.1', port: 0 });
    return url.replace('http://', '');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= (async () => {
      await this.app.close();
      await this.#stack[Symbol.asyncDispose]();
      await this.identity[Symbol.asyncDispose]();
      await this.engine[Symbol.asyncDispose]();
      await this.#storage[Symbol.asyncDispose]();
    })();
    return this.#stopped;
  }
}

/** An answer, as tests look at it. */
export class Answer {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly text: string;

  constructor({ statusCode, headers, payload }: LightMyRequestResponse) {
    this.status = statusCode;
    this.headers = headers;
    this.text = payload;
  }

  /** The parsed body; tests say what they expect in it. */
  get body(): Record<string, unknown> {
    return JSON.parse(this.text) as Record<string, unknown>;
  }

  get items(): Record<string, unknown>[] {
    return this.body.items as Record<string, unknown>[];
  }
}
