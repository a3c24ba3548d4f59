import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context as RuleContext } from '../../features/rules/kind/context.ts';
import { ApiBench, EDGE } from '../http/testing/api-bench.ts';

const RULE = `rule: bell
mode: parallel
most: 50
triggers:
  - { webhook: rung, where: "!has(trigger.body.quiet)" }
actions:
  - let: { said: "\${trigger.body}" }
  - set: { twin: l1, desired: { on: true } }
  - delay: 1h
`;
const BELL = '/v1/hooks/h1/bell/rung';
const HOOK = '/v1/homes/h1/rules/bell/hooks/rung/secret';

interface Made {
  hook: string;
  url: string;
  secret: string;
}

let api: ApiBench;
let secret: string;
beforeEach(async () => {
  api = await ApiBench.open({
    server: { edge: { ...EDGE, limits: { ...EDGE.limits, signIn: 20, hookRequests: 12 } } },
  });
  await api.furnish();
  const made = await api.put('/v1/homes/h1/rules/bell', { source: RULE });
  expect(made.status).toBe(201);
  secret = ((await api.post(HOOK, {})).body as unknown as Made).secret;
});
afterEach(() => api[Symbol.asyncDispose]());

const call = (path: string, given: Parameters<ApiBench['call']>[2] = {}) =>
  api.call('POST', path, { token: null, ...given });
const runs = async () => (await api.get('/v1/homes/h1/rules/bell')).body as { runs: number };
const said = async () => {
  const reading = await api.engine.readTwin({ home: 'h1', twin: 'bell' });
  const context = reading?.row.state.context as unknown as RuleContext | undefined;
  return context?.memory.runs.map(({ vars }) => vars.said);
};

describe('a webhook of a rule', () => {
  test('is called with its secret, and the rule has what was sent', async () => {
    const answers = [
      await call(BELL, { token: secret, body: { door: 'front' } }),
      await call(BELL, {
        headers: { 'x-hook-secret': secret },
        raw: { type: 'application/x-www-form-urlencoded', text: 'door=back&door=side&__proto__=x' },
      }),
      await call(`${BELL}?secret=${secret}`, { raw: { type: 'text/plain', text: 'ding' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(answers[0]?.body).toMatchObject({ status: 'accepted' });
    expect(await said()).toEqual([{ door: 'front' }, { door: 'side' }, 'ding']);
    expect((await api.get('/v1/homes/h1/twins/l1')).body).toMatchObject({ desired: { on: true } });
  });

  test('does nothing where its "where" is not true', async () => {
    const answer = await call(BELL, { token: secret, body: { quiet: true } });
    expect(answer.status).toBe(202);
    expect(await runs()).toMatchObject({ runs: 0 });
  });

  test('does nothing twice for one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'ring-1' };
    const first = await call(BELL, { token: secret, headers, body: { n: 1 } });
    const again = await call(BELL, { token: secret, headers, body: { n: 1 } });
    expect(first.body).toMatchObject({ status: 'accepted' });
    expect(again.status).toBe(202);
    expect(again.body).toMatchObject({ status: 'duplicate' });
    expect(await runs()).toMatchObject({ runs: 1 });
  });

  test('says the same to whoever has no secret for it, whether it is there or not', async () => {
    const other = await api.put('/v1/homes/h1/rules/other', {
      source: RULE.replace('rule: bell', 'rule: other'),
    });
    expect(other.status).toBe(201);
    const elsewhere = (await api.post('/v1/homes/h1/rules/other/hooks/rung/secret', {}))
      .body as unknown as Made;
    const answers = [
      await call(BELL),
      await call(BELL, { token: 'hsh_wrong' }),
      await call(BELL, { token: elsewhere.secret }),
      await call('/v1/hooks/h1/none/rung', { token: elsewhere.secret }),
      await call('/v1/hooks/none/none/none', { token: elsewhere.secret }),
      await call('/v1/hooks/none/none/none'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
    const [{ detail }] = answers.map(({ body }) => body) as [{ detail: string }];
    for (const { body } of answers) expect(body).toMatchObject({ code: 'unauthorized', detail });
    expect(await runs()).toMatchObject({ runs: 0 });
  });

  test('opens nothing else with its secret', async () => {
    for (const path of ['/v1/homes', '/v1/homes/h1/rules/bell', '/v1/homes/h1/twins/l1']) {
      expect((await api.call('GET', path, { token: secret })).status).toBe(401);
    }
    // In the address it counts at webhooks only
    expect((await api.call('GET', `/v1/homes?secret=${secret}`, { token: null })).status).toBe(401);
  });

  test('is not called by looking at it', async () => {
    const looked = await api.app.inject({ url: `${BELL}?secret=${secret}` });
    expect(looked.statusCode).toBe(405);
    expect((await api.app.inject({ url: BELL })).statusCode).toBe(401);
    expect(await runs()).toMatchObject({ runs: 0 });
  });

  test('ends its former secret with a new one, and all with the revocation', async () => {
    const renewed = (await api.post(HOOK, {})).body as unknown as Made;
    expect(renewed).toMatchObject({ hook: 'rung', url: `http://localhost:80${BELL}` });
    expect((await call(BELL, { token: secret })).status).toBe(401);
    expect((await call(BELL, { token: renewed.secret })).status).toBe(202);
    const listed = await api.get('/v1/homes/h1/rules/bell/hooks');
    expect(listed.body).toMatchObject({
      items: [{ hook: 'rung', secretMadeAt: expect.any(String) }],
    });
    expect(JSON.stringify(listed.body)).not.toContain(renewed.secret);
    expect((await api.delete(HOOK)).status).toBe(204);
    expect((await api.delete(HOOK)).status).toBe(404);
    expect((await call(BELL, { token: renewed.secret })).status).toBe(401);
    const { items } = (await api.get('/v1/homes/h1/audit')).body as {
      items: { action: string; target: string; who: string }[];
    };
    expect(items.filter(({ target }) => target === `POST ${HOOK}`)).toHaveLength(2);
    expect(items).toContainEqual(
      expect.objectContaining({ action: 'rules.change', target: `DELETE ${HOOK}` }),
    );
    expect(items).toContainEqual(
      expect.objectContaining({ action: 'hook.call', who: 'hook:h1/bell/rung' }),
    );
    expect(JSON.stringify(items)).not.toContain('hsh_');
  });

  test('that the rule does not have can have no secret, and is gone when the rule loses it', async () => {
    const none = await api.post('/v1/homes/h1/rules/bell/hooks/knocked/secret', {});
    expect(none.status).toBe(404);
    expect(none.body).toMatchObject({ hint: 'It has: rung.' });
    await api.put('/v1/homes/h1/rules/bell', { source: RULE.replace('rung', 'knocked') });
    const gone = await call(BELL, { token: secret });
    expect(gone.status).toBe(404);
  });

  test('takes a call of a disabled rule and does nothing, and knows no deleted one', async () => {
    await api.call('PATCH', '/v1/homes/h1/twins/bell/desired', { body: { enabled: false } });
    expect((await call(BELL, { token: secret })).status).toBe(202);
    expect(await runs()).toMatchObject({ runs: 0 });
    await api.delete('/v1/homes/h1/rules/bell');
    expect((await call(BELL, { token: secret })).status).toBe(401);
    // What comes later under the same name is another rule
    await api.put('/v1/homes/h1/rules/bell', { source: RULE });
    expect((await call(BELL, { token: secret })).status).toBe(401);
  });

  test('refuses what is too large, too deep or of another type', async () => {
    const big = await call(BELL, { token: secret, body: { text: 'x'.repeat(65 * 1024) } });
    expect(big.status).toBe(413);
    const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    const answer = await call(BELL, {
      token: secret,
      raw: { type: 'application/json', text: deep },
    });
    expect(answer.status).toBe(400);
    const odd = await call(BELL, { token: secret, raw: { type: 'image/png', text: 'x' } });
    expect(odd.status).toBe(415);
    expect(await runs()).toMatchObject({ runs: 0 });
  });

  test('ends what a run waits for', async () => {
    const source = `rule: bell
triggers: [{ webhook: rung }]
actions:
  - wait: { for: { webhook: opened, where: trigger.body.by == "key" }, timeout: 5m }
  - set: { twin: l1, desired: { on: "\${vars.wait != null}" } }
`;
    await api.put('/v1/homes/h1/rules/bell', { source });
    const opened = (await api.post('/v1/homes/h1/rules/bell/hooks/opened/secret', {}))
      .body as unknown as Made;
    await call(BELL, { token: secret });
    await call('/v1/hooks/h1/bell/opened', { token: opened.secret, body: { by: 'hand' } });
    expect((await api.get('/v1/homes/h1/rules/bell')).body).toMatchObject({ running: 1 });
    await call('/v1/hooks/h1/bell/opened', { token: opened.secret, body: { by: 'key' } });
    expect((await api.get('/v1/homes/h1/rules/bell')).body).toMatchObject({
      ...{ runs: 1, running: 0, lastOutcome: 'finished' },
    });
  });

  test('is limited by itself, and whoever guesses by the address', async () => {
    const statuses = new Set<number>();
    for (let n = 0; n < 13; n++) statuses.add((await call(BELL, { token: secret })).status);
    expect(statuses).toEqual(new Set([202, 429]));
    const guesses: number[] = [];
    for (let n = 0; n < 22; n++)
      guesses.push((await call(BELL, { token: `hsh_guess${n}` })).status);
    expect(guesses.slice(0, 20)).toEqual(Array(20).fill(401));
    expect(guesses.slice(20)).toEqual([429, 429]);
  });
});

describe('secrets of a home', () => {
  test('are set, listed by name and removed, and never shown', async () => {
    const path = '/v1/homes/h1/secrets/token';
    expect((await api.put(path, { value: 's3cret-of-the-service' })).status).toBe(204);
    expect((await api.put(path, { value: 'another-value' })).status).toBe(204);
    expect((await api.put('/v1/homes/h1/secrets/to-ken', { value: 'x' })).status).toBe(400);
    const listed = await api.get('/v1/homes/h1/secrets');
    expect(listed.body).toEqual({ items: [{ name: 'token', setAt: expect.any(String) }] });
    const { secrets } = api.identity;
    expect(await secrets.open('h1', 'token')).toBe('another-value');
    expect(await secrets.open('h2', 'token')).toBeNull();
    expect((await api.delete(path)).status).toBe(204);
    expect((await api.delete(path)).status).toBe(404);
    expect(await secrets.open('h1', 'token')).toBeNull();
  });
});
