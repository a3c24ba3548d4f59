/** The generations of a projection: which answers, and which is being built. */
import type { GenerationRow } from '../../model/rows.ts';
import type { Storage } from '../../storage/port.ts';
import type { Projection } from './projection.ts';

type Generations = Pick<Storage, 'listGenerations' | 'beginGeneration' | 'endGeneration'>;

/**
 * Reads where a projection stands, and has it built where it is not, or is of another version.
 * @param now epoch ms
 */
export async function findGenerations(
  storage: Generations,
  { name, version }: Projection,
  now: number,
): Promise<{ active: GenerationRow | null; building: GenerationRow | null }> {
  const read = async () => {
    const { generations } = await storage.listGenerations();
    return generations.filter((one) => one.name === name);
  };
  let stored = await read();
  const building = stored.find(({ status }) => status === 'building');
  if (building && building.version !== version) {
    await storage.endGeneration(name, building.generation);
    stored = await read();
  }
  const isCurrent = (one: GenerationRow) => one.status === 'active' && one.version === version;
  if (!stored.some((one) => isCurrent(one) || one.status === 'building')) {
    await storage.beginGeneration(name, version, now);
    stored = await read();
  }
  // One of another version answers as it is: what would go on with it is gone
  return {
    active: stored.find(isCurrent) ?? null,
    building: stored.find(({ status }) => status === 'building') ?? null,
  };
}
