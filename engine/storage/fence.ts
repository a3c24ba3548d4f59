import { EngineError } from '../model/errors.ts';
import type { Commit } from './port.ts';

/** A row of the `writer` table, whose key is called `shard`, as each had one. */
export interface Fence {
  epoch: number;
  seq: number;
}

/**
 * Why a commit did not pass the fence.
 * @throws EngineError `fenced`, unless this very commit is stored already and only its answer was lost
 */
export function assertStored(
  { writer, epoch, seq }: Pick<Commit, 'writer' | 'epoch' | 'seq'>,
  fence: Fence | undefined,
): void {
  if (fence?.epoch === epoch && fence.seq >= seq) return;
  const found = fence ? `epoch ${fence.epoch}, seq ${fence.seq}` : 'no writer';
  throw new EngineError(
    'fenced',
    `writer ${writer}: epoch ${epoch}, seq ${seq} does not follow what is stored (${found})`,
    { hint: 'Another engine has taken this database over; this one must stop writing.' },
  );
}

/**
 * @param present undefined: another one, or none
 * @throws EngineError `fenced` when another engine has taken over since
 */
export function assertEpoch(epoch: number, present: number | undefined): void {
  if (epoch === present) return;
  throw new EngineError(
    'fenced',
    `epoch ${epoch} is not the present one${present === undefined ? '' : ` (${present})`}`,
    {
      hint: 'Another engine has taken this database over; this one must stop writing.',
    },
  );
}
