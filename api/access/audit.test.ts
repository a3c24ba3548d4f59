/** Every route that gives or changes something for long: who did it is written down, and no secret with it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, ApiBench } from '../http/testing/api-bench.ts';

const HOME = '/v1/homes/h1';
const RULE = {
  definition: { rule: 'bell', triggers: [{ webhook: 'ring' }], actions: [{ stop: true }] },
};
const BLUEPRINT = {
  blueprint: 'opened',
  rule: { triggers: [{ every: '1h' }], actions: [{ stop: true }] },
};
const free = { token: null };

/** Changes that do not last, such as a command to a device, and those that the journal of a twin records. */
const OF_A_MOMENT = new Set([
  'delete /v1/homes/{home}/twins/{twin}/leases',
  'delete /v1/homes/{home}/twins/{twin}/timers/{id}',
  'patch /v1/homes/{home}/twins/{twin}/desired',
  'post /v1/devices/enrolment',
  'post /v1/gateways/commands',
  'post /v1/gateways/logs',
  'post /v1/gateways/reports',
  'post /v1/homes/{home}/alerts/{id}/acknowledge',
  'post /v1/homes/{home}/history/query',
  'post /v1/homes/{home}/kits/check',
  'post /v1/homes/{home}/rules/backtest',
  'post /v1/homes/{home}/rules/check',
  'post /v1/homes/{home}/rules/{rule}/run',
  'post /v1/homes/{home}/twins/{twin}/commands',
  'post /v1/homes/{home}/twins/{twin}/events',
  'post /v1/homes/{home}/twins/{twin}/timers/{id}/fire',
  'post /v1/hooks/{home}/{rule}/{hook}',
]);
/** Of accounts and sessions; account.test.ts and providers.integration.test.ts look at what of these is written down. */
const OF_ACCOUNTS = /^\w+ \/v1\/(auth|me|gateways\/(login|refresh))(\/|$)/;

let api: ApiBench;
const deeds: { operation: string; path: string; who: string; answer: Answer }[] = [];
/** What no entry may hold. */
const secrets = new Set<string>(['kept-value-of-the-home']);

function learn(value: unknown, name = ''): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) learn(one, key);
  } else if (/secret|code|token/i.test(name) && typeof value === 'string') secrets.add(value);
}

/** @param template of the path, with its values in the order of its parameters */
async function run(
  operation: string,
  values: readonly unknown[] = [],
  body?: object,
  { token, who = 'admin' }: { token?: string | null; who?: string } = {},
): Promise<Record<string, unknown>> {
  const [method = '', template = ''] = operation.split(' ');
  const rest = [...values];
  const path = template.replace(/\{home\}/, 'h1').replace(/\{\w+\}/g, () => String(rest.shift()));
  const call = token === undefined ? { body } : { body, token };
  const answer = await api.call(method.toUpperCase(), path, call);
  deeds.push({ operation, path: `${method.toUpperCase()} ${path}`, who, answer });
  const said = answer.text === '' ? {} : answer.body;
  if (answer.status < 400) learn(said);
  return said;
}

beforeAll(async () => {
  api = await ApiBench.open();
  const ada = await api.person('ada@example.org');
  const bob = await api.person('bob@example.org');
  for (const { token, refreshToken } of [ada, bob]) learn({ token, refreshToken });
  const expiresAt = api.clock.now() + 3_600_000;

  await run('post /v1/homes', [], { id: 'h1' });
  await run('patch /v1/homes/{home}', [], { name: 'One' });
  await run('put /v1/homes/{home}/provisioning', [], { policy: 'claim' });
  await run('delete /v1/homes/{home}/provisioning');
  await run('post /v1/homes/{home}/twins', [], { id: 'l1', kind: 'lamp' });
  await run('patch /v1/homes/{home}/twins/{twin}', ['l1'], { name: 'Lamp' });

  await run('post /v1/homes/{home}/twins/{twin}/secret', ['l1']);
  await run('delete /v1/homes/{home}/twins/{twin}/secret', ['l1']);
  const { code } = await run('post /v1/homes/{home}/claim-codes', [], {});
  const claim = { code, id: 'l2', kind: 'lamp' };
  await run('post /v1/devices/claim', [], claim, { ...free, who: 'device:h1/l2' });
  const lot = { name: 'Lot', kind: 'lamp', uses: 2, expiresAt };
  const factory = await run('post /v1/factory-tokens', [], lot);
  const enrol = { token: factory['secret'], serial: 's1' };
  const who = `factory-token:${String(factory['id'])}`;
  const box = await run('post /v1/devices/enrol', [], enrol, { ...free, who });
  await run('post /v1/homes/{home}/claims', [], { code: box['code'] });
  await run('delete /v1/factory-tokens/{id}', [factory['id']]);
  const waiting = {
    ...{ home: 'h1', dedupe: false, at: api.clock.now(), source: 'mqtt' as const },
    ...{ event: { type: 'telemetry', power: 1 }, principal: 'device', kind: 'lamp' },
  };
  await api.engine.dispatch({ ...waiting, twin: 'l3', id: 'e1', ifUnknown: 'candidate' });
  await run('post /v1/homes/{home}/candidates/{twin}/accept', ['l3']);
  for (const twin of ['l4', 'l5']) {
    await api.engine.dispatch({ ...waiting, twin, id: twin, ifUnknown: 'reject' });
    await api.engine.createTwin(
      { home: 'h1', twin, kind: 'lamp' },
      { principal: 'x', source: 'rest' },
    );
  }
  const [one, other] = (await api.get(`${HOME}/dead-letters`)).items;
  await run('post /v1/homes/{home}/dead-letters/{id}/retry', [one?.['id']]);
  await run('post /v1/dead-letters/{id}/retry', [other?.['id']]);
  await api.engine.idle();
  await run('post /v1/projections/{name}/rebuild', ['activity']);

  const gateway = await run('post /v1/homes/{home}/gateways', [], { name: 'g' });
  await run('put /v1/homes/{home}/gateways/{id}/devices', [gateway['id']], { devices: ['l1'] });
  await run('post /v1/homes/{home}/gateways/{id}/secret', [gateway['id']]);
  await run('delete /v1/homes/{home}/gateways/{id}', [gateway['id']]);

  const key = await run('post /v1/homes/{home}/keys', [], { name: 'k', scopes: ['home.read'] });
  await run('delete /v1/homes/{home}/keys/{id}', [key['id']]);
  const ofAll = await run('post /v1/keys', [], { name: 'k', scopes: ['home.read'] });
  await run('delete /v1/keys/{id}', [ofAll['id']]);

  const invitation = await run('post /v1/homes/{home}/invitations', [], { role: 'member' });
  const accepting = { token: ada.token, who: `person:${ada.id}` };
  await run('post /v1/invitations/accept', [], { code: invitation['code'] }, accepting);
  const unwanted = await run('post /v1/homes/{home}/invitations', [], { role: 'member' });
  await run('delete /v1/homes/{home}/invitations/{id}', [unwanted['id']]);
  await run('patch /v1/homes/{home}/members/{person}', [ada.id], { role: 'admin' });
  await run('put /v1/homes/{home}/owner', [], { person: ada.id });
  for (const leaves of [true, false]) {
    await api.identity.memberships.add(
      'h1',
      bob.id,
      { role: 'member', twins: [], until: null },
      'x',
    );
    const leaving = { token: bob.token, who: `person:${bob.id}` };
    if (leaves) await run('post /v1/homes/{home}/leave', [], undefined, leaving);
    else await run('delete /v1/homes/{home}/members/{person}', [bob.id]);
  }
  await run('patch /v1/people/{person}', [bob.id], { locked: true });

  await run('put /v1/homes/{home}/rules/{rule}', ['bell'], RULE);
  await run('post /v1/homes/{home}/rules/{rule}/hooks/{hook}/secret', ['bell', 'ring']);
  await run('delete /v1/homes/{home}/rules/{rule}/hooks/{hook}/secret', ['bell', 'ring']);
  await run('put /v1/homes/{home}/rules/{rule}/draft', ['bell'], RULE);
  await run('post /v1/homes/{home}/rules/{rule}/draft/promote', ['bell']);
  await api.put(`${HOME}/rules/bell/draft`, RULE);
  await run('delete /v1/homes/{home}/rules/{rule}/draft', ['bell']);
  await run('delete /v1/homes/{home}/rules/{rule}', ['bell']);
  await run('put /v1/homes/{home}/blueprints/{blueprint}', ['opened'], { definition: BLUEPRINT });
  await run('delete /v1/homes/{home}/blueprints/{blueprint}', ['opened']);
  const kit = { definition: { kit: 'k', version: '1', twins: { fan: { kind: 'lamp' } } } };
  await run('put /v1/homes/{home}/kits/{kit}', ['k'], kit);
  await run('delete /v1/homes/{home}/kits/{kit}', ['k']);
  const kept = { value: 'kept-value-of-the-home' };
  await run('put /v1/homes/{home}/secrets/{name}', ['other'], kept);
  await run('delete /v1/homes/{home}/secrets/{name}', ['other']);

  await run('delete /v1/homes/{home}/twins/{twin}', ['l1']);
  await run('delete /v1/homes/{home}');
});
afterAll(() => api[Symbol.asyncDispose]());

it('every operation that changes something is done here, or is named as one of a moment', () => {
  const paths = api.app.swagger().paths as Record<string, Record<string, unknown>>;
  const changes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== 'get')
      .map((method) => `${method} ${path}`),
  );
  const known = new Set([...deeds.map(({ operation }) => operation), ...OF_A_MOMENT]);
  expect(
    changes.filter((one) => !known.has(one) && !OF_ACCOUNTS.test(one)),
    'do these in beforeAll, so that their entries are looked at, or name them in OF_A_MOMENT',
  ).toEqual([]);
  expect([...known].filter((one) => !changes.includes(one))).toEqual([]);
});

it('each is written down, with who did it and what came of it', async () => {
  const failed = deeds.filter(({ answer }) => answer.status >= 400);
  expect(failed.map(({ path, answer }) => `${path} ${answer.text}`)).toEqual([]);
  const entries = await written();
  for (const { path, who, answer } of deeds) {
    expect(entries, path).toContainEqual(
      expect.objectContaining({
        ...{ target: path, who, outcome: 'done' },
        detail: expect.objectContaining({ status: answer.status }),
      }),
    );
  }
});

it('a device that came in with a code stands in the audit of its home, with who made the code', async () => {
  const [entry] = (await written()).filter(({ target }) => target === 'POST /v1/devices/claim');
  expect(entry).toMatchObject({ home: 'h1', who: 'device:h1/l2', detail: { by: 'admin' } });
});

it('no entry holds a secret that was given or shown', async () => {
  expect(secrets.size).toBeGreaterThan(15);
  const text = JSON.stringify(await written());
  expect([...secrets].filter((secret) => text.includes(secret))).toEqual([]);
});

async function written() {
  return await api.identity.audit.list(null, {}, { limit: 1_000, before: null });
}
