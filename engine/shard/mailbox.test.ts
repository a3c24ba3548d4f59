import { expect, test } from 'vitest';
import type { Envelope, EventData } from '../model/envelope.ts';
import { Mailbox } from './mailbox.ts';

const WAITING = { resolve: () => undefined, reject: () => undefined };

function folded(events: readonly object[], given: Partial<Envelope> = {}): Envelope[] {
  const mailbox = new Mailbox({ limit: 10, telemetryBudget: 1, foldable: () => true });
  for (const [n, fields] of events.entries()) {
    const event = { ...fields, type: 'telemetry' } as EventData;
    const envelope: Envelope = {
      ...{ home: 'h', twin: 't', id: `e${n}`, dedupe: false, event, at: n },
      ...{
        source: 'mqtt',
        sender: 'device',
        cause: null,
        correlation: `e${n}`,
        principal: 'device',
      },
      ifUnknown: 'reject',
      ...given,
    };
    mailbox.post(envelope, WAITING);
  }
  return mailbox.drain(10).flatMap((mail) => (mail.type === 'envelope' ? [mail.envelope] : []));
}

test('folds fields by their own names only, whatever they are called', () => {
  const awkward = JSON.parse('{"constructor": 1, "toString": 2, "__proto__": 3}') as object;
  const [envelope, ...others] = folded([{ count: 5 }, awkward, awkward]);
  expect(others).toEqual([]);
  expect(envelope?.folded).toMatchObject({ samples: 3 });
  expect(envelope?.folded?.fields).toEqual({
    count: { count: 1, sum: 5, min: 5, max: 5 },
    constructor: { count: 2, sum: 2, min: 1, max: 1 },
    toString: { count: 2, sum: 4, min: 2, max: 2 },
  });
});

test('folds nothing that is tried again: its dead letter is its own', () => {
  expect(folded([{ power: 1 }, { power: 2 }], { kept: true })).toHaveLength(2);
});
