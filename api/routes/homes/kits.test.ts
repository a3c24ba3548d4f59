import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Told } from '../../../engine/index.ts';
import { ApiBench } from '../../http/testing/api-bench.ts';
import { builtInKinds } from '../../kinds/built-in.ts';

const BATHROOM = readFileSync(
  new URL('../../../docs/cookbook/kits/bathroom.yaml', import.meta.url),
  'utf8',
);
const KIT = `kit: bath
version: "1"
name: Bath
inputs:
  window: { type: twin, kind: sensor, path: reported.contact }
  damp: { type: number, default: 70 }
  greeting: { type: text, default: hello }
twins:
  old-lamp: { kind: relay, existing: true }
  fan: { kind: relay, name: "Fan <<greeting>>", room: bathroom, settings: { overloadWatts: 500 }, desired: { on: false } }
  bathroom: { kind: room }
scenes:
  cosy: { entries: { old-lamp: { on: true }, fan: { on: false } } }
blueprints:
  - blueprint: opened
    inputs: { what: { type: twin } }
    rule:
      triggers: [{ twin: !input what, path: reported.contact, to: false }]
      actions: [{ set: { twin: fan, desired: { on: false } } }]
rules:
  - rule: bath-cosy
    triggers: [{ twin: !input window, path: reported.humidity, above: !input damp }]
    actions: [{ scene: cosy }]
  - rule: bath-open
    blueprint: opened
    inputs: { what: !input window }
`;
const at = '/v1/homes/h1/kits/bath';
const given = { source: KIT, inputs: { window: 'window' } };

let api: ApiBench;
beforeEach(async () => {
  api = await ApiBench.open({ engine: { kinds: builtInKinds } });
  await api.post('/v1/homes', { id: 'h1', name: 'One', timezone: 'Europe/Berlin' });
  for (const [id, kind] of [
    ['window', 'sensor'],
    ['old-lamp', 'relay'],
  ]) {
    await api.post('/v1/homes/h1/twins', { id, kind });
  }
});
afterEach(() => api[Symbol.asyncDispose]());

const twins = async () =>
  (await api.get('/v1/homes/h1/twins?limit=200')).items.map(
    ({ id, kind, name, room, revision }) => ({
      ...{ id, kind, name, room, revision },
    }),
  );
const states = async () =>
  Object.fromEntries(
    ((await api.get(at)).body.parts as { id: string; state: string }[]).map(({ id, state }) => [
      id,
      state,
    ]),
  );

/** Until disposed, the first event that the test means is never told: as when the process ends there. */
function killedAt(test: (told: Told) => boolean): Disposable {
  const { engine } = api;
  const { tell } = engine;
  let isDead = false;
  engine.tell = (told) => {
    isDead ||= test(told);
    return isDead ? Promise.reject(new Error('killed')) : tell.call(engine, told);
  };
  return {
    [Symbol.dispose]: () => {
      engine.tell = tell;
    },
  };
}

describe('a kit', () => {
  test('is installed in one step, listed, read, and removed without a trace', async () => {
    const before = await twins();
    const made = await api.put(at, given);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: 'bath',
      name: 'Bath',
      version: '1',
      phase: 'installed',
      problems: [],
      parts: [
        { id: 'old-lamp', type: 'twin', kind: 'relay', state: 'existing' },
        { id: 'bathroom', type: 'twin', kind: 'room', state: 'there' },
        { id: 'cosy', type: 'twin', kind: 'scene', state: 'there' },
        { id: 'fan', type: 'twin', kind: 'relay', state: 'there' },
        { id: 'opened', type: 'blueprint', kind: 'blueprint', state: 'there' },
        { id: 'bath-cosy', type: 'rule', kind: 'rule', state: 'there' },
        { id: 'bath-open', type: 'rule', kind: 'rule', state: 'there' },
      ],
    });
    expect((await api.get('/v1/homes/h1/twins/fan')).body).toMatchObject({
      name: 'Fan hello',
      room: 'bathroom',
      settings: { overloadWatts: 500 },
      desired: { on: false },
    });
    expect((await api.get('/v1/homes/h1/rules/bath-open')).body).toMatchObject({
      blueprint: { id: 'opened', edition: 1, inputs: { what: 'window' } },
    });
    expect((await api.get('/v1/homes/h1/kits')).items).toMatchObject([
      { id: 'bath', phase: 'installed' },
    ]);
    // Once more is the same
    const installed = await twins();
    expect((await api.put(at, given)).status).toBe(200);
    expect(await twins()).toEqual(
      installed.map((one) => (one.id === 'bath' ? { ...one, revision: expect.any(Number) } : one)),
    );
    expect((await api.delete(at)).status).toBe(204);
    expect(await twins()).toEqual(before);
    expect((await api.get(at)).status).toBe(404);
  });

  test('that is wrong makes nothing, and all that is wrong is told at once', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'fan', kind: 'relay' });
    const before = await twins();
    const wrong = `kit: bath
version: "1"
needs: { kinds: [relay, blindd] }
inputs:
  window: { type: twin, kind: sensor }
  speed: { type: number }
twins:
  fan: { kind: relay }
  bath: { kind: relay }
  lost-lamp: { kind: relay, existing: true }
  heater: { kind: thermostatt }
  pump: { kind: relay, room: nowhere, settings: { autoOfMs: 1 }, desired: { on: 3 } }
  rest: { kind: relay, settings: { autoOffMs: !input sped } }
scenes:
  cosy: { entries: { pumpp: { on: true }, pump: { of: true } } }
rules:
  - rule: r
    triggers: [{ twin: pump, path: reported.on, to: open }]
    actions: [{ set: { twin: !input window, desired: { on: true } } }]
  - rule: r
    blueprint: nothing
`;
    const answer = await api.put(at, { source: wrong, inputs: { window: 'window', x: 1 } });
    expect(answer.status).toBe(422);
    const { errors } = answer.body as { errors: { path: string; message: string }[] };
    expect(errors.map(({ message }) => message)).toEqual([
      'needs.kinds[1]: it needs the kind "blindd", which is not there; KINDS_DIR names the folder of your own',
      'inputs.x: there is no input "x"; it takes: window, speed',
      'inputs.speed: is missing: speed (number)',
      'twins.fan: there is a relay "fan" already: choose another id, or say "existing: true"',
      'twins.bath: two twins cannot both be "bath"',
      expect.stringContaining('twins.lost-lamp: there is no twin "lost-lamp"'),
      'twins.heater.kind: there is no kind "thermostatt"; did you mean "thermostat"?',
      'twins.pump.room: there is no room "nowhere"',
      expect.stringContaining('a relay has no setting "autoOfMs"; did you mean "autoOffMs"?'),
      expect.stringContaining('twins.pump.desired.on:'),
      expect.stringContaining('there is no input "sped"; did you mean "speed"?'),
      'scenes.cosy.entries.pumpp: there is no twin "pumpp"; did you mean "pump"?',
      expect.stringContaining('a relay has no wish "of"; did you mean "on"?'),
      'rules[0].triggers[0].to: it is never "open"; it can be: true, false',
      expect.stringContaining('rules[0].actions[0].set.desired: of a sensor nothing can be set'),
      'rules[1].blueprint: there is no blueprint "nothing"',
    ]);
    expect(errors.find(({ message }) => message.startsWith('twins.pump.room'))?.path).toBe(
      'body.source:12:24',
    );
    expect(await twins()).toEqual(before);
    const checked = await api.post('/v1/homes/h1/kits/check', { source: wrong });
    expect(checked.body).toMatchObject({ ok: false, kit: 'bath', version: '1' });
    expect((await api.post('/v1/homes/h1/kits/check', given)).body).toMatchObject({ ok: false });
    const nothing = await api.put(at, { source: 'kit: bath' });
    expect(nothing.status).toBe(422);
    const elsewhere = await api.put('/v1/homes/h1/kits/other', given);
    expect(elsewhere.status).toBe(422);
  });

  test('in a newer version changes, adds and removes; what people have changed is kept', async () => {
    await api.put(at, given);
    await api.patch('/v1/homes/h1/twins/cosy', { settings: { transitionMs: 2_000 } });
    await api.patch('/v1/homes/h1/twins/fan', { settings: { overloadWatts: 900 } });
    await api.put('/v1/homes/h1/rules/bath-cosy', {
      definition: { rule: 'bath-cosy', triggers: [{ every: '1h' }], actions: [{ stop: true }] },
    });
    expect(await states()).toMatchObject({ cosy: 'there', fan: 'changed', 'bath-cosy': 'changed' });
    const newer = KIT.replace('version: "1"', 'version: "2"')
      .replace('overloadWatts: 500', 'overloadWatts: 600')
      .replace(
        'bathroom: { kind: room }',
        'bathroom: { kind: room, name: Bath }\n  pump: { kind: relay }',
      )
      .replace(/ {2}- rule: bath-cosy[\s\S]*?cosy \}\]\n/, '')
      .replace('path: reported.contact, to: false }]', 'path: reported.contact, to: !input shut }]')
      // Blueprint and values together: with the former values it would be another rule
      .replace(
        '{ what: { type: twin } }',
        '{ what: { type: twin }, shut: { type: boolean, default: false } }',
      )
      .replace('{ what: !input window }', '{ what: !input window, shut: true }');
    const { status, body } = await api.put(at, { ...given, source: newer });
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: '2', phase: 'installed' });
    expect(await states()).toEqual({
      'old-lamp': 'existing',
      bathroom: 'there',
      pump: 'there',
      cosy: 'there',
      fan: 'changed',
      opened: 'there',
      'bath-open': 'there',
      'bath-cosy': 'left',
    });
    expect((await api.get('/v1/homes/h1/twins/fan')).body).toMatchObject({
      settings: { overloadWatts: 900 },
    });
    expect((await api.get('/v1/homes/h1/twins/bathroom')).body).toMatchObject({ name: 'Bath' });
    expect((await api.get('/v1/homes/h1/rules/bath-open')).body).toMatchObject({
      definition: { triggers: [{ to: [true] }] },
      blueprint: { edition: 2 },
    });
    // What it no longer brings goes, unless somebody has changed it
    const least = newer.replace('\n  pump: { kind: relay }', '');
    await api.put(at, { ...given, source: least });
    expect((await api.get('/v1/homes/h1/twins/pump')).status).toBe(404);
    expect((await api.get('/v1/homes/h1/rules/bath-cosy')).status).toBe(200);
    expect((await api.delete(at)).status).toBe(204);
    expect((await twins()).map(({ id }) => id)).toEqual(['bath-cosy', 'old-lamp', 'window']);
  });

  test('is not removed from under the rules of others, unless forced', async () => {
    await api.put(at, given);
    const rule = {
      rule: 'mine',
      triggers: [{ every: '1h' }],
      actions: [{ set: { twin: 'fan', desired: { on: true } } }],
    };
    await api.put('/v1/homes/h1/rules/mine', { definition: rule });
    await api.put('/v1/homes/h1/rules/theirs', { blueprint: 'opened', inputs: { what: 'window' } });
    const refused = await api.delete(at);
    expect(refused.status).toBe(409);
    expect(refused.body.errors).toEqual([
      { path: 'rules.mine', message: 'uses "fan"' },
      { path: 'rules.theirs', message: 'uses "fan"' },
      { path: 'rules.theirs', message: 'uses "opened"' },
    ]);
    const dropped = KIT.replace(/ {2}fan: \{.*\n/, '').replace(', fan: { on: false }', '');
    const answer = await api.put(at, { ...given, source: dropped });
    expect(JSON.stringify(answer.body.errors)).toContain('which the kit no longer brings');
    expect((await api.delete(`${at}?force=true`)).status).toBe(204);
    expect((await twins()).map(({ id }) => id)).toEqual(['mine', 'old-lamp', 'theirs', 'window']);
    expect((await api.get('/v1/homes/h1/rules/theirs')).body).toMatchObject({ blueprint: null });
  });

  test('cut off at any step goes on, and comes to the same', async () => {
    await api.put(at, given);
    const whole = (await twins()).map(({ id }) => id);
    await api.delete(at);
    const all = await stepsOf(() => api.put(at, given));
    await api.delete(at);
    for (let step = 2; step < all; step++) {
      let seen = 0;
      {
        using _ = killedAt(() => ++seen > step);
        expect((await api.put(at, given)).status).toBe(500);
      }
      const half = await api.get(at);
      if (half.status === 200) expect(half.body.phase).not.toBe('installed');
      expect((await api.put(at, given)).body).toMatchObject({ phase: 'installed' });
      expect((await twins()).map(({ id }) => id)).toEqual(whole);
      expect(Object.values(await states()).filter((one) => one === 'changed')).toEqual([]);
      await api.delete(at);
    }
  });

  test('half removed is finished by the next DELETE, and cannot be installed meanwhile', async () => {
    const before = await twins();
    await api.put(at, given);
    const { engine } = api;
    const { deleteTwin } = engine;
    engine.deleteTwin = () => Promise.reject(new Error('killed'));
    expect((await api.delete(at)).status).toBe(500);
    engine.deleteTwin = deleteTwin;
    expect((await api.get(at)).body).toMatchObject({ phase: 'removing' });
    expect((await api.put(at, given)).status).toBe(409);
    expect((await api.delete(at)).status).toBe(204);
    expect(await twins()).toEqual(before);
  });

  test('of the cookbook is installed, works, and goes', async () => {
    await api.post('/v1/homes/h1/twins', { id: 'light', kind: 'relay' });
    const before = await twins();
    const bathroom = '/v1/homes/h1/kits/bathroom-kit';
    const body = { source: BATHROOM, inputs: { window: 'window', light: 'light', damp: 75 } };
    expect((await api.post('/v1/homes/h1/kits/check', body)).body).toMatchObject({
      ok: true,
      problems: [],
    });
    expect((await api.put(bathroom, body)).status).toBe(201);
    const report = (id: string, event: object) =>
      api.post(`/v1/homes/h1/twins/${id}/events`, { type: 'telemetry', ...event });
    await report('bath-air', { humidity: 60 });
    // It is night; and what the kit wanted at first holds for its own occasion
    await api.patch('/v1/homes/h1/twins/bath-quiet/desired', { override: 'off' });
    api.clock.advance(2_000);
    await report('bath-air', { humidity: 80 });
    expect((await api.get('/v1/homes/h1/twins/bath-fan')).body).toMatchObject({
      desired: { on: true },
    });
    expect((await api.delete(bathroom)).status).toBe(204);
    expect(await twins()).toEqual(before);
  });

  test('of the guide can be installed', async () => {
    const guide = readFileSync(
      new URL('../../../docs/blueprints-and-kits.md', import.meta.url),
      'utf8',
    );
    const [, source] = /```yaml\n# bathroom\.yaml\n([\s\S]*?)```/.exec(guide) ?? [];
    await api.post('/v1/homes/h1/twins', { id: 'hall-lamp', kind: 'relay' });
    const checked = await api.post('/v1/homes/h1/kits/check', {
      source,
      inputs: { window: 'window' },
    });
    expect(checked.body).toMatchObject({ ok: true, problems: [] });
  });

  test('cannot be told anything past its own address', async () => {
    await api.put(at, given);
    const forged = { type: 'kit.installed', parts: [] };
    expect((await api.post('/v1/homes/h1/twins/bath/events', forged)).body).toMatchObject({
      code: 'unknown-event',
    });
    expect((await api.get('/v1/homes/h1/kits/window')).status).toBe(404);
    const taken = KIT.replace('kit: bath', 'kit: window');
    expect((await api.put('/v1/homes/h1/kits/window', { ...given, source: taken })).status).toBe(
      409,
    );
  });
});

async function stepsOf(work: () => Promise<unknown>): Promise<number> {
  let steps = 0;
  using _ = killedAt(() => {
    steps++;
    return false;
  });
  await work();
  return steps;
}
