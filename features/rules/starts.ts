/** Tells rules that the engine has started, as those that have the trigger want to know. */
import { type Engine, type EventData, homesOf, type TwinRow, twinsOf } from '../../engine/index.ts';
import type { Context as RuleContext } from './kind/context.ts';
import { hearsStart } from './kind/program.ts';

/** Rules that are told at once: ten thousand must not come before everything else. */
const AT_ONCE = 50;

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
  let some: StartMessage[] = [];
  const tellSome = async () => {
    await Promise.all(some.map((message) => tell(engine, message, start)));
    some = [];
  };
  for await (const message of messagesOf(engine, start)) {
    if (stopping.aborted) return;
    some.push(message);
    if (some.length === AT_ONCE) await tellSome();
  }
  await tellSome();
}

interface StartMessage {
  home: string;
  twin: string;
  event: EventData;
}

async function* messagesOf(engine: Engine, start: Start): AsyncGenerator<StartMessage> {
  for await (const { id: home } of homesOf(engine)) {
    if (start.held !== null) {
      const { items } = await engine.storage.listTwins(home, { kind: 'rule' }, { limit: 1 });
      const event = { type: 'rules.held', reason: start.held };
      for (const { twin } of items) yield { home, twin, event };
      continue;
    }
    for await (const row of twinsOf(engine, home, { kind: 'rule' })) yield* messagesTo(row, start);
  }
}

function messagesTo({ home, twin, state }: TwinRow, { start }: Start): StartMessage[] {
  const { definition, enabled, memory } = state.context as unknown as RuleContext;
  const messages: StartMessage[] = [];
  if (memory.saysHeld) messages.push({ home, twin, event: { type: 'rules.held', reason: null } });
  if (enabled && definition !== null && hearsStart(definition))
    messages.push({ home, twin, event: { type: 'engine.started', start } });
  return messages;
}

async function tell(
  engine: Engine,
  { home, twin, event }: StartMessage,
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
