/** Webhooks of rules: which a rule has, and what a call of one does. */
import type { Engine, Json, Receipt, TwinRow } from '../../../engine/index.ts';
import type { HookAddress } from '../../contract/access.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import type { Context } from '../kind/context.ts';
import { webhooksOf } from '../kind/program.ts';
import { findDraft } from './drafts.ts';
import { mustReadRule } from './rules.ts';

/** Those that the triggers of a rule name. */
export function webhooksOfRule({ state }: Pick<TwinRow, 'state'>): readonly string[] {
  const { definition = null } = state.context as unknown as Partial<Context>;
  return definition ? webhooksOf(definition) : [];
}

/** The rule of a webhook. @throws FeatureError `not-found` where no trigger names it; as `mustReadRule` */
export async function mustReadHook(
  engine: Engine,
  { home, rule, hook }: HookAddress,
): Promise<TwinRow> {
  const { row } = await mustReadRule(engine, { home, rule });
  const names = webhooksOfRule(row);
  if (names.includes(hook)) return row;
  throw new FeatureError('not-found', `no trigger of "${rule}" is the webhook "${hook}"`, {
    hint: names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.',
  });
}

export interface HookCall {
  id: string;
  /** Whether the id has come from whoever calls, so that the same counts once. */
  dedupe: boolean;
  /** Who calls. */
  principal: string;
}

/**
 * Tells a rule, and its draft, that one of its webhooks has been called. Whoever calls has shown the secret.
 * @throws FeatureError `not-found` where the rule does not have the webhook any more
 */
export async function callHook(
  engine: Engine,
  { home, rule, hook }: HookAddress,
  body: Json,
  { id, dedupe, principal }: HookCall,
): Promise<Receipt> {
  const reading = await engine.readTwin({ home, twin: rule });
  if (!reading || !webhooksOfRule(reading.row).includes(hook)) {
    throw new FeatureError('not-found', `the rule has no webhook "${hook}" any more`, {
      hint: 'Its definition has changed: give it a trigger with that webhook again, or stop calling it.',
    });
  }
  const call = {
    ...{ home, id, dedupe },
    event: { type: 'webhook.called', hook, body },
    ...{ at: engine.clock.now(), undated: true, principal },
    ...{ ifUnknown: 'reject' as const, answered: true },
  };
  const receipt = await engine.tell({ ...call, twin: rule });
  // Its draft sees what the rule sees; what becomes of that there concerns no caller
  const draft = await findDraft(engine, { home, twin: rule });
  if (draft) await engine.tell({ ...call, twin: draft.row.twin });
  return receipt;
}
