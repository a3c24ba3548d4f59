/** What the actions of a rule ask of the engine. */
import type { Effect, JsonObject } from '../../../engine/kind.ts';
import { asText } from '../expressions/template.ts';
import type { Action } from '../language/definition.ts';
import type { Instruction } from './program.ts';

/** What an action with these values comes to; `set` and `release` are weighed where the rule remembers what it holds. */
export function deedsOf(
  type: string,
  values: JsonObject,
  { place, action }: Extract<Instruction, { op: 'do' }>,
  priority: number,
): Effect[] {
  const twins = [values.twin ?? []].flat().map(String);
  switch (type) {
    case 'send':
      return twins.map((to) => ({
        type: 'tell',
        to,
        event: { ...(values.data as JsonObject), type: String(values.event) },
        authored: true,
        ...claimed(priority),
      }));
    case 'scene':
      return [
        {
          type: 'tell',
          to: String(values.scene),
          event:
            values.revert === true
              ? { type: 'revert' }
              : {
                  type: 'apply',
                  ...(values.transition !== undefined && { transitionMs: values.transition }),
                },
          ...claimed(priority),
        },
      ];
    case 'notify': {
      const { title, message, severity, data } = values;
      return [
        {
          type: 'notify',
          title: String(title),
          message: String(message),
          severity: severity as 'info',
          ...(data !== undefined && { data: data as JsonObject }),
        },
      ];
    }
    case 'webhook':
      return action.type === 'webhook' ? [webhookOf(action, values)] : [];
    case 'alert':
      return [
        {
          type: 'alert',
          key: String(values.key),
          severity: values.severity as 'info',
          state: 'raised',
          message: String(values.message),
        },
      ];
    case 'clear':
      return [
        {
          type: 'alert',
          key: String(values.key),
          severity: 'info',
          state: 'cleared',
          message: 'cleared by the rule',
        },
      ];
    default:
      throw new Error(`actions.${place.join('.')}: nothing is known of "${type}"`);
  }
}

function webhookOf(
  { method, secretHeaders, timeout, expect }: Extract<Action, { type: 'webhook' }>,
  { url, headers, body }: JsonObject,
): Effect {
  const texts = Object.entries(headers as JsonObject).map(([name, text]) => [name, asText(text)]);
  return {
    type: 'webhook',
    method,
    url: String(url),
    headers: Object.fromEntries(texts) as Record<string, string>,
    ...(secretHeaders && { secretHeaders }),
    ...(body !== undefined && { body }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(expect && { expect }),
  };
}

/** With what weight; the least goes without saying. */
export function claimed(
  priority: number,
  holdMs?: number,
): { claim?: { priority: number; holdMs?: number } } {
  if (priority === 0 && holdMs === undefined) return {};
  return { claim: { priority, ...(holdMs !== undefined && { holdMs }) } };
}

/** Lets go of what the rule holds of a twin. */
export function released(to: string): Effect {
  return { type: 'tell', to, event: { type: 'desired.released' } };
}
