import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { ApiBench, TOKEN } from './http/testing/api-bench.ts';
import { createLogger } from './logging.ts';

const ADA = 'ada@example.org';
const PASSWORD = 'correct horse battery staple';
const WRONG = 'a wrong and yet secret password';

/** A logger as the program has it, and all that it wrote. */
function logged() {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { logger: createLogger('trace', stream), text: () => text };
}

it('no line of the log holds a password, token, code or secret, whatever goes wrong', async () => {
  const { logger, text } = logged();
  await using api = await ApiBench.open({ server: { logger } });
  await api.furnish();
  const nobody = { token: null };

  const ada = await api.person(ADA);
  const code = String(api.letters.at(-1)?.values['code']);
  await api.post('/v1/auth/login', { email: ADA, password: WRONG }, nobody);
  const login = await api.post('/v1/auth/login', { email: ADA, password: PASSWORD }, nobody);
  const refreshed = await api.post('/v1/auth/refresh', { refreshToken: ada.refreshToken }, nobody);
  await api.post('/v1/auth/forgot', { email: ADA }, nobody);
  const reset = String(api.letters.at(-1)?.values['code']);
  const key = await api.post('/v1/homes/h1/keys', { name: 'k', scopes: ['home.read'] });
  await api.get('/v1/homes', { token: `${ada.token}x` });
  await api.get('/v1/homes', { token: 'hsk_a-key-that-is-none' });
  await api.app.inject({ url: `/v1/homes?access_token=${TOKEN}` });
  await api.app.inject({
    method: 'POST',
    url: '/v1/auth/login',
    headers: { 'content-type': 'application/json' },
    payload: `{"email": "${ADA}", "password": "${PASSWORD}",,}`,
  });

  // As drivers do: the failure carries what was asked of it
  api.identity.people.login = async (given) => {
    throw Object.assign(new Error('a fault of ours'), { ...given, request: { ...given } });
  };
  const crashed = await api.post('/v1/auth/login', { email: ADA, password: PASSWORD }, nobody);
  expect(crashed.status).toBe(500);
  expect(text()).toContain('a fault of ours');
  expect(text()).toContain('"path":"/v1/auth/refresh"');

  const { tokens } = login.body as { tokens: { accessToken: string; refreshToken: string } };
  const secrets = [
    ...[TOKEN, PASSWORD, WRONG, reset, ada.token, ada.refreshToken, 'a-key-that-is-none'],
    ...[tokens.accessToken, tokens.refreshToken, key.body.secret, refreshed.body.accessToken],
    refreshed.body.refreshToken,
  ].map(String);
  expect(secrets.filter((secret) => secret === 'undefined' || text().includes(secret))).toEqual([]);
  // Six figures stand in every time of day
  expect(text()).not.toMatch(new RegExp(`\\b${code}\\b`));
});
