import { ApiBench } from '../../http/testing/api-bench.ts';
import { permissions } from '../permissions.ts';

/** A word that stands in everything that home B holds, and in nothing that anybody of home A says. */
export const CANARY = 'CANARY';
export const A = 'house-a';
export const B = 'house-b';

/** What addresses have to be asked with, by their end. */
const ASKED: Readonly<Record<string, string>> = {
  history: '?measurement=power',
  bands: '?path=reported.on',
};

/** Two homes with all that a home can have, and everyone who belongs to the first. */
export class TwoHomes implements AsyncDisposable {
  readonly api: ApiBench;
  /** Bearer tokens of those who belong to A, by what they are there. */
  readonly callers: ReadonlyMap<string, string>;
  /** Ids of what B holds, by the name of the parameter of a path. */
  readonly ids: Readonly<Record<string, readonly string[]>>;

  private constructor(
    api: ApiBench,
    callers: ReadonlyMap<string, string>,
    ids: Readonly<Record<string, readonly string[]>>,
  ) {
    this.api = api;
    this.callers = callers;
    this.ids = ids;
  }

  static async open(given: Parameters<typeof ApiBench.open>[0] = {}): Promise<TwoHomes> {
    const api = await ApiBench.open(given);
    for (const [home, word] of [
      [A, 'Home'],
      [B, CANARY],
    ] as const) {
      await api.engine.createHome({ id: home, name: `${word} name`, timezone: 'UTC' });
      await furnish(api, home, word);
    }
    const callers = await callersOf(api);
    return new TwoHomes(api, callers, await idsOf(api));
  }

  /** All that those who keep B can read of it. */
  async picture(): Promise<Record<string, unknown>> {
    await this.api.engine.idle();
    const found: Record<string, unknown> = {};
    for (const path of Object.keys(this.api.app.swagger().paths ?? {})) {
      if (!path.startsWith('/v1/homes/{home}') || path.endsWith('/stream')) continue;
      const url = path.replace('{home}', B).replace('{twin}', 'lamp');
      if (url.includes('{')) continue;
      const answer = await this.api.get(`${url}${ASKED[url.split('/').at(-1) ?? ''] ?? ''}`);
      found[path] = answer.status === 200 ? answer.body : answer.status;
    }
    found['twins'] = (await this.api.get(`/v1/homes/${B}/twins`)).items;
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
  }
}

async function furnish(api: ApiBench, home: string, word: string): Promise<void> {
  const { engine, identity } = api;
  const by = { principal: `${word} keeper`, source: 'rest' };
  await engine.createTwin({ home, twin: 'nook', kind: 'nook', name: `${word} nook` }, by);
  for (const twin of ['lamp', 'door']) {
    await engine.createTwin(
      { home, twin, kind: 'lamp', name: `${word} ${twin}`, room: 'nook' },
      by,
    );
    await engine.desire({ home, twin }, { on: true }, by);
    const event = { type: 'telemetry', power: 1_000 };
    await engine.dispatch({
      ...{ home, twin, event, id: `${word} ${twin}`, dedupe: true, at: api.clock.now() },
      ...{ source: 'mqtt', principal: `${word} device`, cause: null, correlation: `${word} said` },
      ifUnknown: 'reject',
    });
  }
  await engine.dispatch({
    ...{ home, twin: 'stranger', event: { type: 'telemetry', power: 1 }, kind: 'lamp' },
    ...{ id: `${word} stranger`, dedupe: true, at: api.clock.now(), source: 'mqtt' },
    ...{ principal: 'device', cause: null, correlation: `${word} stranger` },
    ifUnknown: 'candidate',
  });
  const { memberships, people, keys, gateways, policies } = identity;
  const make = async (name: string) => {
    const email = `${name}.${home}@example.org`;
    const who = { email, name: `${word} ${name}`, language: 'en' };
    const made = await people.makeWithoutPassword(who);
    if (!made) throw new Error(`${email} is there already`);
    return made;
  };
  const owner = await make('owner');
  await memberships.found(home, owner.id);
  for (const role of ['admin', 'member', 'guest'] as const) {
    const { id } = await make(role);
    await memberships.add(home, id, { role, twins: ['lamp'], until: null }, owner.id);
  }
  const admission = { role: 'guest' as const, twins: [], until: null };
  await identity.invitations.make(home, admission, { email: `${word}@example.org`, by: owner.id });
  const key = { home, name: `${word} key`, scopes: ['twin.read'], expiresAt: null };
  await keys.make(key, owner.id);
  const { gateway } = await gateways.make({ home, name: `${word} gateway`, fetches: true }, 'test');
  await gateways.assign(home, gateway.id, ['door'], 'test');
  await policies.set(home, 'closed', 'test');
}

async function callersOf(api: ApiBench): Promise<Map<string, string>> {
  const { identity } = api;
  const { people, memberships, keys, devices, gateways } = identity;
  const callers = new Map<string, string>();
  for (const { person, role } of await memberships.membersOf(A)) {
    const { accessToken } = await people.signIn(await people.read(person), { address: null });
    callers.set(role, accessToken);
  }
  const key = await keys.make(
    { home: A, name: 'all', scopes: [...permissions.scopes], expiresAt: null },
    'a',
  );
  callers.set('key', key.secret);
  callers.set('device', await devices.make(A, 'lamp', 'a'));
  const made = await gateways.make({ home: A, name: 'gateway', fetches: true }, 'a');
  await gateways.assign(A, made.gateway.id, ['lamp', 'door'], 'a');
  const grant = await gateways.login(made.gateway.id, made.secret, null);
  callers.set('gateway', grant.accessToken);
  return callers;
}

async function idsOf(api: ApiBench): Promise<Record<string, readonly string[]>> {
  const { identity, engine } = api;
  const page = { limit: 50 };
  const idOf = ({ id }: { id: string }) => id;
  const members = await identity.memberships.membersOf(B);
  return {
    home: [B],
    twin: ['lamp', 'door', 'nook', 'stranger'],
    person: members.map(({ person }) => person),
    id: [
      ...(await engine.storage.listAlerts(B, {}, page)).items.map(idOf),
      ...(await engine.listIntents(B, {}, page)).items.map(idOf),
      ...(await engine.storage.listDeadLetters(B, page)).items.map(idOf),
      ...(await identity.invitations.list(B)).map(idOf),
      ...(await identity.keys.list(B)).map(idOf),
      ...identity.gateways.list(B).map(idOf),
    ],
  };
}
