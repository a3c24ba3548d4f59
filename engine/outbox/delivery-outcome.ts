import { messageOf } from '../model/errors.ts';
import type { DeadLetterRow, DeliveryRow } from '../model/rows.ts';
import type { Behind, DeliveryOutcome, Sink } from './sink.ts';

/** Tries of what never expires; anything else is tried until it does. */
const MAX_ATTEMPTS = 100;
const NO_OUTCOME: DeliveryOutcome = { status: 'retry', error: 'the sink gave no outcome' };

/** Hands rows to a sink. @returns an outcome for each; a throw is one of the whole destination */
async function outcomesOf(
  sink: Sink,
  rows: readonly DeliveryRow[],
  behind: Behind,
): Promise<DeliveryOutcome[]> {
  try {
    const outcomes = await sink.deliver(rows, behind);
    return rows.map((_, index) => outcomes[index] ?? NO_OUTCOME);
  } catch (error) {
    const away: DeliveryOutcome = {
      ...{ status: 'retry', error: messageOf(error), scope: 'destination' },
    };
    return rows.map(() => away);
  }
}

/** Hands each row to the first sink that carries it, or to the one for all others. @returns an outcome for each */
export async function outcomesAmong(
  carriers: readonly Sink[],
  others: Sink,
  rows: readonly DeliveryRow[],
  behind: Behind,
): Promise<DeliveryOutcome[]> {
  if (carriers.length === 0) return await outcomesOf(others, rows, behind);
  const carried = new Map<Sink, DeliveryRow[]>();
  for (const row of rows) {
    const sink = carriers.find((one) => one.carries?.(row)) ?? others;
    const its = carried.get(sink);
    if (its) its.push(row);
    else carried.set(sink, [row]);
  }
  const outcomes = new Map<DeliveryRow, DeliveryOutcome>();
  await Promise.all(
    [...carried].map(async ([sink, its]) => {
      for (const [at, outcome] of (await outcomesOf(sink, its, behind)).entries()) {
        outcomes.set(its[at] as DeliveryRow, outcome);
      }
    }),
  );
  return rows.map((row) => outcomes.get(row) ?? NO_OUTCOME);
}

/** Whether a row that was not delivered is given up. Whose device is away waits for it, however long. */
export function isLastTry(
  { expiresAt, attempts }: DeliveryRow,
  outcome: DeliveryOutcome & { status: 'retry' },
): boolean {
  return expiresAt === null && outcome.isAway !== true && attempts + 1 >= MAX_ATTEMPTS;
}

export function deadLetterOf(
  row: DeliveryRow,
  outcome: Exclude<DeliveryOutcome, { status: 'delivered' }>,
  destination: string,
  id: string,
  at: number,
): DeadLetterRow {
  const { home, twin, attempts } = row;
  return {
    ...{ id, home, twin, at },
    source: destination,
    code: 'delivery-failed',
    error: outcome.error,
    hint: outcome.status === 'refused' ? (outcome.hint ?? null) : 'Given up after many tries.',
    attempts: attempts + 1,
    content: { type: 'delivery', outbox: row },
  };
}
