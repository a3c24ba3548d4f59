import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../engine/model/manual-clock.ts';
import type { Identity } from '../index.ts';
import { openIdentity } from '../testing/open-identity.ts';
import type { ProviderOptions } from './provider.ts';
import { TestProvider } from './testing/test-provider.ts';

const SECRET = 'a-secret-for-tests-of-more-than-32-characters';
const NEXT_SECRET = 'another-secret-for-tests-of-that-length-too';
const APP = 'myapp://signed-in';
const PASSWORD = 'correct horse battery staple';
const here = { address: '127.0.0.1' };
const ADA = { sub: 'ada-there', email: 'ada@example.org', email_verified: true, name: 'Ada L.' };

let provider: TestProvider;
let identity: Identity;
let clock: ManualClock;
let letters: { email: string; name: string; values: Record<string, unknown> }[];
let failures: unknown[];

beforeAll(async () => {
  provider = await TestProvider.open();
});
afterAll(() => provider[Symbol.asyncDispose]());
beforeEach(async () => {
  clock = new ManualClock();
  letters = [];
  failures = [];
  provider.isUnwanted = false;
  provider.hidesKeys = false;
  provider.expect(ADA);
  identity = await open();
});
afterEach(() => identity[Symbol.asyncDispose]());

const open = (jwtSecrets = [SECRET], given: Partial<ProviderOptions> = {}) =>
  openIdentity(clock, {
    jwtSecrets,
    write: ({ email }, name, values) => letters.push({ email, name, values }),
    providers: {
      all: [{ ...provider.options, ...given }],
      callbackOf: () => TestProvider.callback,
      appUrls: [APP, 'https://app.example.org/back'],
      onFailure: (_provider, error) => failures.push(error),
    },
  });
const make = (email: string) =>
  identity.people.make({ email, password: PASSWORD, name: 'Ada', language: 'en', isAdmin: false });

/** An app that begins, and sends its owner to the provider. */
const app = (
  person: string | null = null,
  { returnTo = APP, at = identity, to = provider } = {},
) => {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const begin = () => at.providers.begin('test', { returnTo, challenge }, person);
  const travel = async () => {
    const answer = await to.visit(await begin());
    return new URL(await at.providers.comeBack('test', answer));
  };
  /** @returns what it needs to finish */
  const proof = async () => ({
    code: (await travel()).searchParams.get('code') ?? '',
    verifier,
  });
  return { begin, travel, proof };
};
const signIn = async () => identity.providers.signIn(await app().proof(), here);

describe('somebody new', () => {
  test('gets an account without a password, and comes back to it', async () => {
    provider.expect({ ...ADA, locale: 'de-AT' });
    const first = await signIn();
    expect(first.person).toMatchObject({
      ...{ email: ADA.email, name: 'Ada L.', language: 'de' },
      ...{ hasPassword: false, isAdmin: false },
    });
    expect(await identity.principalOf(first.grant.accessToken)).toMatchObject({
      person: first.person.id,
    });
    // Who it is does not hang on the address
    provider.expect({ sub: ADA.sub, email: 'ada@elsewhere.example', email_verified: false });
    expect((await signIn()).person).toEqual(first.person);
    const [entry] = await identity.audit.list(null, {}, { limit: 1, before: null });
    expect(entry).toMatchObject({
      ...{ action: 'provider.sign-in', who: `person:${first.person.id}` },
      ...{ target: 'provider:test', address: here.address, detail: { isNew: false } },
    });
  });

  test('gets one also from a provider that keeps the address out of its tokens', async () => {
    await using to = await TestProvider.open(false);
    await using at = await open([SECRET], to.options);
    to.expect(ADA);
    const { person } = await at.providers.signIn(await app(null, { at, to }).proof(), here);
    expect(person).toMatchObject({ email: ADA.email, name: 'Ada L.' });
  });

  test.each([
    ['not verified', { sub: 'eve', email: 'eve@example.org', email_verified: false }],
    ['not told', { sub: 'eve' }],
    ['of several mailboxes', { sub: 'eve', email: 'a@b.org,c@d.org', email_verified: true }],
  ])('gets none when the address is %s', async (_what, claims) => {
    provider.expect(claims);
    await expect(signIn()).rejects.toMatchObject({
      code: 'bad-input',
      hint: expect.stringContaining('link Test there') as string,
    });
  });

  test('does not take over the account that an address has', async () => {
    await make('ADA@example.org');
    await expect(signIn()).rejects.toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('Sign in with your password') as string,
    });
    await identity.people.login({ email: ADA.email, password: PASSWORD }, here);
  });

  test('sets a password by letter, for want of one', async () => {
    const { person } = await signIn();
    const change = identity.people.changePassword(
      person.id,
      { current: 'none that I know', next: PASSWORD },
      'session',
    );
    await expect(change).rejects.toMatchObject({ code: 'bad-input' });
    await identity.passwordResets.ask(ADA.email);
    await identity.passwordResets.reset(
      ADA.email,
      String(letters.at(-1)?.values['code']),
      PASSWORD,
    );
    const { person: same } = await identity.people.login(
      { email: ADA.email, password: PASSWORD },
      here,
    );
    expect(same).toMatchObject({ id: person.id, hasPassword: true });
  });
});

test('who is locked is refused as at the login', async () => {
  const { person } = await signIn();
  await identity.directory.lock(person.id, true);
  await expect(signIn()).rejects.toMatchObject({ code: 'bad-credentials' });
});

describe('linking', () => {
  test('takes somebody who is signed in and can sign in there, whatever the addresses', async () => {
    const { id } = await make('lovelace@example.org');
    const linked = await identity.providers.link('test', await app(id).proof(), id);
    expect(linked).toMatchObject([{ name: 'test', label: 'Test', email: ADA.email }]);
    expect(letters).toMatchObject([
      { email: 'lovelace@example.org', name: 'provider-linked', values: { provider: 'Test' } },
    ]);
    expect((await signIn()).person.id).toBe(id);
  });

  test('is for who has begun it', async () => {
    const ada = await make('lovelace@example.org');
    const eve = await make('eve@example.org');
    const { providers } = identity;
    await expect(providers.link('test', await app(ada.id).proof(), eve.id)).rejects.toThrow('code');
    await expect(providers.signIn(await app(ada.id).proof(), here)).rejects.toThrow('code');
    await expect(providers.link('test', await app().proof(), ada.id)).rejects.toThrow('code');
    expect(await providers.linkedTo(eve.id)).toEqual([]);
  });

  test('takes nothing from somebody else, and tells once', async () => {
    const { person } = await signIn();
    const eve = await make('eve@example.org');
    const { providers } = identity;
    await expect(providers.link('test', await app(eve.id).proof(), eve.id)).rejects.toMatchObject({
      code: 'conflict',
    });
    await providers.link('test', await app(person.id).proof(), person.id);
    expect(letters).toEqual([]);
  });

  test('can be undone, but for the last way in', async () => {
    const { person } = await signIn();
    const { providers } = identity;
    await expect(providers.unlink('test', person.id)).rejects.toMatchObject({ code: 'conflict' });
    await identity.passwordResets.ask(ADA.email);
    await identity.passwordResets.reset(
      ADA.email,
      String(letters.at(-1)?.values['code']),
      PASSWORD,
    );
    await providers.unlink('test', person.id);
    expect(await providers.linkedTo(person.id)).toEqual([]);
    await expect(providers.unlink('test', person.id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(signIn()).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('the code that an app gets', () => {
  test('counts with the verifier of who began', async () => {
    const { code, verifier } = await app().proof();
    const stolen = { code, verifier: randomBytes(32).toString('base64url') };
    await expect(identity.providers.signIn(stolen, here)).rejects.toThrow('code');
    await identity.providers.signIn({ code, verifier }, here);
  });

  test('counts once, also for two at the same time', async () => {
    const proof = await app().proof();
    const both = await Promise.allSettled(
      [proof, proof].map((one) => identity.providers.signIn(one, here)),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(identity.providers.signIn(proof, here)).rejects.toThrow('code');
  });

  test('is good for a minute', async () => {
    const proof = await app().proof();
    clock.advance(60_000);
    await expect(identity.providers.signIn(proof, here)).rejects.toThrow('too old');
  });

  test('is none of another server, and no state', async () => {
    const begun = app();
    const state = new URL(await begun.begin()).searchParams.get('state') ?? '';
    const { verifier } = await begun.proof();
    for (const code of [state, 'nonsense', '', 'a.b.c.d.e']) {
      await expect(identity.providers.signIn({ code, verifier }, here)).rejects.toThrow('code');
    }
  });
});

describe('a browser that comes back', () => {
  const comeBack = (answer: { state: string } & Record<string, string>) =>
    identity.providers.comeBack('test', answer);
  const notBegun = { code: 'bad-credentials', hint: 'Go back to the app and begin again.' };

  test('may come with a form', async () => {
    await using at = await open([SECRET], { responseMode: 'form_post' });
    const { person } = await at.providers.signIn(await app(null, { at }).proof(), here);
    expect(person).toMatchObject({ email: ADA.email });
  });

  test('keeps what the app has added to its address', async () => {
    const back = await app(null, { returnTo: 'https://app.example.org/back?tab=2' }).travel();
    expect(back.href).toMatch(/^https:\/\/app\.example\.org\/back\?tab=2&code=/);
  });

  test('goes on while secrets are changed, but not when they are gone', async () => {
    const answer = await provider.visit(await app().begin());
    await using renewed = await open([NEXT_SECRET, SECRET]);
    expect(await renewed.providers.comeBack('test', answer)).toContain('code=');
    await using changed = await open([NEXT_SECRET]);
    await expect(changed.providers.comeBack('test', answer)).rejects.toMatchObject(notBegun);
  });

  test('after more than ten minutes has to begin again', async () => {
    const answer = await provider.visit(await app().begin());
    clock.advance(10 * 60_000);
    await expect(comeBack(answer)).rejects.toMatchObject(notBegun);
  });

  test('brings nothing that was begun with another provider, or not here', async () => {
    const { state, ...rest } = await provider.visit(await app().begin());
    await using other = await open([SECRET], { name: 'other' });
    await expect(other.providers.comeBack('other', { ...rest, state })).rejects.toMatchObject(
      notBegun,
    );
    await expect(comeBack({ ...rest, state: `${state}x` })).rejects.toMatchObject(notBegun);
  });

  test('who did not want to is told from who was refused', async () => {
    provider.isUnwanted = true;
    expect((await app().travel()).href).toBe(`${APP}?error=cancelled`);
    expect(failures).toEqual([]);
  });

  test('with a code that is forged, or somebody else’s, is refused', async () => {
    const mine = await provider.visit(await app().begin());
    expect(await comeBack({ ...mine, code: 'forged' })).toBe(`${APP}?error=refused`);
    const { code = '' } = await provider.visit(await app().begin());
    expect(await comeBack({ ...mine, code })).toBe(`${APP}?error=refused`);
    expect(failures).toHaveLength(2);
  });

  test('with a token that was made for another sign-in is refused', async () => {
    const start = new URL(await app().begin());
    start.searchParams.set('nonce', 'another');
    const answer = await provider.visit(start.href);
    expect(await comeBack(answer)).toBe(`${APP}?error=refused`);
    expect(String(failures[0])).toContain('JWT claim');
  });

  test('with a token that is not signed by the provider is refused', async () => {
    provider.hidesKeys = true;
    expect((await app().travel()).href).toBe(`${APP}?error=refused`);
    provider.hidesKeys = false;
    await using at = await open();
    expect((await app(null, { at }).travel()).href).toContain('code=');
  });

  test('is told that the provider went away meanwhile', async () => {
    const answer = await provider.visit(await app().begin());
    await provider.pause();
    expect(await comeBack(answer)).toBe(`${APP}?error=unavailable`);
    await provider.resume();
    expect(failures).toHaveLength(1);
  });
});

test('a secret in a file is renewed while the server runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-provider-'));
  const file = join(folder, 'secret');
  await using at = await open([SECRET], { clientSecret: { file } });
  await writeFile(file, 'one that has ended');
  expect((await app(null, { at }).travel()).href).toBe(`${APP}?error=refused`);
  await writeFile(file, `${String(provider.options.clientSecret)}\n`);
  expect((await app(null, { at }).travel()).href).toContain('code=');
  await rm(folder, { recursive: true });
});

describe('beginning', () => {
  test('says that a provider is away, and works when it is back', async () => {
    await provider.pause();
    const away = { code: 'unavailable', message: 'Test does not answer at the moment' };
    await expect(app().begin()).rejects.toMatchObject(away);
    await provider.resume();
    await expect(app().begin()).resolves.toContain(provider.options.issuer);
    expect(failures).toHaveLength(1);
  });

  test.each([
    'https://evil.example/',
    'myapp://signed-in/elsewhere',
    'https://app.example.org/',
    'https://app.example.org/back/../other',
    'https://app.example.org@evil.example/back',
    'https://user@app.example.org/back',
    'https://app.example.org:444/back',
    'http://app.example.org/back',
    'https://app.example.org/back#code',
    'javascript:alert(1)',
    '/back',
    '',
  ])('sends nobody on to %s', async (returnTo) => {
    await expect(app(null, { returnTo }).begin()).rejects.toMatchObject({ code: 'bad-input' });
  });

  test('is with one of those that there are', async () => {
    expect(identity.providers.list()).toEqual([{ name: 'test', label: 'Test' }]);
    const begun = identity.providers.begin('nobody', { returnTo: APP, challenge: '' }, null);
    await expect(begun).rejects.toMatchObject({ code: 'not-found' });
  });
});
