import { IdentityError } from '../errors.ts';
import { findByEmail, keyOf } from '../people/accounts.ts';
import { networkOf } from '../people/network.ts';
import { hashOf } from '../secrets.ts';
import { atomically, type Writing } from '../store/atomically.ts';
import { countDaily, type DailyLimit } from '../store/daily-counts.ts';
import type { IdentityDatabase } from '../store/open.ts';

export interface MailLimitsOptions {
  database: IdentityDatabase;
  clock: { now(): number };
}

/** Letters a day. */
const REGISTRATION = { fromOneToOne: 3, toOne: 10, fromOne: 100 };
const RESETS = 5;
const INVITATIONS = { toStranger: 3, toAccount: 10, fromSender: 20, ofHome: 20 };

class Full extends Error {}

/**
 * How many letters somebody may cause, counted in the store. Purposes are apart, and so is who asks: nobody uses up
 * what another needs to get back in.
 */
export class MailLimits {
  readonly #options: MailLimitsOptions;

  constructor(options: MailLimitsOptions) {
    this.#options = options;
  }

  /** Whether a letter may go to somebody who registers. @param address from where that was asked for */
  async mayRegister(emailKey: string, address: string | null): Promise<boolean> {
    const [to, from] = [hashOf(emailKey), networkOf(address)];
    const full = await this.#count([
      { bucket: `register from ${from} to ${to}`, most: REGISTRATION.fromOneToOne },
      { bucket: `register from ${from}`, most: REGISTRATION.fromOne },
      { bucket: `register to ${to}`, most: REGISTRATION.toOne },
    ]);
    return full === null;
  }

  /** Whether a letter goes out although another one with a code that counts is there. */
  async mayReset(writing: Writing, person: string): Promise<boolean> {
    const limit = { bucket: `reset of ${person}`, most: RESETS };
    return (await countDaily(writing, [limit], this.#options.clock.now())) === null;
  }

  /**
   * Who has no account has not answered yet, and gets the fewest.
   * @throws IdentityError `too-many-tries`
   */
  async assertMayInvite(letter: { email: string; by: string; home: string }): Promise<void> {
    const { email, by, home } = letter;
    const emailKey = keyOf(email);
    const account = await findByEmail(this.#options.database, emailKey);
    const toOne = account ? INVITATIONS.toAccount : INVITATIONS.toStranger;
    const recipient = { bucket: `invitation to ${hashOf(emailKey)}`, most: toOne };
    const full = await this.#count([
      { bucket: `invitation by ${by}`, most: INVITATIONS.fromSender },
      { bucket: `invitation into ${home}`, most: INVITATIONS.ofHome },
      recipient,
    ]);
    if (full === null) return;
    const whose = full === recipient ? 'to this address' : 'by you, or for this home,';
    throw new IdentityError('too-many-tries', `too many invitations ${whose} were sent today`, {
      hint: 'Leave out the address, and give them the code yourself.',
    });
  }

  /** All or none. @returns the limit that is full */
  async #count(limits: readonly DailyLimit[]): Promise<DailyLimit | null> {
    const { database, clock } = this.#options;
    let full: DailyLimit | null = null;
    try {
      await atomically(database, async (writing) => {
        full = await countDaily(writing, limits, clock.now());
        if (full !== null) throw new Full();
      });
    } catch (error) {
      if (!(error instanceof Full)) throw error;
    }
    return full;
  }
}
