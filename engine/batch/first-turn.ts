/** An envelope for a twin that does not exist: made, listed as a candidate, or refused, as the source's policy says. */
import { assertDeviceKind } from '../model/device-kinds.ts';
import { type Address, type Envelope, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { AnyKind } from '../model/kind.ts';
import { assertMaySay } from '../model/vocabulary.ts';
import { birth } from '../turn/turn.ts';
import type { Turned } from '../turn/turned.ts';
import { accept } from './accept.ts';
import type { Item } from './cascade.ts';
import { allOf, type Folding, type Led, NOTHING } from './folding.ts';
import { type Folded, fold, nextTurn } from './next-turn.ts';
import { refusing } from './refuse.ts';

/** @throws EngineError */
export function firstTurn(folding: Folding, item: Item): Led {
  const { context, workingSet, commit, now } = folding;
  const { envelope, waiting } = item;
  // Somebody's Last Will must not bring back what was deleted
  if (envelope.event.type === 'status' && envelope.sender === 'device') {
    const reason = `there is no twin ${keyOf(envelope)}, and a status makes none`;
    commit.settle(envelope, waiting, { status: 'ignored', revision: 0, effects: [], reason });
    return NOTHING;
  }
  const known = envelope.kind === undefined ? undefined : context.kinds.get(envelope.kind);
  if (known) assertMayBegin(folding, known, envelope);
  if (envelope.ifUnknown === 'candidate' && envelope.kind !== undefined) {
    const reason = `${keyOf(envelope)} waits to be claimed`;
    commit.candidate(envelope, envelope.kind, now);
    commit.settle(envelope, waiting, { status: 'rejected', code: 'unclaimed', reason });
    return NOTHING;
  }
  const kind = assertMayCreate(folding, known, envelope);
  workingSet.assertRoom(envelope.home, kind.kind);
  const isAsked = envelope.event.type === 'twin.created';
  const born = birthOf(folding, kind, envelope, isAsked);
  // A first message that its kind refuses must not leave an empty twin behind
  const first = isAsked ? null : fold(folding, born.twin, envelope);
  makeHome(folding, envelope.home);
  commit.signal('twin.created', {
    twin: keyOf(envelope),
    kind: kind.kind,
    source: envelope.source,
  });
  if (first === null) return accept(folding, null, born, item);
  const creation = { ...item, envelope: creationOf(envelope), waiting: null };
  const led = accept(folding, null, born, creation);
  return { observe: (next) => firstMessage(folding, led, first, item, next), told: [] };
}

/** The message that has made a twin, once the twin's creation has been observed. */
function* firstMessage(
  folding: Folding,
  creation: Led,
  folded: Folded,
  item: Item,
  next: Item[],
): Generator<undefined, void> {
  yield* allOf(creation, next);
  const { home, twin }: Address = item.envelope;
  const born = folding.workingSet.twin({ home, twin });
  if (!born) return;
  const led = refusing(folding, item, () => nextTurn(folding, born, item, folded));
  yield* allOf(led, next);
}

/** @throws EngineError `unknown-event`, `unknown-kind` for a device that would be a twin of no device */
function assertMayBegin({ context }: Folding, kind: AnyKind, envelope: Envelope): void {
  assertMaySay(kind, envelope);
  if (envelope.sender !== 'engine') assertDeviceKind(context.kinds, kind.kind);
}

/** @returns its kind @throws EngineError `unknown-twin`, `unknown-kind` */
function assertMayCreate(
  { context }: Folding,
  kind: AnyKind | undefined,
  envelope: Envelope,
): AnyKind {
  if (envelope.ifUnknown !== 'create' || envelope.kind === undefined) {
    throw new EngineError('unknown-twin', `there is no twin ${keyOf(envelope)}`, {
      hint: 'Create the twin first, or let devices register (PROVISIONING).',
    });
  }
  if (kind) return kind;
  throw new EngineError('unknown-kind', `there is no kind "${envelope.kind}"`, {
    hint: `Known kinds: ${[...context.kinds.keys()].join(', ')}.`,
  });
}

/** @param isAsked whether the envelope asks for the twin; otherwise it is the twin's first message */
function birthOf(
  { context, workingSet, now }: Folding,
  kind: AnyKind,
  envelope: Envelope,
  isAsked: boolean,
): Turned {
  const { name, room } = envelope.event;
  const made = {
    name: isAsked && typeof name === 'string' ? name : envelope.twin,
    room: isAsked && typeof room === 'string' ? room : null,
    timezone: workingSet.home(envelope.home)?.timezone ?? context.defaultTimezone,
    incarnation: context.newId(),
    epoch: context.epoch(),
  };
  const event = isAsked ? envelope : creationOf(envelope);
  return birth(kind, event, made, now, context.destinations);
}

/** A home comes into being with its first twin. */
function makeHome({ context, workingSet, commit, now }: Folding, id: string): void {
  if (workingSet.home(id)) return;
  const { newId, defaultTimezone: timezone } = context;
  const row = { id, incarnation: newId(), name: id, timezone, createdAt: now };
  workingSet.addHome(row);
  commit.home(row);
}

/** The creation that a device's first message brings about. */
function creationOf(envelope: Envelope): Envelope {
  const { folded: _folded, ...rest } = envelope;
  return {
    ...rest,
    id: `${envelope.id}:created`,
    dedupe: false,
    event: { type: 'twin.created' },
    source: 'engine',
    sender: 'engine',
    cause: envelope.id,
  };
}
