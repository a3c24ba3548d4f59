import { type ReplayReport, replay } from '../log/replay.ts';
import { type Address, type EventData, keyOf, type Receipt } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import { assertAccepted } from '../model/receipt.ts';
import type { IntentRow, LoadedTwin } from '../model/rows.ts';
import type { HistoryQuery } from '../storage/port.ts';
import { specOf } from '../turn/intents.ts';
import { priorityOf } from '../turn/leases.ts';
import { type BandPath, type Bands, readBands, type Span } from './bands.ts';
import { type Core, requestEnvelope } from './core.ts';
import { type History, type HistoryResolution, readHistory } from './history.ts';
import type { IntentService } from './intent-service.ts';
import { unknownTwin } from './lookups.ts';
import type { Requester } from './requester.ts';

/** How people steer a twin and look into its past. */
export interface SteeringService {
  /**
   * Merge patch of the desired state, as event `desired.changed`.
   * @param holdMs how long others of the same or a lower priority are to keep off
   */
  desire(address: Address, patch: JsonObject, by: Requester, holdMs?: number): Promise<Receipt>;
  /** Ends the leases of a holder, by default one's own. */
  release(address: Address, by: Requester, holder?: string): Promise<Receipt>;
  /**
   * Sends a command that the kind declares.
   * @throws EngineError `unknown-twin`, `bad-input` with the names it has, or for wrong arguments
   */
  command(
    address: Address,
    command: { name: string; args: JsonObject; ttl?: number },
    by: Requester,
  ): Promise<IntentRow>;
  /** Fires a timer now, as if it fell due. @throws EngineError `unknown-twin`, `not-found` */
  fireTimer(address: Address, timer: string, by: Requester): Promise<Receipt>;
  cancelTimer(address: Address, timer: string, by: Requester): Promise<Receipt>;
  /** @throws EngineError `not-found` */
  acknowledgeAlert(home: string, alert: string, by: Requester): Promise<Receipt>;
  /** One measurement, oldest first, at most 20,000 points. @throws EngineError `unknown-twin`, `bad-input` */
  history(query: HistoryQuery, resolution: HistoryResolution): Promise<History>;
  /**
   * The bands of a state or a reported value over a span, at most 5,000; a span ends now at the latest.
   * @throws EngineError `unknown-twin`, `bad-input`
   */
  bands(address: Address, path: BandPath, span: Span, most?: number): Promise<Bands>;
  /** Folds the journal from the latest checkpoint and compares with the stored state. */
  replay(address: Address): Promise<ReplayReport>;
}

export function steeringService(core: Core, intents: IntentService): SteeringService {
  const { storage } = core;

  async function mustGet(address: Address): Promise<LoadedTwin> {
    const row = await storage.getTwin(address);
    if (!row) throw unknownTwin(address);
    return row;
  }

  /** A timer that is not there is ignored by its twin; who asked by hand wants to hear that. */
  async function onTimer(
    address: Address,
    event: EventData & { timer: string },
    by: Requester,
  ): Promise<Receipt> {
    const receipt = await core.post(requestEnvelope(core, address, event, by));
    assertAccepted(receipt);
    if (receipt.status !== 'ignored') return receipt;
    const { timers } = (await mustGet(address)).state;
    throw new EngineError('not-found', `${keyOf(address)} has no timer "${event.timer}"`, {
      hint: `It has: ${timers.map(({ id }) => id).join(', ') || 'none'}.`,
    });
  }

  return {
    async desire(address, patch, by, holdMs) {
      const event = { ...patch, type: 'desired.changed' };
      const envelope = requestEnvelope(core, address, event, by);
      if (holdMs === undefined) return core.post(envelope);
      return core.post({ ...envelope, claim: { priority: priorityOf(envelope), holdMs } });
    },

    async release(address, by, holder) {
      const event = { type: 'desired.released', ...(holder !== undefined && { holder }) };
      return core.post(requestEnvelope(core, address, event, by));
    },

    async command(address, { name, args, ttl }, by) {
      const kind = core.kinds.get((await mustGet(address)).kind);
      if (kind) specOf(kind, { name, args });
      const event = { type: 'command.requested', name, args, ...(ttl !== undefined && { ttl }) };
      const envelope = requestEnvelope(core, address, event, by);
      assertAccepted(await core.post(envelope));
      // A repeated request finds the intent that its first arrival made
      const filter = { twin: address.twin, cause: envelope.id };
      const { items } = await intents.listIntents(address.home, filter, { limit: 1 });
      const [intent] = items;
      if (!intent) throw new EngineError('not-found', `the command of ${envelope.id} is gone`);
      return intent;
    },

    fireTimer(address, timer, by) {
      const event = { type: 'timer.fired', timer, due: core.clock.now(), forced: true };
      return onTimer(address, event, by);
    },

    cancelTimer(address, timer, by) {
      return onTimer(address, { type: 'timer.cancelled', timer }, by);
    },

    async acknowledgeAlert(home, id, by) {
      const alert = await storage.getAlert(home, id);
      if (!alert) throw new EngineError('not-found', `home ${home} has no alert ${id}`);
      const event = { type: 'alert.acknowledged', alert: id, key: alert.key };
      return core.post(requestEnvelope(core, { home, twin: alert.twin }, event, by));
    },

    async history(query, resolution) {
      assertSpan(query);
      await mustGet(query);
      return readHistory(storage, query, resolution);
    },

    async bands(address, path, span, most) {
      assertSpan(span);
      const twin = await mustGet(address);
      // What is now holds in the very millisecond
      const to = Math.min(span.to, core.clock.now() + 1);
      if (span.from >= to) return { bands: [], to: span.from, truncated: false };
      return readBands({ storage, kinds: core.kinds }, twin, { path, from: span.from, to }, most);
    },

    replay: (address) => replay({ storage, kinds: core.kinds }, address),
  };
}

/** @throws EngineError `bad-input` */
function assertSpan({ from, to }: Span): void {
  if (from >= to) throw new EngineError('bad-input', '"from" must be before "to"');
}
