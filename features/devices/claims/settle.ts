import {
  type Address,
  assertDeviceKind,
  type Engine,
  EngineError,
  keyOf,
  type Requester,
  type TwinReading,
} from '../../../engine/index.ts';

/** A device that somebody has claimed. */
export interface Settler extends Address {
  kind: string;
  name?: string | undefined;
  room?: string | null | undefined;
}

/**
 * Makes the twin of a claimed device, or finds the one that it had before, whose history goes on.
 * @throws EngineError `conflict` for a twin of another kind, `unknown-kind` also for what is no device, `unknown-home`, `bad-input`
 */
export async function settle(engine: Engine, device: Settler, by: Requester): Promise<TwinReading> {
  const { home, twin, kind, name, room } = device;
  const address = { home, twin };
  assertDeviceKind(engine.kinds, kind);
  const known = await engine.readTwin(address);
  const waiting = known ? null : await engine.storage.getCandidate(address);
  const has = known?.row.kind ?? waiting?.kind ?? kind;
  if (has !== kind) {
    throw new EngineError('conflict', `${keyOf(address)} is a ${has}, and the device a ${kind}`, {
      hint: 'Claim it under another id.',
    });
  }
  if (known) return known;
  const as = { ...(name !== undefined && { name }), ...(room !== undefined && { room }) };
  if (waiting) return await engine.acceptCandidate(address, as, by);
  return await engine.createTwin({ ...address, kind, ...as }, by);
}
