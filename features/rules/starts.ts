/** Tells rules that the engine has started, as those that have the trigger want to know. */
import type { Engine, EventData, Page, PageRequest, TwinRow } from '../../engine/index.ts';
import type { Context as RuleContext } from './kind/context.ts';
import { hearsStart } from './kind/program.ts';

/** Rules that are told at once: ten thousand must not come before everything else. */
const AT_ONCE = 50;
const PAGE = 200;

/** A start of the engine, as rules are told of it. */
export interface Start {
  /** Names it. */
  start: string;
  /** Why rules are held back; null: they are not. */
  held: string | null;
}

/**
 * Each rule once, one page after the other. A start that ends on the way has not told the rest; the next one
 * tells all. While rules are held back, one rule of each home says so.
 * @param stopping leaves off
 */
export async function tellStart(
  engine: Engine,
  start: Start,
  stopping: AbortSignal,
): Promise<void> {
  for await (const letters of lettersOf(engine, start)) {
    for (let at = 0; at < letters.length; at += AT_ONCE) {
      if (stopping.aborted) return;
      const some = letters.slice(at, at + AT_ONCE);
      await Promise.all(some.map((letter) => tell(engine, letter, start)));
    }
  }
}

interface Letter {
  home: string;
  twin: string;
  event: EventData;
}

async function* lettersOf(engine: Engine, start: Start): AsyncGenerator<Letter[]> {
  const { storage } = engine;
  for await (const homes of pagesOf((page) => storage.listHomes(page))) {
    for (const { id: home } of homes) {
      if (start.held !== null) {
        const { items } = await storage.listTwins(home, { kind: 'rule' }, { limit: 1 });
        const event = { type: 'rules.held', reason: start.held };
        yield items.map(({ twin }) => ({ home, twin, event }));
        continue;
      }
      for await (const rows of pagesOf((page) => storage.listTwins(home, { kind: 'rule' }, page))) {
        yield rows.flatMap((row) => lettersTo(row, start));
      }
    }
  }
}

function lettersTo({ home, twin, state }: TwinRow, { start }: Start): Letter[] {
  const { definition, enabled, memory } = state.context as unknown as RuleContext;
  const letters: Letter[] = [];
  if (memory.saysHeld) letters.push({ home, twin, event: { type: 'rules.held', reason: null } });
  if (enabled && definition !== null && hearsStart(definition))
    letters.push({ home, twin, event: { type: 'engine.started', start } });
  return letters;
}

async function tell(
  engine: Engine,
  { home, twin, event }: Letter,
  { start }: Start,
): Promise<void> {
  const id = `start:${start}${event.type === 'rules.held' ? ':held' : ''}`;
  await engine.hasRoom(home);
  // Refused only where the rule has gone meanwhile
  await engine.tell({
    ...{ home, twin, id, dedupe: true, event },
    ...{ at: engine.clock.now(), undated: true, principal: 'engine' },
    ...{ ifUnknown: 'reject', answered: true },
  });
}

async function* pagesOf<T>(read: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T[]> {
  let cursor: string | undefined;
  do {
    const page = await read({ limit: PAGE, cursor });
    yield page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
