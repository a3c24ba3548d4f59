/** Reads that answer 404 themselves, in the engine's words. */
import {
  type Address,
  assertDeviceKind,
  type Engine,
  EngineError,
  type HomeRow,
  keyOf,
  type TwinReading,
} from '../../engine/index.ts';
import { assertAddress, assertHome } from './parameters.ts';

/** @throws EngineError `unknown-home` */
export async function mustReadHome(engine: Engine, home: string): Promise<HomeRow> {
  assertHome(home);
  const found = await engine.storage.getHome(home);
  if (found) return found;
  throw new EngineError('unknown-home', `there is no home ${home}`, {
    hint: 'GET /v1/homes lists them.',
  });
}

/** @throws EngineError `unknown-twin` */
export async function mustReadTwin(engine: Engine, address: Address): Promise<TwinReading> {
  assertAddress(address);
  const reading = await engine.readTwin(address);
  if (reading) return reading;
  throw new EngineError('unknown-twin', `there is no twin ${keyOf(address)}`, {
    hint: `GET /v1/homes/${address.home}/twins lists the twins of the home.`,
  });
}

/**
 * A twin that a device can speak for. One of a kind that is not loaded any more stays what it was.
 * @throws EngineError `unknown-twin`, `unknown-kind` for a twin that stands for no device
 */
export async function mustReadDevice(engine: Engine, address: Address): Promise<TwinReading> {
  const reading = await mustReadTwin(engine, address);
  const { kind } = reading.row;
  if (engine.kinds.has(kind)) assertDeviceKind(engine.kinds, kind);
  return reading;
}
