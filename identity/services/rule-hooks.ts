import type { IdentityChanges } from '../changes.ts';
import { IdentityError } from '../errors.ts';
import { holdToGrant } from '../homes/granting.ts';
import { assertTwinStays, type Existence } from '../homes/twin-life.ts';
import { hashOf, newSecret } from '../secrets.ts';
import type { IdentityDatabase } from '../store/open.ts';

/** A webhook of a rule that may be called, as it can be shown: without its secret. */
export interface RuleHook {
  hook: string;
  createdAt: number;
}

interface HookAddress {
  home: string;
  rule: string;
  hook: string;
}

export interface RuleHooksOptions {
  existence: Existence;
  database: IdentityDatabase;
  clock: { now(): number };
  changes: IdentityChanges;
}

const PREFIX = 'hsh';

/** The secrets with which others call webhooks of rules: one for each, made here, shown once. */
export class RuleHooks {
  readonly #options: RuleHooksOptions;

  constructor(options: RuleHooksOptions) {
    this.#options = options;
  }

  static looksLike(token: string): boolean {
    return token.startsWith(`${PREFIX}_`);
  }

  /**
   * Makes a secret, in place of the one before.
   * @param incarnation of the rule that was looked at
   * @returns it; it is not to be had again
   * @throws IdentityError `forbidden` for who may not any more; `conflict` for a rule that is being deleted
   */
  async make(
    { home, rule, hook, incarnation }: HookAddress & { incarnation?: string },
    by: string,
  ): Promise<string> {
    const { database, clock, changes, existence } = this.#options;
    const secret = newSecret(PREFIX);
    const now = clock.now();
    const row = { home, rule, hook, hash: hashOf(secret), madeBy: by, createdAt: now };
    await changes.commit(database, async (writing) => {
      await holdToGrant(writing, { home, by, now, existence });
      await assertTwinStays(writing, { home, twin: rule, incarnation }, { now, existence });
      await writing
        .insertInto('ruleHook')
        .values(row)
        .onConflict((conflict) => conflict.columns(['home', 'rule', 'hook']).doUpdateSet(row))
        .execute();
    });
    return secret;
  }

  /** Webhooks by name. */
  async list(home: string, rule: string): Promise<RuleHook[]> {
    return await this.#options.database
      .selectFrom('ruleHook')
      .select(['hook', 'createdAt'])
      .where('home', '=', home)
      .where('rule', '=', rule)
      .orderBy('hook')
      .execute();
  }

  /** @throws IdentityError `not-found` */
  async revoke({ home, rule, hook }: HookAddress): Promise<void> {
    const { numDeletedRows } = await this.#options.database
      .deleteFrom('ruleHook')
      .where('home', '=', home)
      .where('rule', '=', rule)
      .where('hook', '=', hook)
      .executeTakeFirst();
    if (numDeletedRows > 0n) return;
    throw new IdentityError('not-found', `the webhook "${hook}" of "${rule}" has no secret`);
  }

  /**
   * Whose secret it is. It is looked up by its hash, so what could be timed is the hash of a guess.
   * @returns null for what is none
   */
  async find(secret: string): Promise<HookAddress | null> {
    const row = await this.#options.database
      .selectFrom('ruleHook')
      .select(['home', 'rule', 'hook'])
      .where('hash', '=', hashOf(secret))
      .executeTakeFirst();
    return row ?? null;
  }
}
