/**
 * What a principal sees of what a home tells: one table, asked by the routes that read and by the streams, so that
 * no stream shows what a route refuses.
 */
import type { Identity, Principal } from '../../identity/index.ts';
import { authoredKinds } from '../kinds/built-in.ts';
import type { LiveMessage } from '../live/message.ts';
import { Refusal } from '../problem.ts';
import type { Action } from './permissions.ts';

/** The action of the table of permissions that it takes to see a thing, by what is shown. */
export const SHOWN = {
  /** A twin as it is. */
  twin: 'twin.read',
  /** A turn: what a twin was told and by whom, and what it asked for. */
  turn: 'twin.explain',
  /** A turn of a twin that holds what an author wrote: its source, its variables, bodies of webhooks. */
  authored: 'rules.read',
  /** A command and what became of it. */
  intent: 'home.explain',
  alert: 'alerts.read',
} as const satisfies Record<string, Action>;

/** Kinds whose turns show what an author wrote. */
const AUTHORED: ReadonlySet<string> = new Set(authoredKinds.map(({ kind }) => kind));

export type Ask = (action: Action, home: string, twin: string | null) => Promise<boolean>;

export function askAs(identity: Pick<Identity, 'decide'>, principal: Principal | null): Ask {
  return async (action, home, twin) => (await identity.decide(principal, action, home, twin)).may;
}

/** Rights to a twin that has been removed: who was granted another of its name since has none of that to it. */
export function askOfRemoved(may: Ask): Ask {
  return (action, home) => may(action, home, null);
}

/** Whether somebody sees what happened in turns of a twin. */
async function seesTurns(
  may: Ask,
  { home, twin, kind }: { home: string; twin: string; kind: string },
): Promise<boolean> {
  if (!(await may(SHOWN.turn, home, twin))) return false;
  return !AUTHORED.has(kind) || (await may(SHOWN.authored, home, twin));
}

/** @throws Refusal for who does not see what happened to a twin, or to those of a home */
export async function assertMayExplain(
  may: Ask,
  home: string,
  twin: string | null = null,
): Promise<void> {
  if (await may(SHOWN.turn, home, twin)) return;
  throw new Refusal('forbidden', `that needs the permission ${SHOWN.turn} too`, {
    hint: 'docs/permissions.md shows who has it.',
  });
}

/** Kinds whose turns somebody does not see, of those in a home whose turns they see. */
export async function hiddenKinds(may: Ask, home: string): Promise<string[]> {
  return (await may(SHOWN.authored, home, null)) ? [] : [...AUTHORED];
}

/** @throws Refusal for who does not see them, and may read other twins */
export async function assertSeesTurns(
  may: Ask,
  twin: { home: string; twin: string; kind: string },
): Promise<void> {
  await assertMayExplain(may, twin.home, twin.twin);
  if (await seesTurns(may, twin)) return;
  throw new Refusal('forbidden', `the past of a ${twin.kind} shows what its author wrote`, {
    hint: `That needs the permission ${SHOWN.authored} too: docs/permissions.md shows who has it.`,
  });
}

/** A message of a stream as far as somebody sees it; null: nothing of it. Asked anew for each, as rights change. */
export async function seen(may: Ask, message: LiveMessage): Promise<LiveMessage | null> {
  switch (message.event) {
    case 'hello':
    case 'snapshot.end':
    case 'lagged':
    case 'gap':
    case 'position':
      return message;
    case 'snapshot':
    case 'twin.removed': {
      const { home, id } = message.data;
      return (await may(SHOWN.twin, home, id)) ? message : null;
    }
    case 'twin': {
      const { home, id, kind } = message.data;
      if (!(await may(SHOWN.twin, home, id))) return null;
      if (await seesTurns(may, { home, twin: id, kind })) return message;
      const { event: _event, eventId, cause, correlation, effects, ...twin } = message.data;
      return { event: 'twin', data: twin };
    }
    case 'intent':
      return (await may(SHOWN.intent, message.data.home, message.data.twin)) ? message : null;
    case 'alert':
      return (await may(SHOWN.alert, message.data.home, message.data.twin)) ? message : null;
  }
}
