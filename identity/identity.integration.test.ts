/** The same on both stores; what the routes make of it is tested there. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../engine/model/manual-clock.ts';
import { type Identity, openIdentityDatabase } from './index.ts';
import { ProviderIdentities } from './providers/provider-identities.ts';
import { openIdentity, STORES } from './testing/open-identity.ts';

const PASSWORD = 'correct horse battery staple';
const here = { address: '127.0.0.1' };
const owner = { role: 'member', twins: [], until: null } as const;

describe.each(STORES)('identity on %s', (_store, makeDatabase) => {
  let database: { url: string } & AsyncDisposable;
  let identity: Identity;
  let clock: ManualClock;
  let letters: { email: string; name: string; values: Record<string, unknown> }[];

  const open = () =>
    openIdentity(clock, {
      url: database.url,
      write: ({ email }, name, values) => letters.push({ email, name, values }),
    });
  /** Stops it and starts it again, on the same database. */
  const restart = async () => {
    await identity[Symbol.asyncDispose]();
    identity = await open();
  };
  const make = (email: string, isAdmin = false) =>
    identity.people.make({ email, password: PASSWORD, name: 'Ada', language: 'en', isAdmin });
  let people = 0;
  const anybody = async () => {
    const person = await make(`person-${++people}@example.org`);
    return { person, grant: await identity.people.signIn(person, here) };
  };

  beforeAll(async () => {
    database = await makeDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(async () => {
    clock = new ManualClock();
    letters = [];
    identity = await open();
  });
  afterEach(() => identity[Symbol.asyncDispose]());

  test('an account comes of a letter’s code, and one address has one', async () => {
    const email = 'Ada.Lovelace@Example.org';
    const registration = { email, password: PASSWORD, name: 'Ada', language: 'de' };
    const attempts = [
      await identity.registrations.register(registration, here),
      await identity.registrations.register(registration, here),
    ];
    const codes = letters.map(({ values }) => String(values['code']));
    const verified = await Promise.allSettled(
      attempts.map((attempt, n) => identity.registrations.verify(attempt, codes[n] ?? '', here)),
    );
    expect(verified.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { person } = await identity.people.login(
      { email: 'ada.lovelace@example.org', password: PASSWORD },
      here,
    );
    expect(person).toMatchObject({ email, language: 'de', isAdmin: false, hasPassword: true });
    await expect(make('ADA.LOVELACE@example.org')).rejects.toMatchObject({ code: 'conflict' });
  });

  test('of two who use a refresh token at once both may go on for a moment, and one is found out', async () => {
    const { grant } = await anybody();
    const both = await Promise.all(
      [1, 2].map(() => identity.sessions.refresh(grant.refreshToken, null)),
    );
    const uses = await Promise.allSettled(
      both.map(({ refreshToken }) => identity.sessions.refresh(refreshToken, null)),
    );
    expect(uses.some(({ status }) => status === 'rejected')).toBe(true);
    expect(await identity.sessions.isEnded(grant.session)).toBe(true);
  });

  test('a session that was ended stays so over a restart, until its access tokens are old', async () => {
    const { grant } = await anybody();
    await identity.sessions.end(grant.session, 'signed out');
    await restart();
    expect(await identity.principalOf(grant.accessToken)).toBeNull();
    const { grant: other, person } = await anybody();
    await restart();
    expect(await identity.principalOf(other.accessToken)).toMatchObject({ person: person.id });
  });

  test('who is locked is signed out, cannot sign in, and has no way by a letter', async () => {
    const { person, grant } = await anybody();
    const { email } = person;
    await identity.directory.lock(person.id, true);
    expect(await identity.principalOf(grant.accessToken)).toBeNull();
    await expect(identity.sessions.refresh(grant.refreshToken, null)).rejects.toThrow();
    await expect(identity.people.login({ email, password: PASSWORD }, here)).rejects.toThrow();
    await identity.passwordResets.ask(email);
    expect(letters).toEqual([]);
    await identity.directory.lock(person.id, false);
    await identity.people.login({ email, password: PASSWORD }, here);
  });

  test('people are found by how their address begins, page by page', async () => {
    for (const name of ['Emil', 'emily', 'emma', 'eve']) await make(`${name}@page.example`);
    const page = (after: { createdAt: number; id: string } | null) =>
      identity.directory.list({ emailPrefix: 'EMI' }, { limit: 1, after });
    const [first] = await page(null);
    const [second] = await page(first ?? null);
    expect([first?.email, second?.email].sort()).toEqual([
      'Emil@page.example',
      'emily@page.example',
    ]);
    expect(await page(second ?? null)).toEqual([]);
    const one = { email: 'EVE@page.example' };
    expect(await identity.directory.list(one, { limit: 9, after: null })).toHaveLength(1);
  });

  test('of two who link the same sign-in at once, one has it', async () => {
    const two = await Promise.all([anybody(), anybody()]);
    const beside = openIdentityDatabase(database.url);
    const identities = new ProviderIdentities(beside, clock);
    const vouched = {
      ...{ issuer: 'https://provider.example/', subject: 'ada', email: null, name: null },
      ...{ isEmailVerified: false, language: 'en' as const },
    };
    const linked = await Promise.allSettled(
      two.map(({ person }) => identities.add(beside, vouched, person.id)),
    );
    expect(linked.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const owner = (await identities.personOf(vouched)) ?? '';
    expect(await identities.listOf(owner)).toMatchObject([{ subject: 'ada' }]);
    await identity.people.remove(owner);
    expect(await identities.personOf(vouched)).toBeNull();
    await beside.destroy();
  });

  test('of several who make a home at once, one owns it', async () => {
    const all = await Promise.all([anybody(), anybody(), anybody()]);
    const founded = await Promise.all(
      all.map(({ person }) => identity.memberships.found('nest', person.id)),
    );
    expect(founded.filter(Boolean)).toHaveLength(1);
    const members = await identity.memberships.membersOf('nest');
    expect(members).toMatchObject([{ role: 'owner' }]);
    const first = members[0]?.person ?? '';
    const [next] = all.filter(({ person }) => person.id !== first);
    await identity.memberships.add('nest', next?.person.id ?? '', owner, first);
    await identity.memberships.transfer('nest', next?.person.id ?? '', 'admin');
    expect(
      (await identity.memberships.membersOf('nest')).map(({ person, role }) => [person, role]),
    ).toEqual([
      [next?.person.id, 'owner'],
      [first, 'admin'],
    ]);
  });

  test('of two who take an invitation at once, one gets in', async () => {
    const two = await Promise.all([anybody(), anybody()]);
    const { code } = await identity.invitations.make('shed', owner, { email: null, by: 'x' });
    const taken = await Promise.allSettled(
      two.map(({ person }) => identity.invitations.accept(code, person.id)),
    );
    expect(taken.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await identity.memberships.membersOf('shed')).toHaveLength(1);
  });

  test('a home has a hundred invitations that nobody has taken, and one less is room for another', async () => {
    const invite = () => identity.invitations.make('shed', owner, { email: null, by: 'x' });
    const { invitation } = await invite();
    for (let n = 1; n < 100; n++) await invite();
    await expect(invite()).rejects.toMatchObject({
      code: 'quota-exceeded',
      quota: { quota: 'invitations', limit: 100, used: 100 },
    });
    await identity.invitations.withdraw('shed', invitation.id);
    await invite();
    clock.advance(7 * 24 * 60 * 60_000);
    await invite();
    expect(await identity.invitations.list('shed')).toHaveLength(1);
  });

  test('a key is known by its secret, over a restart, until it is revoked', async () => {
    const { key, secret } = await identity.keys.make(
      { home: 'nest', name: 'Key', scopes: ['twin.read'], expiresAt: null },
      'test',
    );
    await restart();
    expect(await identity.principalOf(secret)).toMatchObject({ type: 'key', key: key.id });
    expect((await identity.keys.list('nest'))[0]).toMatchObject({ usedAt: clock.now() });
    await identity.keys.revoke('nest', key.id);
    expect(await identity.principalOf(secret)).toBeNull();
    await restart();
    expect(await identity.principalOf(secret)).toBeNull();
  });

  test('what was done is told newest first, page by page, and forgotten in time', async () => {
    const deed = { address: null, target: null, detail: null, correlation: 'c' };
    for (let n = 0; n < 5; n++) {
      const action = `test.${n}`;
      identity.audit.record({ ...deed, home: 'nest', who: 'admin', action, outcome: 'done' });
      clock.advance(1_000);
    }
    const first = await identity.audit.list('nest', {}, { limit: 3, before: null });
    expect(first.map(({ action }) => action)).toEqual(['test.4', 'test.3', 'test.2']);
    const before = first.at(-1)?.position ?? null;
    const next = await identity.audit.list('nest', {}, { limit: 3, before });
    expect(next.map(({ action }) => action)).toEqual(['test.1', 'test.0']);
    await identity.audit.tidy(clock.now() - 2_500);
    expect(await identity.audit.list('nest', {}, { limit: 9, before: null })).toHaveLength(2);
  });

  test('what is of no use any more is removed in time', async () => {
    const late = { email: 'late@example.org', password: PASSWORD, name: 'Late', language: 'en' };
    await identity.registrations.register(late, here);
    const { grant, person } = await anybody();
    await identity.sessions.end(grant.session, 'signed out');
    clock.advance(31 * 24 * 60 * 60_000);
    await identity.tidy(400);
    expect(await identity.sessions.listOf(person.id)).toEqual([]);
    await expect(identity.sessions.refresh(grant.refreshToken, null)).rejects.toMatchObject({
      code: 'bad-credentials',
    });
  });

  test('sessions that ended long ago are forgotten', async () => {
    const { grant, person } = await anybody();
    await identity.sessions.end(grant.session, 'signed out');
    clock.advance(1_000);
    await identity.sessions.tidy(clock.now());
    expect(await identity.sessions.listOf(person.id)).toEqual([]);
    await expect(identity.sessions.refresh(grant.refreshToken, null)).rejects.toMatchObject({
      code: 'bad-credentials',
    });
  });
});
