/**
 * Many envelopes folded into one commit: the only place where twins change. Effects are rows here,
 * deeds later.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Address, Envelope } from '../model/envelope.ts';
import { deadlineEnvelope, dueEvent } from '../turn/deadlines.ts';
import type { LiveTwin } from '../turn/live-twin.ts';
import { nextDue } from '../turn/timers.ts';
import { beginning, goesOn, type Item, NOISY_TURNS } from './cascade.ts';
import { firstTurn } from './first-turn.ts';
import {
  allOf,
  type BatchContext,
  type FoldedBatch,
  Folding,
  type Led,
  NOTHING,
} from './folding.ts';
import type { Mail } from './mail.ts';
import { nextTurn } from './next-turn.ts';
import { refusing } from './refuse.ts';

/** How long a batch is folded without a pause, ms. */
const STRETCH_MS = 10;
/** Due timers of one twin that one wake fires; the rest follows in the next batch. */
const WAKE_TURNS = 64;

/**
 * Folds mail of several homes into a commit; after each {@link STRETCH_MS} everyone else has the process. What
 * would hold up the others is left out: of a home in which one mail leads to more than {@link NOISY_TURNS} turns, or
 * whose rules take too long, nothing is folded at all, and the answer is that home.
 * @param now the turns' own time, epoch ms
 */
export async function foldBatch(
  context: BatchContext,
  mail: readonly Mail[],
  now: number,
): Promise<FoldedBatch | { noisy: ReadonlySet<string> }> {
  const folding = new Folding(context, now, NOISY_TURNS, turnOf);
  let from = performance.now();
  const slices = foldMail(folding, mail, () => performance.now() - from > STRETCH_MS);
  // How long it takes changes nothing of what comes of it, only who else has the process meanwhile
  while (!(await slices.next()).done) {
    await nextTick();
    from = performance.now();
  }
  return folding.noisy.size > 0 ? { noisy: folding.noisy } : folding.finish();
}

/**
 * Folds mail of one home, however much it leads to, and pauses after each slice of about so many turns, or of
 * {@link STRETCH_MS}: others have theirs meanwhile, as twins of two homes never meet.
 */
export async function* foldInSlices(
  context: BatchContext,
  mail: readonly Mail[],
  now: number,
  turns: number,
): AsyncGenerator<undefined, FoldedBatch> {
  const folding = new Folding(context, now, Number.POSITIVE_INFINITY, turnOf);
  const { commit } = folding;
  let pauseAt = turns;
  let from = performance.now();
  const isSpent = () => commit.turns >= pauseAt || performance.now() - from > STRETCH_MS;
  const slices = foldMail(folding, mail, isSpent);
  while (!(await slices.next()).done) {
    yield;
    pauseAt = commit.turns + turns;
    from = performance.now();
  }
  return folding.finish();
}

/** @param isSpent whether it is time for a pause */
async function* foldMail(
  folding: Folding,
  mail: readonly Mail[],
  isSpent: () => boolean,
): AsyncGenerator<undefined, void> {
  const { workingSet } = folding;
  await workingSet.load(mail.flatMap((m) => (m.type === 'task' ? [] : [addressOf(m)])));
  await workingSet.loadHomes(mail.flatMap((m) => (m.type === 'envelope' ? [m.envelope] : [])));
  let round: Item[] = [];
  for (const m of mail) {
    if (m.type === 'envelope') {
      const led = turnOf(folding, beginning(m.envelope, m.waiting));
      if (led.observe === null) round.push(...led.told);
      else for (const _ of allOf(led, round)) if (isSpent()) yield;
    } else if (m.type === 'wake') {
      for (const _ of wake(folding, m.address, round)) if (isSpent()) yield;
    }
    if (isSpent()) yield;
  }
  // What twins told each other arrives after what was in their mailboxes before
  while (round.length > 0) {
    await workingSet.load(round.map(({ envelope }) => envelope));
    const next: Item[] = [];
    for (const item of round) {
      const led = turnOf(folding, item);
      if (led.observe === null) next.push(...led.told);
      else for (const _ of allOf(led, next)) if (isSpent()) yield;
      if (isSpent()) yield;
    }
    round = next;
  }
}

/** One envelope. What follows from it has not happened yet. */
function turnOf(folding: Folding, item: Item): Led {
  const { envelope, cascade } = item;
  const { noisy, noisyTurns, workingSet } = folding;
  // Its batch of its own begins anew
  if (noisy.has(envelope.home)) return NOTHING;
  return refusing(folding, item, () => {
    if (!goesOn(item)) return NOTHING;
    folding.longestCascade = Math.max(folding.longestCascade, cascade.turns);
    if (cascade.turns > noisyTurns) {
      noisy.add(envelope.home);
      return NOTHING;
    }
    const twin = workingSet.twin(envelope);
    if (twin === null) return firstTurn(folding, item);
    return folding.costing(twin, () => nextTurn(folding, twin, item));
  });
}

/** Fires what is due of a twin; where nothing is, corrects the bound that woke it. */
function* wake(folding: Folding, address: Address, next: Item[]): Generator<undefined, void> {
  const { context, now, noisy } = folding;
  let twin = folding.readable(address);
  // Its deadlines stay as they are stored
  if (twin && context.heldBack.has(twin.kind)) return;
  for (let turns = 0; twin && turns < WAKE_TURNS && !noisy.has(twin.home); turns++) {
    const event = dueEvent(twin, now);
    if (!event) break;
    const fire = (what: typeof event, of: LiveTwin) =>
      turnOf(folding, beginning(deadlineEnvelope(of, what, now), null));
    yield* allOf(fire(event, twin), next);
    const after = folding.readable(address);
    // What fails would be due for ever: it passes unheard, and its dead letter keeps it
    if (after?.revision === twin.revision) {
      yield* allOf(fire({ ...event, failed: true }, twin), next);
    }
    twin = folding.readable(address);
    yield;
  }
  if (!twin) return;
  const wakeAt = nextDue(twin.state);
  if (wakeAt !== twin.wakeAt) folding.workingSet.rebound({ ...twin, wakeAt });
}

function addressOf(mail: Exclude<Mail, { type: 'task' }>): Address | Envelope {
  return mail.type === 'envelope' ? mail.envelope : mail.address;
}
