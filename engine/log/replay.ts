import { type Address, type Envelope, type FoldedSamples, isExternal } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { Facts } from '../model/facts.ts';
import { canonicalJson, type Json } from '../model/json.ts';
import type { AnyKind } from '../model/kind.ts';
import type { Claim } from '../model/lease.ts';
import { own } from '../model/own.ts';
import type { CheckpointRow, JournalRow, LoadedTwin } from '../model/rows.ts';
import { lifeOf } from '../model/turn-ids.ts';
import type { TwinState } from '../model/twin-state.ts';
import { type LiveTwin, revive } from '../turn/live-twin.ts';
import { birth, turn } from '../turn/turn.ts';
import type { Destinations, Turned } from '../turn/turned.ts';
import { pauseOf, type Reader, withKind } from './reader.ts';

/** Whether the journal and the stored state agree. */
export interface ReplayReport {
  /** Whether folding the journal gave the stored state. */
  ok: boolean;
  revision: number;
  /** Revision of the checkpoint that it began from; 0 is the twin's creation. */
  from: number;
  turns: number;
  /** JSON paths that differ, with both values. */
  differences: { path: string; stored: Json | undefined; replayed: Json | undefined }[];
}

const PAGE = 1_000;
const MAX_DIFFERENCES = 50;
/** Replay delivers nothing. */
const NOWHERE: Destinations = {};

/**
 * Folds the journal from the latest checkpoint (or, `fromBirth`, from the first) and compares with
 * the stored state.
 * @throws EngineError `unknown-twin`, `unknown-kind`, `state-unreadable`
 */
export async function replay(
  reader: Pick<Reader, 'storage' | 'kinds' | 'pause'>,
  address: Address,
  options: { fromBirth?: boolean } = {},
): Promise<ReplayReport> {
  const { storage } = reader;
  const pause = pauseOf(reader);
  const { stored, kind } = await withKind(reader, address);
  const checkpoint = options.fromBirth ? null : await storage.latestCheckpoint(address);
  let twin: LiveTwin | null =
    checkpoint && checkpoint.revision <= stored.revision && checkpoint.version === kind.version
      ? revive(kind, atCheckpoint(stored, checkpoint), 0)
      : null;
  const from = twin?.revision ?? 0;
  let turns = 0;
  for (let next = twin ? from + 1 : 0; next <= stored.revision; ) {
    const rows = await storage.readJournal(address, next, PAGE);
    for (const row of rows) {
      if (row.revision > stored.revision) break;
      if (row.revision !== next) return gap(stored, from, turns, next, row.revision);
      twin = foldTurn(kind, stored.incarnation, twin, row, NOWHERE).twin;
      turns++;
      next++;
      await pause();
    }
    if (rows.length < PAGE && next <= stored.revision) return gap(stored, from, turns, next, null);
  }
  const differences = differencesBetween(stored.state, twin?.state ?? null);
  return { ok: differences.length === 0, revision: stored.revision, from, turns, differences };
}

/** A journaled turn, folded again. @throws EngineError `state-unreadable` where the kind does otherwise now */
export function foldTurn(
  kind: AnyKind,
  incarnation: string,
  twin: LiveTwin | null,
  row: JournalRow,
  destinations: Destinations,
): Turned {
  const envelope = envelopeOf(row);
  if (!twin) {
    const { name, room, timezone } = row.event;
    return birth(
      kind,
      envelope,
      {
        name: String(name ?? row.twin),
        room: typeof room === 'string' ? room : null,
        timezone: String(timezone),
        incarnation,
        epoch: row.epoch,
      },
      row.receivedAt,
      destinations,
    );
  }
  const { epoch } = row;
  const then = twin.epoch === epoch ? twin : { ...twin, epoch, life: lifeOf(incarnation, epoch) };
  const result = turn(then, envelope, row.receivedAt, destinations);
  if ('twin' in result) return result;
  throw new EngineError(
    'state-unreadable',
    `${row.home}/${row.twin}@${row.revision} was a turn once, replay says "${result.status}"`,
    { hint: 'The kind behaves differently now without a new version: raise it.' },
  );
}

/** The envelope of a journaled turn. What made it a duplicate, stale or late then was settled then. */
function envelopeOf(row: JournalRow): Envelope {
  const { folded, facts, claim, ...event } = row.event;
  return {
    home: row.home,
    twin: row.twin,
    id: row.eventId,
    // What came through the composition root is in the window only if it could come again
    dedupe: row.dedupe && !isExternal(row),
    event: event as Envelope['event'],
    at: row.at,
    undated: !row.late,
    source: row.source,
    sender: 'engine',
    cause: row.cause,
    correlation: row.correlation,
    principal: row.principal,
    ifUnknown: 'reject',
    ...(folded !== undefined && { folded: folded as unknown as FoldedSamples }),
    ...(facts !== undefined && { facts: facts as Facts }),
    ...(claim !== undefined && { claim: claim as unknown as Claim }),
  };
}

function atCheckpoint(stored: LoadedTwin, { revision, version, state }: CheckpointRow): LoadedTwin {
  return { ...stored, revision, version, state };
}

function gap(
  stored: LoadedTwin,
  from: number,
  turns: number,
  missing: number,
  found: number | null,
): ReplayReport {
  const difference = { path: `journal@${missing}`, stored: found, replayed: missing };
  return { ok: false, revision: stored.revision, from, turns, differences: [difference] };
}

/** Where two states are not the same data, at most 50 places. */
export function differencesBetween(
  stored: TwinState | null,
  replayed: TwinState | null,
): ReplayReport['differences'] {
  const differences: ReplayReport['differences'] = [];
  compare(stored as unknown as Json, replayed as unknown as Json, '', differences);
  return differences;
}

function compare(
  stored: Json | undefined,
  replayed: Json | undefined,
  path: string,
  differences: ReplayReport['differences'],
): void {
  if (differences.length >= MAX_DIFFERENCES) return;
  if (canonicalJson(stored ?? null) === canonicalJson(replayed ?? null)) return;
  if (isObject(stored) && isObject(replayed)) {
    for (const key of new Set([...Object.keys(stored), ...Object.keys(replayed)])) {
      const below = path === '' ? key : `${path}.${key}`;
      compare(own(stored, key), own(replayed, key), below, differences);
    }
    return;
  }
  differences.push({ path, stored, replayed });
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
