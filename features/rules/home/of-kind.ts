/** Twins of a home that are of one kind of this feature, and those that are not. */
import {
  type Address,
  type Engine,
  EngineError,
  mustReadTwin,
  type TwinReading,
} from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';

type FeatureKind = 'rule' | 'blueprint' | 'kit';

/** @throws EngineError `unknown-twin`, FeatureError `not-found` for a twin of another kind */
export async function mustReadOfKind(
  engine: Engine,
  { home, twin }: Address,
  kind: FeatureKind,
): Promise<TwinReading> {
  const reading = await mustReadTwin(engine, { home, twin });
  if (reading.row.kind === kind) return reading;
  throw new FeatureError('not-found', `"${twin}" is a ${reading.row.kind}, not a ${kind}`, {
    hint: `GET /v1/homes/${home}/${kind}s lists the ${kind}s.`,
  });
}

/** The one that is there, or null. @throws EngineError `conflict` where a twin of another kind has the id */
export async function mayBecome(
  engine: Engine,
  address: Address,
  kind: FeatureKind,
): Promise<TwinReading | null> {
  const existing = await engine.readTwin(address);
  if (!existing || existing.row.kind === kind) return existing;
  throw new EngineError('conflict', `"${address.twin}" is a ${existing.row.kind}, not a ${kind}`, {
    hint: 'Choose another id.',
  });
}
