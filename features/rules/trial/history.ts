/** What happened in a home, once more: the turns of several twins in their order, and how the twins were then. */
import { observationOf, type PastTurn, pastOf, type Reader } from '../../../engine/index.ts';
import type { Aspect, Facts, Observation, Read } from '../../../engine/kind.ts';

/** A turn of the past, and the home as it was after it. */
export interface Happening {
  seen: Observation;
  past: PastTurn;
  /** What was to be read right after the turn, and until it. */
  facts: (reads: readonly Read[]) => Facts;
  factsBefore: (reads: readonly Read[]) => Facts;
}

export interface Span {
  /** Epoch ms, inclusive. */
  from: number;
  /** Epoch ms, exclusive. */
  to: number;
}

interface Line {
  turns: AsyncGenerator<PastTurn>;
  next: PastTurn | null;
}

/**
 * The turns of these twins in a span, merged. Turns of one moment come in the order of the twins given, but a
 * turn that followed from another comes after it.
 */
export async function* historyOf(
  reader: Reader,
  home: string,
  twins: readonly string[],
  span: Span,
): AsyncGenerator<Happening> {
  const aspects = new Map<string, Aspect>();
  const lines: Line[] = [];
  for (const twin of twins) {
    const turns = pastOf(reader, { home, twin }, span);
    const first = await turns.next();
    if (!first.done) {
      lines.push({ turns, next: first.value });
      const { before } = first.value;
      if (before) aspects.set(twin, observationOf(before, first.value.turned).before as Aspect);
      continue;
    }
    const reading = await reader.readTwin({ home, twin });
    // Nothing has happened to it in the span: it was as it is, unless it came later
    if (reading && reading.row.updatedAt < span.to) {
      const { row, view } = reading;
      const { reported, desired, settings } = view;
      const { room, state } = row;
      aspects.set(twin, {
        state: state.value as Aspect['state'],
        reported,
        desired,
        settings,
        room,
        alerts: Object.keys(state.alerts),
      });
    }
  }
  for (let line = earliest(lines); line?.next; line = earliest(lines)) {
    const past = line.next;
    const seen = observationOf(past.before, past.turned);
    aspects.set(seen.twin, seen.after);
    yield {
      seen,
      past,
      facts: (reads) => gather(reads, (twin) => aspects.get(twin) ?? null),
      factsBefore: (reads) =>
        gather(reads, (twin) => (twin === seen.twin ? seen.before : (aspects.get(twin) ?? null))),
    };
    const following = await line.turns.next();
    line.next = following.done ? null : following.value;
  }
}

/** The line whose next turn was first; of one moment, one that nothing else of that moment led to. */
function earliest(lines: readonly Line[]): Line | null {
  let first: Line | null = null;
  const waiting = new Set(lines.flatMap(({ next }) => (next ? [idOf(next)] : [])));
  for (const line of lines) {
    if (!line.next) continue;
    if (!first?.next) {
      first = line;
      continue;
    }
    const { receivedAt } = line.next.row;
    const soFar = first.next.row.receivedAt;
    if (receivedAt < soFar || (receivedAt === soFar && waiting.has(causeOf(first.next))))
      first = line;
  }
  return first;
}

function idOf({ row }: PastTurn): string {
  return `${row.home}/${row.twin}@${row.revision}`;
}

/** The turn that led to this one, by the id of its event: `home/twin@revision` before `#` or `>`. */
function causeOf({ row }: PastTurn): string {
  return row.eventId.split(/[#>]/)[0] ?? '';
}

function gather(reads: readonly Read[], aspectOf: (twin: string) => Aspect | null): Facts {
  const facts: Facts = {};
  for (const { twin, path } of reads) {
    const aspect = aspectOf(twin);
    if (!aspect) continue;
    // The whole area: history is read here, not stored
    const [area] = path;
    if (area === undefined) continue;
    const value = (aspect as unknown as Facts[string])[area];
    if (value !== undefined) facts[twin] = { ...facts[twin], [area]: value };
  }
  return facts;
}
