/**
 * The life of a command: pending → sent → acked → confirmed | failed | expired | superseded.
 * Pure functions; `sent` belongs to the outbox and is no part of the twin's state. An open intent stands in its
 * twin's state, and becomes a row when it ends.
 */
import type { CommandSpec } from '../model/effect.ts';
import type { Address, EventData } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { type Json, type JsonObject, sameJson } from '../model/json.ts';
import type { AnyKind } from '../model/kind.ts';
import { own } from '../model/own.ts';
import { parseSafely } from '../model/parse-safely.ts';
import type { IntentStatus, IntentWrite } from '../model/rows.ts';
import type { PendingIntent } from '../model/twin-state.ts';

const DEFAULT_TTL_MS = 60_000;
const DEFAULT_TOLERANCE = 0.01;

/** A command as a machine or a person asks for it. */
export interface CommandRequest {
  name: string;
  args: JsonObject;
  ttl?: number | undefined;
  expect?: JsonObject | undefined;
}

/**
 * Looks the command up in its kind and checks its arguments.
 * @throws EngineError `bad-input`
 */
export function specOf(
  kind: AnyKind,
  request: { name: string; args: JsonObject },
): { spec: CommandSpec; args: JsonObject } {
  const { name } = request;
  const specs = kind.commands as Record<string, CommandSpec>;
  const spec = own(specs, name);
  if (!spec) {
    const names = Object.keys(kind.commands);
    throw new EngineError('bad-input', `a ${kind.kind} has no command "${request.name}"`, {
      hint: names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.',
    });
  }
  const parsed = parseSafely(spec.args, request.args);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EngineError(
      'bad-input',
      `arguments of "${request.name}": ${issue?.path.join('.') || '(all)'}: ${issue?.message}`,
      { hint: `The description of the kind "${kind.kind}" says what the command takes.` },
    );
  }
  return { spec, args: parsed.data as JsonObject };
}

/** The reported values that a command is to change, as far as that is known. @throws EngineError `bad-input` */
export function expectedOf(kind: AnyKind, request: CommandRequest): string[] {
  const { spec, args } = specOf(kind, request);
  return Object.keys(request.expect ?? spec.expect?.(args) ?? {});
}

export function openIntent(
  id: string,
  request: CommandRequest,
  { spec, args }: { spec: CommandSpec; args: JsonObject },
  origin: { cause: string; correlation: string; principal: string },
  now: number,
): PendingIntent {
  const expect = request.expect ?? spec.expect?.(args);
  return {
    id,
    name: request.name,
    args,
    status: 'pending',
    createdAt: now,
    expiresAt: now + (request.ttl ?? spec.ttl ?? DEFAULT_TTL_MS),
    ackedAt: null,
    cause: origin.cause,
    correlation: origin.correlation,
    principal: origin.principal,
    ...(expect && { expect }),
    tolerance: spec.tolerance ?? DEFAULT_TOLERANCE,
    met: [],
  };
}

/** The row of an intent that has come to `status`. */
export function intentRow(
  { home, twin }: Address,
  intent: PendingIntent,
  status: IntentStatus,
  now: number,
  error: string | null = null,
): IntentWrite {
  const ended = status !== 'pending' && status !== 'sent' && status !== 'acked';
  return {
    id: intent.id,
    home,
    twin,
    name: intent.name,
    args: intent.args,
    status,
    createdAt: intent.createdAt,
    expiresAt: intent.expiresAt,
    ackedAt: intent.ackedAt,
    confirmedAt: status === 'confirmed' ? now : null,
    endedAt: ended ? now : null,
    error,
    cause: intent.cause,
    correlation: intent.correlation,
    principal: intent.principal,
  };
}

/** The event that tells a machine what has become of its command. */
export function intentEvent(
  intent: PendingIntent,
  status: IntentStatus,
  error?: string,
): EventData {
  return {
    type: `intent.${status}`,
    intent: intent.id,
    name: intent.name,
    args: intent.args,
    ...(error !== undefined && { error }),
  };
}

/**
 * Holds a report against what an intent expects. A value counts only when this report said it
 * (`fresh`): what the device reported before the command proves nothing.
 * @returns the intent with what has been met, and whether that is all
 */
export function meet(
  intent: PendingIntent,
  reported: JsonObject,
  fresh: (key: string) => boolean,
): { intent: PendingIntent; confirmed: boolean } {
  const { expect } = intent;
  if (!expect) return { intent, confirmed: false };
  const keys = Object.keys(expect);
  const met = keys.filter((key) =>
    fresh(key)
      ? equals(expect[key], own(reported, key), intent.tolerance)
      : intent.met.includes(key),
  );
  const unchanged =
    met.length === intent.met.length && met.every((key) => intent.met.includes(key));
  return {
    intent: unchanged ? intent : { ...intent, met },
    confirmed: keys.length > 0 && met.length === keys.length,
  };
}

function equals(expected: Json | undefined, actual: Json | undefined, tolerance: number): boolean {
  return typeof expected === 'number' && typeof actual === 'number'
    ? Math.abs(expected - actual) <= tolerance
    : sameJson(expected, actual);
}
