/** Sends twins an event. */
import { z } from 'zod';
import { objectionTo } from '../../../engine/index.ts';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { didYouMean } from '../../contract/suggest.ts';
import { influencesOn } from '../checker/influence.ts';
import { checkPayload } from '../checker/values.ts';
import { fields, target, typed } from '../language/schemas.ts';
import { HOME_TWIN } from '../model/home-twin.ts';
import { type Action, asking, defineAction } from './action.ts';
import { claimed, twinsIn } from './claims.ts';

interface SendAction extends Action {
  readonly type: 'send';
  readonly twin: string | string[];
  readonly event: string;
  readonly data: Record<string, Json>;
}

export const send = defineAction<SendAction>({
  type: 'send',
  schema: () =>
    z
      .strictObject({
        send: z.strictObject({ twin: target, event: z.string(), data: fields.default({}) }),
      })
      .transform(({ send: given }) => typed('send')(given)),
  check({ twin, event, data }, checker, place) {
    const at = [...place, 'send'];
    checker.template(data, [...at, 'data']);
    for (const kind of checker.targets(twin, [...at, 'twin'])) {
      const objection = objectionTo(kind, 'rule', event);
      if (objection) {
        const { message, hint = '' } = objection;
        checker.say(`${message}. ${hint}`.trim(), [...at, 'event']);
      } else if (!Object.hasOwn(kind.events, event)) {
        const near = didYouMean(event, Object.keys(kind.events));
        checker.say(`a ${kind.kind} knows no event "${event}"${near}`, [...at, 'event']);
      } else checkPayload(checker, kind, event, data, [...at, 'data']);
    }
  },
  twins: ({ twin }) => [twin].flat(),
  influences({ twin, event, data }, place, twins) {
    if (twin !== HOME_TWIN || event !== 'mode.set') return [];
    const values = { mode: data.mode ?? null };
    return influencesOn(twin, values, [...place, 'send', 'data'], (id) => twins.get(id)?.kind);
  },
  compile(action, place, assembler) {
    assembler.add(
      asking(action, place, (values, { priority }) =>
        twinsIn(values.twin).map((to) => ({
          type: 'tell',
          to,
          event: { ...(values.data as JsonObject), type: String(values.event) },
          authored: true,
          ...claimed(priority),
        })),
      ),
    );
  },
});
