import type { ChangeFeed } from '../log/change-feed.ts';
import { type TwinReading, viewOf } from '../log/reader.ts';
import { assertDeviceKind } from '../model/device-kinds.ts';
import { type Address, assertName, keyOf } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { AnyKind, View } from '../model/kind.ts';
import { assertAccepted } from '../model/receipt.ts';
import type { TwinRow } from '../model/rows.ts';
import { parseEvent } from '../turn/turn.ts';
import { type Core, requestEnvelope } from './core.ts';
import { homeService } from './home-service.ts';
import { mustReadHome, mustReadTwin, unknownTwin } from './lookups.ts';
import { type Requester, unconditional } from './requester.ts';

export interface NewTwin extends Address {
  kind: string;
  name?: string;
  room?: string | null;
  via?: string | null;
  settings?: JsonObject;
}

/** What can be done with twins as a whole. */
export interface TwinService {
  /** @throws EngineError `unknown-home`, `unknown-kind`, `conflict` if the twin exists, `bad-input` */
  createTwin(twin: NewTwin, by: Requester): Promise<TwinReading>;
  /** @throws EngineError `unknown-twin`, `stale-revision`, `bad-input` */
  updateTwin(
    address: Address,
    change: { name?: string; room?: string | null; settings?: JsonObject },
    by: Requester,
  ): Promise<TwinReading>;
  /** Removes the twin with its history. @throws EngineError `unknown-twin`, `stale-revision` */
  deleteTwin(address: Address, by: Requester): Promise<void>;
  /** Null when there is none. */
  readTwin(address: Address): Promise<TwinReading | null>;
  /** Applies the kind to a stored row. */
  view(row: TwinRow): View;
  /** Makes the twin of a candidate (and its home, if need be). @throws EngineError `not-found`, `unknown-kind` for what is no device */
  acceptCandidate(
    address: Address,
    as: { name?: string; room?: string | null },
    by: Requester,
  ): Promise<TwinReading>;
}

export function twinService(core: Core, changes: ChangeFeed): TwinService {
  const { storage } = core;

  async function assertRoom(home: string, room: string): Promise<void> {
    assertName('room', room);
    const found = await storage.getTwin({ home, twin: room });
    const kind = found && core.kinds.get(found.kind);
    if (kind && 'member.joined' in kind.events) return;
    throw new EngineError('bad-input', `${home}/${room} is not a room`, {
      hint: found
        ? `It is a ${found.kind}. Name a twin whose kind has members.`
        : `Create a twin "${room}" of the kind "room" first.`,
    });
  }

  /** All or nothing: what a second event of the request would refuse is refused before the first. */
  function assertSettings(kind: AnyKind | undefined, settings: JsonObject | undefined): void {
    if (kind && settings) parseEvent(kind, { ...settings, type: 'settings.changed' });
  }

  /** Its room hears that it left, as after any other change of room. */
  async function leaveRoom({ home, twin, kind }: TwinRow, room: string, by: Requester) {
    if (core.kinds.has(kind)) {
      const event = { type: 'twin.changed', room: null };
      assertAccepted(await core.post(requestEnvelope(core, { home, twin }, event, by)));
      return;
    }
    // A twin that nobody can turn any more cannot say so itself, and must be able to go all the same
    const found = await storage.getTwin({ home, twin: room });
    const roomKind = found && core.kinds.get(found.kind);
    if (!roomKind || !('member.left' in roomKind.events)) return;
    const event = { type: 'member.left', member: twin, kind };
    const envelope = requestEnvelope(core, { home, twin: room }, event, by);
    assertAccepted(await core.post({ ...envelope, source: 'engine', dedupe: false }));
  }

  const service: TwinService = {
    async createTwin({ home, twin, kind, name = twin, room = null, via, settings }, by) {
      const address = { home, twin };
      assertName('home', home);
      assertName('twin', twin);
      await mustReadHome(core, home);
      if (room !== null) await assertRoom(home, room);
      assertSettings(core.kinds.get(kind), settings);
      const created = await core.post({
        ...requestEnvelope(core, address, { type: 'twin.created', name, room }, by),
        kind,
        ifUnknown: 'create',
        ...(via != null && { via }),
      });
      assertAccepted(created);
      if (settings && created.status !== 'duplicate') {
        const event = { ...settings, type: 'settings.changed' };
        assertAccepted(await core.post(requestEnvelope(core, address, event, unconditional(by))));
      }
      return mustReadTwin(service, address);
    },

    async updateTwin(address, { settings, ...meta }, by) {
      const { row } = await mustReadTwin(service, address);
      if (meta.room != null) await assertRoom(address.home, meta.room);
      assertSettings(core.kinds.get(row.kind), settings);
      let next = by;
      if (meta.name !== undefined || meta.room !== undefined) {
        const event = { ...meta, type: 'twin.changed' };
        assertAccepted(await core.post(requestEnvelope(core, address, event, by)));
        next = unconditional(by);
      }
      if (settings) {
        const event = { ...settings, type: 'settings.changed' };
        assertAccepted(await core.post(requestEnvelope(core, address, event, next)));
      }
      return mustReadTwin(service, address);
    },

    async deleteTwin(address, by) {
      const shard = core.shardOf(address.home);
      const { row } = await mustReadTwin(service, address);
      if (by.ifRevision !== undefined && by.ifRevision !== row.revision) {
        throw new EngineError(
          'stale-revision',
          `${keyOf(address)} is at revision ${row.revision}, not ${by.ifRevision}`,
          { hint: 'Read it again and decide anew.' },
        );
      }
      const { incarnation } = row;
      await core.deletes({ ...address, incarnation }, async () => {
        if (row.room !== null) await leaveRoom(row, row.room, unconditional(by));
        await shard.exclusively(address.home, async () => {
          const present = await storage.getTwin(address);
          // Somebody else was quicker, and there may be a new one already
          if (present?.incarnation !== incarnation) throw unknownTwin(address);
          await core.deleteFor(address, () => storage.deleteTwin(address));
          // Others of its home may hold it as a relation
          shard.forgetHome(address.home);
          // Before anything else happens in the home, such as that it is made anew
          changes.publish({ type: 'twin.removed', ...address });
        });
      });
    },

    async readTwin(address) {
      const row = await storage.getTwin(address);
      return row && { row, view: service.view(row) };
    },

    view: (row) => viewOf(core.kinds, row),

    async acceptCandidate(address, as, by) {
      const candidate = await storage.getCandidate(address);
      if (!candidate) {
        throw new EngineError('not-found', `${keyOf(address)} is not waiting to be claimed`, {
          hint: 'The candidates of the home are those that wait.',
        });
      }
      // One from before kinds said what they are
      assertDeviceKind(core.kinds, candidate.kind);
      if (!(await storage.getHome(address.home))) {
        await homeService(core).createHome({
          id: address.home,
          name: address.home,
          timezone: core.defaultTimezone,
        });
      }
      const { kind, via } = candidate;
      const made = await service.createTwin({ ...address, kind, via, ...as }, by);
      await storage.deleteCandidate(address);
      return made;
    },
  };
  return service;
}
