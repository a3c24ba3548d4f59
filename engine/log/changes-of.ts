/** What a turn tells whoever follows its home: when it is committed, and when it is read from the log. */

import type { Json } from '../model/json.ts';
import type { IntentWrite, LogRow } from '../model/rows.ts';
import type { Send } from '../outbox/sends.ts';
import { shown } from '../outbox/sends.ts';
import type { Turned } from '../turn/turned.ts';
import type { PlacedChange } from './change.ts';

/** The turn itself, then its intents, then its alerts. */
export function changesOf(
  { twin: after, intents, alerts }: Turned,
  row: LogRow,
  sendOf: (intent: IntentWrite) => Send,
): PlacedChange[] {
  const { home, twin, epoch, seq } = row;
  const { at, event, eventId, cause, correlation, effects } = row;
  const { kind, revision, view } = after;
  const { reported, desired } = view;
  const state = after.state.value as Json;
  let n = 0;
  const position = () => ({ epoch, seq, n: n++, aside: 0 });
  return [
    {
      ...{ type: 'twin', home, twin, kind, revision, at, position: position() },
      ...{ event, eventId, cause, correlation, state, reported, desired, effects },
    },
    ...intents.map((intent): PlacedChange => {
      const told = shown(intent, sendOf(intent));
      return { type: 'intent', home, twin, intent: told, position: position() };
    }),
    ...alerts.map((alert): PlacedChange => {
      return { type: 'alert', home, twin, alert, position: position() };
    }),
  ];
}
