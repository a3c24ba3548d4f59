import { randomNonce, randomPKCECodeVerifier } from 'openid-client';
import type { Audit } from '../audit/audit.ts';
import { IdentityError } from '../errors.ts';
import type { Write } from '../mail/templates.ts';
import type { Person } from '../people/accounts.ts';
import { holdPerson } from '../people/hold-person.ts';
import type { People } from '../people/people.ts';
import type { Registrations } from '../people/registrations.ts';
import { isSecret } from '../secrets.ts';
import type { From, Grant } from '../sessions/sessions.ts';
import { atomically } from '../store/atomically.ts';
import type { IdentityDatabase } from '../store/open.ts';
import type { ProviderIdentityRow } from '../store/tables.ts';
import { type Journey, Provider, type ProviderOptions, type Vouched } from './provider.ts';
import { ProviderIdentities } from './provider-identities.ts';
import { Seal } from './seal.ts';

/** The providers at which people may sign in, and the apps that they come from. */
export interface ProviderSettings {
  all: readonly ProviderOptions[];
  /** Where a provider sends browsers back to, as it is registered there. */
  callbackOf: (provider: string) => string;
  /** Addresses of apps that browsers are sent on to; an app may add a query. */
  appUrls: readonly string[];
  /** A provider is away, or what it says does not hold. Who signs in is told less. */
  onFailure: (provider: string, error: unknown) => void;
}

export interface ProvidersOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  newId: () => string;
  /** The first seals, all open. */
  secrets: readonly string[];
  people: People;
  registrations: Registrations;
  audit: Audit;
  write: Write;
  /** Null: people sign in with passwords only. */
  settings: ProviderSettings | null;
}

/** What an app begins with: where it is to be found, and the SHA-256 of what it keeps to itself. */
export interface Beginning {
  returnTo: string;
  challenge: string;
}

/** What it finishes with: what came back to it, and what it kept. */
export interface Proof {
  code: string;
  verifier: string;
}

/** Somebody’s way in with a provider. */
export interface LinkedProvider {
  name: string;
  label: string;
  email: string | null;
  linkedAt: number;
}

/** Travels by the provider, as `state`. */
interface Begun extends Omit<Journey, 'state'>, Beginning {
  provider: string;
  /** Who wants to link; null: somebody wants to come in. */
  person: string | null;
}

/** Travels by the app, as `code`. */
interface Returned {
  id: string;
  provider: string;
  vouched: Vouched;
  challenge: string;
  person: string | null;
}

const MINUTE_MS = 60_000;
/** How long a sign-in at a provider may take: people may have to look for their password there. */
const JOURNEY_MS = 10 * MINUTE_MS;
const CODE_MS = MINUTE_MS;

/**
 * Signing in with others, by OpenID Connect:
 *
 *     app ─ begin ─▶ here ─▶ browser at the provider ─ comeBack ─▶ here ─▶ browser at the app
 *     app ─ signIn, or link for who is signed in ─▶ here
 *
 * Only the app that began can finish, as it alone has what the challenge was made from: whoever gets hold
 * of no more than a code, or begins and has somebody else go to the provider, gains nothing.
 */
export class Providers {
  readonly #options: ProvidersOptions;
  readonly #providers: ReadonlyMap<string, Provider>;
  readonly #appUrls: ReadonlySet<string | null>;
  readonly #identities: ProviderIdentities;
  readonly #states: Seal<Begun>;
  readonly #codes: Seal<Returned>;
  /** Codes that have been used, and until when that matters: one engine serves a database. */
  readonly #used = new Map<string, number>();

  constructor(options: ProvidersOptions) {
    const { database, clock, secrets, settings } = options;
    this.#options = options;
    this.#providers = new Map(
      settings?.all.map((one) => [
        one.name,
        new Provider(one, settings.callbackOf(one.name), settings.onFailure),
      ]),
    );
    this.#appUrls = new Set(settings?.appUrls.map(placeOf));
    this.#identities = new ProviderIdentities(database, clock);
    const sealed = { secrets, clock };
    this.#states = new Seal({ ...sealed, purpose: 'state of a sign-in', lastsMs: JOURNEY_MS });
    this.#codes = new Seal({ ...sealed, purpose: 'code of a sign-in', lastsMs: CODE_MS });
  }

  list(): { name: string; label: string }[] {
    return [...this.#providers.values()].map(({ name, label }) => ({ name, label }));
  }

  /**
   * @param person who wants to link it; null: somebody wants to come in
   * @returns the address for the browser
   * @throws IdentityError `not-found`; `bad-input` for an app that is not known; `unavailable`
   */
  async begin(
    name: string,
    { returnTo, challenge }: Beginning,
    person: string | null,
  ): Promise<string> {
    const provider = this.#mustFind(name);
    const place = placeOf(returnTo);
    if (place === null || !this.#appUrls.has(place)) {
      throw new IdentityError('bad-input', `browsers are not sent on to ${returnTo}`, {
        hint: 'The server’s APP_URLS lists the addresses of apps.',
      });
    }
    const [nonce, verifier] = [randomNonce(), randomPKCECodeVerifier()];
    const begun = { provider: name, nonce, verifier, returnTo, challenge, person };
    const state = await this.#states.close(begun);
    return await provider.addressFor({ state, nonce, verifier });
  }

  /**
   * The browser is back from the provider.
   * @returns where it goes on to: the app, with a `code` or an `error`
   * @throws IdentityError `not-found`; `bad-credentials` for what was not begun here, or too long ago
   */
  async comeBack(
    name: string,
    answer: { state: string } & Readonly<Record<string, string>>,
  ): Promise<string> {
    const { state } = answer;
    const provider = this.#mustFind(name);
    const begun = await this.#states.open(state);
    if (begun?.provider !== name) {
      throw new IdentityError('bad-credentials', 'this was not begun here, or too long ago', {
        hint: 'Go back to the app and begin again.',
      });
    }
    const { nonce, verifier, returnTo, challenge, person } = begun;
    const outcome = await provider.redeem(answer, { state, nonce, verifier });
    if ('failure' in outcome) return withQuery(returnTo, 'error', outcome.failure);
    const { vouched } = outcome;
    const id = this.#options.newId();
    const code = await this.#codes.close({ id, provider: name, vouched, challenge, person });
    return withQuery(returnTo, 'code', code);
  }

  /**
   * Signs in, and makes an account for somebody new.
   * @throws IdentityError `bad-credentials`; `conflict` for an address that has an account, which is its
   * owner’s to link; `bad-input` when nobody vouches for the address
   */
  async signIn(proof: Proof, from: From): Promise<{ person: Person; grant: Grant }> {
    const { people, audit } = this.#options;
    const { provider, vouched } = await this.#redeem(proof, null);
    const known = await this.#identities.personOf(vouched);
    const id = known ?? (await this.#welcome(this.#mustFind(provider), vouched));
    const grant = await people.signIn({ id }, from);
    const person = await people.read(id);
    audit.record({
      ...{ home: null, who: `person:${id}`, address: from.address, action: 'provider.sign-in' },
      ...{ target: `provider:${provider}`, outcome: 'done', detail: { isNew: known === null } },
      correlation: grant.session,
    });
    return { person, grant };
  }

  /**
   * Gives somebody who is signed in another way in; a letter tells them.
   * @throws IdentityError `bad-credentials`; `conflict` when it is somebody else’s
   */
  async link(name: string, proof: Proof, person: string): Promise<LinkedProvider[]> {
    const { database, people, write } = this.#options;
    const { label } = this.#mustFind(name);
    const { provider, vouched } = await this.#redeem(proof, person);
    if (provider !== name) throw wrongCode();
    const isNew = await atomically(database, async (writing) => {
      await holdPerson(writing, person);
      return await this.#identities.add(writing, vouched, person);
    });
    if (isNew) write(await people.read(person), 'provider-linked', { provider: label });
    return await this.linkedTo(person);
  }

  /** Those with which somebody can sign in. */
  async linkedTo(person: string): Promise<LinkedProvider[]> {
    return this.#toLinked(await this.#identities.listOf(person));
  }

  /** @throws IdentityError `not-found`; `conflict` for the last way in */
  async unlink(name: string, person: string): Promise<void> {
    const { issuer, label } = this.#mustFind(name);
    await atomically(this.#options.database, async (writing) => {
      const held = await holdPerson(writing, person);
      const linked = this.#toLinked(await this.#identities.listOf(person, writing));
      if (!linked.some((one) => one.name === name)) {
        throw new IdentityError('not-found', `you do not sign in with ${label}`);
      }
      if (held?.passwordHash == null && linked.every((one) => one.name === name)) {
        throw new IdentityError('conflict', `${label} is your only way to sign in`, {
          hint: 'Set a password first: ask for a letter, as if you had forgotten it.',
        });
      }
      await this.#identities.remove(writing, person, issuer);
    });
  }

  #toLinked(rows: readonly ProviderIdentityRow[]): LinkedProvider[] {
    return rows.flatMap(({ issuer, email, linkedAt }) => {
      // One that the operator has taken away is no way in
      const provider = [...this.#providers.values()].find((one) => one.issuer === issuer);
      return provider ? [{ name: provider.name, label: provider.label, email, linkedAt }] : [];
    });
  }

  /** An account for somebody whose address the provider vouches for, and who has none. @returns its id */
  async #welcome({ label }: Provider, vouched: Vouched): Promise<string> {
    const { email, isEmailVerified, language } = vouched;
    if (email === null || !isEmailVerified) {
      throw new IdentityError('bad-input', `${label} does not vouch for your e-mail address`, {
        hint: `Register with your address and a password, sign in, and link ${label} there.`,
      });
    }
    const { database, people, registrations } = this.#options;
    const name = vouched.name ?? email.split('@')[0] ?? email;
    if (!(await people.findByEmail(email))) await registrations.assertMayJoin(email);
    return await atomically(database, async (writing) => {
      const made = await people.makeWithoutPassword({ email, name, language }, writing);
      if (!made) {
        throw new IdentityError('conflict', `${email} has an account already`, {
          hint: `Sign in with your password and link ${label} there. A letter sets a password if you have none.`,
        });
      }
      await this.#identities.add(writing, vouched, made.id);
      return made.id;
    });
  }

  /** @param person who began it; null: somebody who wanted to come in */
  async #redeem({ code, verifier }: Proof, person: string | null): Promise<Returned> {
    const returned = await this.#codes.open(code);
    const isTheirs =
      returned && returned.person === person && isSecret(verifier, returned.challenge);
    if (!isTheirs || !this.#isFirstUse(returned.id)) throw wrongCode();
    return returned;
  }

  /** Counted at once: of two at the same time one is the first. */
  #isFirstUse(id: string): boolean {
    const now = this.#options.clock.now();
    for (const [used, until] of this.#used) if (until <= now) this.#used.delete(used);
    if (this.#used.has(id)) return false;
    this.#used.set(id, now + CODE_MS);
    return true;
  }

  #mustFind(name: string): Provider {
    const provider = this.#providers.get(name);
    if (provider) return provider;
    throw new IdentityError('not-found', `nobody signs in here with "${name}"`);
  }
}

/** An address without its query; null for what is none. */
function placeOf(address: string): string | null {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  url.search = '';
  return url.href;
}

function withQuery(address: string, name: 'code' | 'error', value: string): string {
  const url = new URL(address);
  url.searchParams.set(name, value);
  return url.href;
}

function wrongCode(): IdentityError {
  return new IdentityError('bad-credentials', 'the code is wrong, too old, or has been used', {
    hint: 'Begin again.',
  });
}
