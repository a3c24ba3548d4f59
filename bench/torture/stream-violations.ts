/** Streams that are cut off and go on: each change once and in order, or an explicit gap. */
import type { Evidence } from './evidence.ts';
import type { Followed } from './follower.ts';

/** After these a stream begins anew. */
const HOLES: ReadonlySet<string> = new Set(['gap', 'lagged']);
/** A stream is never told so that goes on after its own last message. */
const WRONG_REASONS: ReadonlySet<unknown> = new Set(['malformed', 'unknown', 'kind-changed']);
/** An intent never goes back. */
const STAGES = ['pending', 'sent', 'acked'];
const ENDED = STAGES.length;

/** @param settledAt epoch ms: what was so then, the stream was waited for to tell */
export function streamViolations(
  followed: Followed,
  evidence: Evidence,
  settledAt: number,
): string[] {
  const wrong = [
    ...repetitions(followed),
    ...reasons(followed),
    ...turns(followed),
    ...intents(followed, evidence, settledAt),
  ];
  return wrong.map((text) => `${followed.door} of ${followed.home}: ${text}`);
}

export function gapsOf({ told }: Followed): number {
  return told.filter(({ event }) => HOLES.has(event)).length;
}

function repetitions({ told }: Followed): string[] {
  const ids = new Set<string>();
  const wrong: string[] = [];
  for (const { event, id } of told) {
    if (id === undefined || HOLES.has(event)) continue;
    if (ids.has(id)) wrong.push(`${event} ${id} was told twice`);
    ids.add(id);
  }
  return wrong;
}

function reasons({ told }: Followed): string[] {
  return told
    .filter(({ event, data }) => event === 'gap' && WRONG_REASONS.has(data['reason']))
    .map(({ data }) => `told of a gap that is none: ${String(data['reason'])}`);
}

/** Revisions of each twin rise by one, but over a gap. */
function turns({ told }: Followed): string[] {
  const wrong: string[] = [];
  const last = new Map<string, number>();
  const doubtful = new Set<string>();
  for (const { event, data } of told) {
    if (HOLES.has(event)) for (const twin of last.keys()) doubtful.add(twin);
    if (event !== 'twin') continue;
    const twin = String(data['id']);
    const revision = Number(data['revision']);
    const before = last.get(twin);
    last.set(twin, revision);
    const mayMiss = doubtful.delete(twin);
    if (before === undefined || revision === before + 1) continue;
    if (revision <= before) wrong.push(`${twin}@${revision} was told after ${twin}@${before}`);
    else if (!mayMiss) wrong.push(`${twin}@${before + 1} was not told, ${twin}@${revision} was`);
  }
  return wrong;
}

/** An intent goes forward only; of one that was told of from its beginning, the end is told, once. */
function intents(followed: Followed, evidence: Evidence, settledAt: number): string[] {
  const wrong: string[] = [];
  const stages = new Map<string, number>();
  for (const { event, data } of followed.told) {
    if (event !== 'intent') continue;
    const id = String(data['id']);
    const status = String(data['status']);
    const at = STAGES.indexOf(status);
    const stage = at < 0 ? ENDED : at;
    const before = stages.get(id) ?? -1;
    if (stage < before || before === ENDED) wrong.push(`${id} became ${status} after its time`);
    stages.set(id, Math.max(stage, before));
  }
  if (gapsOf(followed) > 0) return wrong;
  for (const [id, stage] of stages) {
    const intent = evidence.intents.get(id);
    if (stage === ENDED || !intent || intent.endedAt === null) continue;
    if (intent.endedAt < settledAt) wrong.push(`${id} is ${intent.status}, which was not told`);
  }
  return wrong;
}
