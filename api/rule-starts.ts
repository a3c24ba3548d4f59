/** Tells rules that the engine has started, as those that have the trigger want to know. */
import type { Engine, Page, PageRequest } from '../engine/index.ts';
import { hearsStart, type RuleContext } from '../rules/index.ts';

/** Rules that are told at once: ten thousand must not come before everything else. */
const AT_ONCE = 50;
const PAGE = 200;

/**
 * Each rule once, one page after the other. A start that ends on the way has not told the rest; the next one
 * tells all.
 * @param start names this start
 * @param stopping leaves off
 */
export async function tellStart(
  engine: Engine,
  start: string,
  stopping: AbortSignal,
): Promise<void> {
  for await (const rules of rulesThatHear(engine)) {
    if (stopping.aborted) return;
    await Promise.all(rules.map((address) => tell(engine, address, start)));
  }
}

async function* rulesThatHear(engine: Engine) {
  const { storage } = engine;
  for await (const homes of pagesOf((page) => storage.listHomes(page))) {
    for (const { id: home } of homes) {
      for await (const rows of pagesOf((page) => storage.listTwins(home, { kind: 'rule' }, page))) {
        const those = rows.filter(({ state }) => {
          const { definition, enabled } = state.context as unknown as RuleContext;
          return enabled && definition !== null && hearsStart(definition);
        });
        for (let at = 0; at < those.length; at += AT_ONCE) yield those.slice(at, at + AT_ONCE);
      }
    }
  }
}

async function tell(
  engine: Engine,
  { home, twin }: { home: string; twin: string },
  start: string,
): Promise<void> {
  const id = `start:${start}`;
  await engine.hasRoom(home);
  // Refused only where the rule has gone meanwhile
  await engine.tell({
    ...{ home, twin, id, dedupe: true, event: { type: 'engine.started', start } },
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
