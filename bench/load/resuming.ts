/** Apps that follow a home, are cut off again and again, and go on where they were: a process of its own. */
import { STREAM_DOORS, type StreamDoor, StreamReader } from '../stream-reader.ts';

export type ResumeOrder =
  | { type: 'follow'; url: string; token: string; home: string }
  /** Is cut off every `everyMs` for so many seconds, and then no more. */
  | { type: 'cut'; everyMs: number; seconds: number }
  /** Waits until each twin was told up to its revision, at most so long. */
  | { type: 'count'; revisions: Record<string, number>; withinSeconds: number };

export interface ResumeResult {
  door: StreamDoor;
  cuts: number;
  /** Turns, each once. */
  seen: number;
  missed: number;
  doubled: number;
  outOfOrder: number;
  /** How often it was told that it cannot go on, or has lost something. */
  gaps: number;
}

/** What one client was told. */
class Client {
  cuts = 0;
  gaps = 0;
  doubled = 0;
  outOfOrder = 0;
  readonly #door: StreamDoor;
  readonly #revisions = new Map<string, { first: number; last: number; seen: Set<number> }>();
  #reader: StreamReader | null = null;

  constructor(door: StreamDoor) {
    this.#door = door;
  }

  async follow({ url, token, home }: ResumeOrder & { type: 'follow' }): Promise<void> {
    this.#reader = await StreamReader.open({
      ...{ door: this.#door, url: () => url, token, home },
      onMessage: ({ event, data }) => {
        if (event === 'twin') this.#take(String(data['id']), Number(data['revision']));
        else if (event === 'gap' || event === 'lagged') this.gaps++;
      },
    });
  }

  cut(): void {
    this.cuts++;
    this.#reader?.cut();
  }

  hasSeen(revisions: Record<string, number>): boolean {
    return Object.entries(revisions).every(([twin, revision]) => {
      const known = this.#revisions.get(twin);
      return known !== undefined && known.last >= revision;
    });
  }

  result(): ResumeResult {
    let seen = 0;
    let missed = 0;
    for (const turns of this.#revisions.values()) {
      seen += turns.seen.size;
      missed += turns.last - turns.first + 1 - turns.seen.size;
    }
    const { cuts, gaps, doubled, outOfOrder } = this;
    return { door: this.#door, cuts, seen, missed, doubled, outOfOrder, gaps };
  }

  #take(twin: string, revision: number): void {
    const known = this.#revisions.get(twin);
    if (!known) {
      this.#revisions.set(twin, { first: revision, last: revision, seen: new Set([revision]) });
      return;
    }
    if (known.seen.has(revision)) this.doubled++;
    else if (revision < known.last) this.outOfOrder++;
    known.seen.add(revision);
    known.last = Math.max(known.last, revision);
    known.first = Math.min(known.first, revision);
  }
}

const LOOK_MS = 50;
const clients = STREAM_DOORS.map((door) => new Client(door));

async function cut({ everyMs, seconds }: ResumeOrder & { type: 'cut' }): Promise<void> {
  for (let left = Math.floor((seconds * 1_000) / everyMs); left > 0; left--) {
    await wait(everyMs);
    for (const client of clients) client.cut();
  }
}

async function count(order: ResumeOrder & { type: 'count' }): Promise<ResumeResult[]> {
  const until = performance.now() + order.withinSeconds * 1_000;
  while (!clients.every((client) => client.hasSeen(order.revisions))) {
    if (performance.now() > until) throw new Error('the streams do not come to their end');
    await wait(LOOK_MS);
  }
  return clients.map((client) => client.result());
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function obey(order: ResumeOrder): Promise<ResumeResult[] | null> {
  switch (order.type) {
    case 'follow':
      for (const client of clients) await client.follow(order);
      return null;
    case 'cut':
      await cut(order);
      return null;
    case 'count':
      return count(order);
  }
}

process.on('message', (order: ResumeOrder) => {
  obey(order).then(
    (result) => process.send?.({ type: 'done', result }),
    (error: unknown) => process.send?.({ type: 'failed', error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
