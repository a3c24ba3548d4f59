import { z } from 'zod';
import { Effect } from '../../contract/effect.ts';
import { AnyObject, JsonValue } from '../../contract/json-value.ts';
import { iso, Moment } from '../../contract/moment.ts';
import type { Link } from '../explain/chain.ts';
import type { Explanation } from '../explain/explain.ts';
import { tellAccount } from '../explain/words.ts';

const Account = z
  .object({
    revision: z.int().describe('Of the rule’s turn.'),
    at: Moment,
    because: z
      .string()
      .nullable()
      .describe('The turn that it answers, `home/twin@revision`; null: a clock or a person.'),
    sentence: z.string(),
    trace: z
      .array(AnyObject)
      .describe('Each condition with its value and operands, each step, in order.'),
  })
  .meta({ id: 'RuleAccount', description: 'What a rule decided in one turn, and why.' });

export const RuleExplanation = z
  .object({
    rule: z.string(),
    from: Moment,
    to: Moment,
    sentence: z.string().describe('The answer in plain words.'),
    enabled: z.boolean(),
    accounts: z.array(Account).describe('Turns in which it decided something; oldest first.'),
    near: z
      .array(
        z.object({
          trigger: z.int().describe('Which trigger, from 0.'),
          times: z.int().describe('How often its twin changed without firing it.'),
          twin: z.string(),
          at: Moment,
          reason: z.string(),
          value: JsonValue.optional().describe('The value that came nearest.'),
          heldMs: z
            .number()
            .optional()
            .describe('For how long it held, where it has to hold for longer.'),
        }),
      )
      .describe('What came near without setting it off.'),
    seen: z.int().describe('Turns of the twins that it watches.'),
  })
  .meta({ id: 'RuleExplanation' });

export function toRuleExplanation(
  { rule, span, enabled, accounts, near, seen }: Explanation,
  sentence: string,
  language: 'en' | 'de',
  timezone: string,
): z.input<typeof RuleExplanation> {
  return {
    rule,
    from: iso(span.from),
    to: iso(span.to),
    sentence,
    enabled,
    accounts: accounts.map((account) => ({
      revision: account.revision,
      at: iso(account.at),
      because: account.because,
      sentence: tellAccount(rule, account, language, timezone),
      trace: account.trace as never,
    })),
    near: near.map((one) => ({ ...one, at: iso(one.at) })),
    seen,
  };
}

export const Chain = z
  .object({
    id: z.string(),
    sentence: z.string(),
    links: z
      .array(
        z.object({
          twin: z.string(),
          kind: z.string(),
          name: z.string(),
          revision: z.int(),
          at: Moment,
          event: AnyObject,
          source: z.string(),
          principal: z.string(),
          effect: Effect.nullable().describe('What of this turn led on.'),
          account: Account.nullable().describe('Of a rule: what it decided, and why.'),
        }),
      )
      .describe('From the effect back to what began it.'),
  })
  .meta({ id: 'Chain', description: 'Why something was done: the turns that led to it.' });

export function toChain(
  id: string,
  links: readonly Link[],
  sentence: string,
  language: 'en' | 'de',
  timezone: string,
): z.input<typeof Chain> {
  return {
    id,
    sentence,
    links: links.map(
      ({ twin, kind, name, revision, at, event, source, principal, effect, account }) => ({
        ...{ twin, kind, name, revision, source, principal },
        event: event as never,
        at: iso(at),
        effect: effect as never,
        account: account && {
          revision: account.revision,
          at: iso(account.at),
          because: account.because,
          sentence: tellAccount(twin, account, language, timezone),
          trace: account.trace as never,
        },
      }),
    ),
  };
}
