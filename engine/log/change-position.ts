/** Where a change stands among those of its home: what a stream goes on from. */
export interface ChangePosition {
  /**
   * The epoch of the database when the turn was folded: two databases with the same past have the same positions for
   * different turns.
   */
  epoch: number;
  /** The position of the turn's row in the log. */
  seq: number;
  /** Which of the turn's changes. */
  n: number;
  /** Changes of no turn (a command was sent, a twin removed) are counted from the change before them. */
  aside: number;
}

/** `n` of a position at which everything up to its row has been told, whoever's row that is. */
const ALL = 2 ** 32 - 1;

/** The place after everything up to a row; known in memory only. */
export function positionAfter(epoch: number, seq: number): ChangePosition {
  return { epoch, seq, n: ALL, aside: 0 };
}

/** Whether it names a change of a turn, which the log has. */
export function isOfTurn({ n }: ChangePosition): boolean {
  return n !== ALL;
}

/** Compares two positions; below 0: `one` comes first. */
export function comparePositions(one: ChangePosition, other: ChangePosition): number {
  return one.seq - other.seq || one.n - other.n || one.aside - other.aside;
}

export function samePosition(one: ChangePosition, other: ChangePosition | null): boolean {
  return other !== null && comparePositions(one, other) === 0 && one.epoch === other.epoch;
}

/** Opaque to whoever is given it. */
export function positionText({ epoch, seq, n, aside }: ChangePosition): string {
  return [epoch, seq, n, aside].map((part) => part.toString(36)).join('.');
}

/** Null for what {@link positionText} does not give. */
export function parsePosition(text: string): ChangePosition | null {
  if (!/^(?:0|[1-9a-z][0-9a-z]{0,10})(?:\.(?:0|[1-9a-z][0-9a-z]{0,10})){3}$/.test(text))
    return null;
  const [epoch = 0, seq = 0, n = 0, aside = 0] = text
    .split('.')
    .map((part) => Number.parseInt(part, 36));
  if (![epoch, seq, n, aside].every(Number.isSafeInteger)) return null;
  return { epoch, seq, n, aside };
}
