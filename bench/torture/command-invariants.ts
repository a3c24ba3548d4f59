/** Commands: at least once under one id, never late, never out of nothing. */
import { type IntentRow, type JournalRow, keyOf } from '../../engine/index.ts';
import type { Evidence } from './evidence.ts';
import type { Model, ReceivedCommand } from './model.ts';
import type { Waivers } from './waivers.ts';

/**
 * A broker counts a message's expiry in whole seconds, rounded up, and looks once a second. What it
 * hands over in that time carries `expiresAt`, by which the device knows.
 */
const EXPIRY_GRACE_MS = 2_500;

type Command = JournalRow['effects'][number] & { type: 'command' };

export function commandViolations(model: Model, evidence: Evidence, waivers: Waivers): string[] {
  const asked = new Map<string, { place: string; command: Command }>();
  for (const { twin, journal } of evidence.twins) {
    for (const { effects } of journal) {
      for (const effect of effects) {
        if (effect.type === 'command') {
          asked.set(effect.id, { place: keyOf(twin), command: effect });
        }
      }
    }
  }
  const wrong: string[] = [];
  for (const { place, command } of asked.values()) {
    const intent = evidence.intents.get(command.id);
    if (!intent) wrong.push(`command ${command.id} of ${place} has no intent`);
    else wrong.push(...deliveryViolations(model, evidence, intent, waivers));
  }
  for (const received of model.commands.values()) {
    const origin = asked.get(received.id);
    if (!origin || origin.place !== keyOf(received)) {
      wrong.push(`${keyOf(received)} received ${received.id}, which no journal holds`);
    } else wrong.push(...receiptViolations(received, origin.command, evidence));
  }
  return wrong;
}

/** What has left was received; what has not waits in the outbox, or was made pointless. */
function deliveryViolations(
  model: Model,
  { outbox }: Evidence,
  intent: IntentRow,
  { brokerLost }: Waivers,
): string[] {
  const { id, status, sentAt, endedAt } = intent;
  if (model.commands.has(id)) return [];
  if (outbox.some((row) => row.id === id)) return [];
  // The broker keeps it for a device that is away, and lets it expire
  const isLost = !brokerLost && !model.wasAway(intent, intent.expiresAt);
  if (sentAt !== null)
    return isLost ? [`command ${id} was sent (${status}) and never received`] : [];
  // Superseded, expired, or confirmed by what the device had done already: withdrawn in that turn
  if (endedAt !== null) return [];
  return isLost ? [`command ${id} is ${status}, was never received and waits nowhere`] : [];
}

function receiptViolations(
  received: ReceivedCommand,
  command: Command,
  { intents }: Evidence,
): string[] {
  const wrong: string[] = [];
  const said = JSON.stringify([received.name, received.args]);
  const meant = JSON.stringify([command.name, command.args]);
  if (said !== meant) wrong.push(`command ${received.id} said ${said} and not ${meant}`);
  const expiresAt = intents.get(received.id)?.expiresAt;
  if (expiresAt !== received.expiresAt) {
    wrong.push(
      `command ${received.id} expires at ${received.expiresAt}, its intent at ${expiresAt}`,
    );
  }
  const last = Math.max(...received.at);
  if (last > received.expiresAt + EXPIRY_GRACE_MS) {
    wrong.push(`command ${received.id} came ${last - received.expiresAt} ms after its expiry`);
  }
  return wrong;
}
