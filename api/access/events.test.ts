/** Every event type of every kind through every door: what comes in is what the engine's table says. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { InboundPacket } from '../../adapters/mqtt/codec.ts';
import { CodecSet } from '../../adapters/mqtt/codec-set.ts';
import { homesyncCodec } from '../../adapters/mqtt/codecs/homesync.ts';
import { messageCodec } from '../../adapters/mqtt/codecs/messages.ts';
import { nativeCodec } from '../../adapters/mqtt/codecs/native.ts';
import { templateCodec } from '../../adapters/mqtt/codecs/template.ts';
import { parseTemplates } from '../../adapters/mqtt/codecs/template-file.ts';
import { zigbee2mqttCodec } from '../../adapters/mqtt/codecs/zigbee2mqtt.ts';
import { Intake } from '../../adapters/mqtt/intake.ts';
import { codecFiles } from '../../adapters/mqtt/testing/codec-files.ts';
import { Dice } from '../../engine/authoring/dice.ts';
import { madeUp, type Schema } from '../../engine/authoring/made-up.ts';
import type { JsonObject } from '../../engine/index.ts';
import type { AnyKind } from '../../engine/kind.ts';
import type { Sender } from '../../engine/model/senders.ts';
import { ENGINE_EVENTS, sendersOf } from '../../engine/model/vocabulary.ts';
import { teller } from '../../engine/testing/teller.ts';
import { blueprint, kit, rule } from '../../features/rules/index.ts';
import { kinds as devicesAndPlaces } from '../../twins/catalogue.ts';
import { ApiBench } from '../http/testing/api-bench.ts';
import { permissions } from './permissions.ts';

const HOME = 'h1';
const KINDS: readonly AnyKind[] = [...devicesAndPlaces, rule, blueprint, kit];
/** Tries per event to make data that its schema takes. */
const TRIES = 50;

interface Case {
  kind: AnyKind;
  type: string;
  data: JsonObject;
}

const CASES: readonly Case[] = KINDS.flatMap((kind) => {
  const declared = kind.events as Record<string, z.ZodObject>;
  const all = { ...declared, ...fromEngine() };
  return Object.entries(all).map(([type, schema]) => ({ kind, type, data: dataOf(schema) }));
});

function fromEngine(): Record<string, z.ZodObject> {
  return Object.fromEntries(Object.entries(ENGINE_EVENTS).map(([type, { data }]) => [type, data]));
}

/** What its schema takes, where chance finds it: what the table refuses is refused before it is read. */
function dataOf(schema: z.ZodObject): JsonObject {
  const dice = new Dice(7);
  const described = schema.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as Schema;
  for (let tries = 0; tries < TRIES; tries++) {
    const data = madeUp(described, dice) as JsonObject;
    if (schema.safeParse(data).success) return data;
  }
  return {};
}

/** The twin of each kind that the events are for. */
const twinOf = ({ kind }: Case) => `a-${kind.kind}`;
const nameOf = ({ kind, type }: Case) => `${kind.kind} ${type}`;

/** What the table says, as a list of all that a sender may say. */
function table(...senders: readonly Sender[]): string[] {
  return CASES.filter(({ kind, type }) =>
    senders.some((one) => sendersOf(kind, type).includes(one)),
  )
    .map(nameOf)
    .sort();
}

let api: ApiBench;
let intake: Intake;
const tokens = new Map<string, string>();
let packets = 0;

beforeAll(async () => {
  api = await ApiBench.open({
    engine: { kinds: [...KINDS, teller], limits: { mailbox: 100_000 } },
  });
  const { engine, identity } = api;
  await engine.createHome({ id: HOME, name: 'Home', timezone: 'UTC' });
  const by = { principal: 'test', source: 'rest' };
  for (const { kind } of [...KINDS, teller].map((kind) => ({ kind }))) {
    await engine.createTwin({ home: HOME, twin: `a-${kind.kind}`, kind: kind.kind }, by);
  }
  await engine.createTwin({ home: HOME, twin: 'sender', kind: 'rule' }, by);
  const native = nativeCodec('homeostat');
  const template = templateCodec(
    parseTemplates(
      'templates: [{name: shop, topic: "shop/{twin}", home: h1, twin: "{twin}", kind: relay, fields: {on: on}}]',
      'templates.yaml',
    ),
  );
  intake = new Intake({
    engine,
    codecs: new CodecSet(
      [
        ...[messageCodec('homeostat'), homesyncCodec(), template],
        ...[zigbee2mqttCodec({ base: 'zigbee2mqtt', home: HOME }), native],
      ],
      native,
    ),
    provisioning: () => 'open',
    signal: () => {},
    onOnline: () => {},
    limit: 1_000,
  });
  const { people, memberships, keys, gateways } = identity;
  for (const role of ['owner', 'admin', 'member', 'guest'] as const) {
    const email = `${role}@example.org`;
    const password = 'correct horse battery staple';
    const person = await people.make({
      email,
      password,
      name: role,
      language: 'en',
      isAdmin: false,
    });
    const twins = role === 'guest' ? CASES.map(twinOf) : [];
    await memberships.add(HOME, person.id, { role, twins, until: null }, person.id);
    tokens.set(role, (await people.signIn(person, { address: null })).accessToken);
  }
  for (const scope of permissions.scopes) {
    const scopes: string[] = scope === 'twin.steer' ? [scope] : [scope, 'twin.steer'];
    const made = await keys.make({ home: HOME, name: scope, scopes, expiresAt: null }, 'test');
    tokens.set(scope, made.secret);
  }
  const made = await gateways.make({ home: HOME, name: 'g', fetches: true }, 'test');
  await gateways.assign(HOME, made.gateway.id, [...new Set(CASES.map(twinOf))], 'test');
  tokens.set('gateway', (await gateways.login(made.gateway.id, made.secret, null)).accessToken);
});
afterAll(async () => {
  intake[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

/** What of all that is tried is heard: whatever is not refused for who says it. */
async function heard(attempt: (one: Case) => Promise<boolean>): Promise<string[]> {
  const found: string[] = [];
  for (const one of CASES) if (await attempt(one)) found.push(nameOf(one));
  return found.sort();
}

/** Letters that have been counted. */
const counted = new Set<string>();

/** Dead letters that say that somebody may not say it, since the last time. */
async function takeRefusals(): Promise<number> {
  await api.engine.idle();
  const { items } = await api.engine.storage.listDeadLetters(HOME, { limit: 100 });
  const fresh = items.filter(({ id }) => !counted.has(id));
  for (const { id } of fresh) counted.add(id);
  return fresh.filter(({ error }) => /cannot send|is no device/.test(error)).length;
}

async function publish(topic: string, payload: string): Promise<void> {
  const packet: InboundPacket = {
    ...{ topic, payload: Buffer.from(payload), qos: 1, dup: false, replayed: false },
    packetId: ++packets,
  };
  await intake.take(packet);
}

const CHANNELS: Readonly<Record<string, (data: JsonObject) => string>> = {
  telemetry: (data) => JSON.stringify(data),
  status: () => 'online',
  ack: () => '{"id": "x", "ok": true}',
};

/** Topics of dialects in which a payload stands for telemetry, and what is heard of it. */
const FOREIGN: [name: string, topic: (twin: string) => string, said: string[]][] = [
  ['template', (twin: string) => `shop/${twin}`, ['telemetry']],
  ['homesync', (twin: string) => `homesync/${HOME}/nodes/${twin}/telemetry/power`, ['telemetry']],
  ['homesync events', (twin: string) => `homesync/${HOME}/nodes/${twin}/event`, []],
  [
    'homesync responses',
    (twin: string) => `homesync/${HOME}/nodes/${twin}/response/command`,
    ['telemetry'],
  ],
  ['zigbee2mqtt', (twin: string) => `zigbee2mqtt/${twin}`, ['telemetry']],
];

describe('the table of events is what the doors let in', () => {
  test('native MQTT: what a device may say', async () => {
    await takeRefusals();
    const found = await heard(async (one) => {
      const { kind, type, data } = one;
      const channel = Object.hasOwn(CHANNELS, type) ? type : 'event';
      const payload = CHANNELS[type]?.(data) ?? JSON.stringify({ ...data, type });
      await publish(`homeostat/${HOME}/${kind.kind}/${twinOf(one)}/${channel}`, payload);
      return (await takeRefusals()) === 0;
    });
    expect(found).toEqual(table('device'));
  });

  test('native MQTT: no other kind in the topic opens more', async () => {
    await takeRefusals();
    const found = await heard(async (one) => {
      const { type, data } = one;
      const channel = Object.hasOwn(CHANNELS, type) ? type : 'event';
      const payload = CHANNELS[type]?.(data) ?? JSON.stringify({ ...data, type });
      await publish(`homeostat/${HOME}/relay/${twinOf(one)}/${channel}`, payload);
      return (await takeRefusals()) === 0;
    });
    expect(table('device')).toEqual(expect.arrayContaining(found));
  });

  test('no dialect is left out', () => {
    const tried = ['native', 'messages', ...FOREIGN.map(([name]) => name.split(' ')[0])];
    expect([...new Set(tried)].sort(), 'a topic of it belongs into FOREIGN').toEqual(codecFiles());
  });

  test.each(FOREIGN)('%s: the payload chooses no event', async (_what, topicOf, said) => {
    const heardOf = new Set<string>();
    for (const one of CASES) {
      const twin = twinOf(one);
      const address = { home: HOME, twin };
      const before = (await api.engine.storage.getTwin(address))?.revision ?? 0;
      const payload = {
        on: true,
        state: 'ON',
        relay: 'on',
        power: 5,
        ...one.data,
        type: one.type,
        event: one.type,
      };
      await publish(topicOf(twin), JSON.stringify(payload));
      await api.engine.idle();
      const rows = await api.engine.storage.readJournal(address, before + 1, 20);
      for (const { source, event } of rows) {
        if (source === 'mqtt' || source === 'message') heardOf.add(event.type);
      }
    }
    expect([...heardOf]).toEqual(said);
  });

  test('a message for rules: the payload chooses no event, and the home alone hears it', async () => {
    const address = { home: HOME, twin: 'home' };
    await api.engine.createTwin({ ...address, kind: 'home' }, { principal: 't', source: 'rest' });
    for (const one of CASES) {
      const payload = { ...one.data, type: one.type, event: one.type };
      await publish(`homeostat/${HOME}/messages/${twinOf(one)}`, JSON.stringify(payload));
    }
    const rows = await api.engine.storage.readJournal(address, 1, 10_000);
    expect(rows.map(({ event }) => event.type)).toEqual(CASES.map(() => 'message'));
  });

  test('a gateway, in reports: what a device may say', async () => {
    const token = tokens.get('gateway') ?? null;
    const found = await heard(async (one) => {
      const { type, data } = one;
      const body = { reports: [{ device: twinOf(one), type, data }] };
      const answer = await api.post('/v1/gateways/reports', body, { token });
      const refused = answer.body.refused as { reason: string }[] | undefined;
      return refused?.every(({ reason }) => !/cannot send/.test(reason)) ?? true;
    });
    expect(found).toEqual(table('device'));
  });

  test('a gateway, in uploaded logs: telemetry only', async () => {
    const heardOf = new Set<string>();
    const token = tokens.get('gateway') ?? null;
    for (const [day, one] of CASES.entries()) {
      const twin = twinOf(one);
      const at = new Date(api.clock.now() - (day % 300) * 86_400_000).toISOString();
      const address = { home: HOME, twin };
      const before = (await api.engine.storage.getTwin(address))?.revision ?? 0;
      const readings = [{ ...one.data, type: one.type, at }];
      const body = { logs: [{ device: twin, date: at.slice(0, 10), readings }] };
      await api.post('/v1/gateways/logs', body, { token });
      const rows = await api.engine.storage.readJournal(address, before + 1, 20);
      for (const { source, event } of rows) if (source === 'gateway') heardOf.add(event.type);
    }
    expect([...heardOf]).toEqual(['telemetry']);
  });

  const byRest = (token: string) => (one: Case) =>
    heardByRest(one, { token: tokens.get(token) ?? null });

  async function heardByRest(one: Case, call: { token: string | null }): Promise<boolean> {
    const url = `/v1/homes/${HOME}/twins/${twinOf(one)}/events`;
    const { at: _at, ...data } = one.data;
    const answer = await api.post(url, { ...data, type: one.type }, call);
    if (answer.status === 200) return true;
    const { code, detail } = answer.body as { code: string; detail: string };
    if (code === 'forbidden') return false;
    return !/cannot (send|be sent)/.test(detail);
  }

  /** Those that the route for events sends elsewhere, whoever asks. */
  const ELSEWHERE =
    /^(desired\.changed|settings\.changed|command\.requested|twin\.changed|timer\.|alert\.)/;

  test.each(['owner', 'admin', 'member'])('REST as %s: like a device too', async (role) => {
    expect(await heard(byRest(role))).toEqual(table('person', 'device'));
  });

  test('REST as a guest: what people may say, to their own twins', async () => {
    expect(await heard(byRest('guest'))).toEqual(table('person'));
  });

  test.each(permissions.scopes)('REST with a key for %s and steering', async (scope) => {
    const senders: Sender[] = scope === 'twin.report-for' ? ['person', 'device'] : ['person'];
    expect(await heard(byRest(scope))).toEqual(table(...senders));
  });

  test('what has a route of its own is nothing that the table lets people send as an event', () => {
    const types = new Set(CASES.map(({ type }) => type).filter((type) => ELSEWHERE.test(type)));
    for (const { kind, type } of CASES.filter((one) => types.has(one.type))) {
      expect(sendersOf(kind, type)).not.toContain('person');
    }
  });

  test('a rule’s "send": what rules may say', async () => {
    await takeRefusals();
    const at = { home: HOME, twin: 'sender' };
    const tell = (event: JsonObject & { type: string }) =>
      api.engine.tell({
        ...{ ...at, id: `tell-${++packets}`, dedupe: false, event, at: api.clock.now() },
        ...{ principal: 'test', ifUnknown: 'reject' },
      });
    const found = await heard(async (one) => {
      const { type, data } = one;
      // Defined past its check: the engine does not rely on that
      const definition = {
        ...{ rule: 'sender', mode: 'single', priority: 0, triggers: [], conditions: [] },
        actions: [{ type: 'send', twin: [twinOf(one)], event: type, data }],
      };
      await tell({ type: 'rule.defined', definition, source: null });
      await tell({ type: 'run', conditions: false });
      return (await takeRefusals()) === 0;
    });
    expect(found).toEqual(table('rule'));
  });

  test.each([
    ['another twin', false, 'twin'],
    ['an author', true, 'rule'],
  ] as const)('what %s tells', async (_who, authored, sender) => {
    await takeRefusals();
    const found = await heard(async (one) => {
      const what = { ...one.data, type: one.type };
      await api.engine.dispatch({
        ...{ home: HOME, twin: 'a-teller', id: `say-${++packets}`, dedupe: false },
        ...{ at: api.clock.now(), undated: true, source: 'rest', principal: 'test' },
        event: { type: 'say', to: twinOf(one), what, authored },
        ifUnknown: 'reject',
      });
      return (await takeRefusals()) === 0;
    });
    expect(found).toEqual(table(sender));
  });
});
