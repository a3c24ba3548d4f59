import { z } from 'zod';
import { type Engine, mustReadHome, mustReadTwin } from '../../engine/index.ts';
import { FeatureError } from '../contract/feature-error.ts';
import { iso, MomentText } from '../contract/moment.ts';
import { HomePath, QueryText } from '../contract/parameters.ts';
import { type FeatureRoute, route } from '../contract/route.ts';
import { ACTIVITY, added, dayOf, NOTHING } from './activity.ts';
import { HomeActivity } from './home-activity.ts';
import { type Days, MAX_DAYS, rankTwins, readDays } from './read-activity.ts';

const DAY_MS = 24 * 60 * 60_000;
const WEEK_DAYS = 7;
/** Whose year has four digits. */
const FIRST_DAY = Date.parse('0000-01-01T00:00:00Z') / DAY_MS;
const LAST_DAY = Date.parse('9999-12-31T00:00:00Z') / DAY_MS;

const ActivityQuery = z.object({
  from: MomentText.optional().describe(
    'ISO 8601 or epoch ms; its UTC day is the first one. Default: six days before the last.',
  ),
  to: MomentText.optional().describe(
    'ISO 8601 or epoch ms; the UTC day before or at which it lies is the last one. Default: today.',
  ),
  twin: QueryText.optional().describe('Only of this twin.'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(200)
    .default(20)
    .describe('Twins in the answer, at most.'),
});

export function activityRoutes(engine: Engine): FeatureRoute[] {
  return [
    route({
      method: 'GET',
      path: '/homes/:home/activity',
      action: 'home.explain',
      operationId: 'readActivity',
      tags: ['Explaining'],
      summary: 'Read how much goes on in a home, and which twins have most of it',
      description:
        'Which device reports most, which gets most commands: counts by UTC days, of the home as a whole and of its twins. Days of twins that were deleted are gone, but count in the home until this is rebuilt. Turns that show what an author wrote are counted in the home, and by themselves for who may read that.',
      params: HomePath,
      query: ActivityQuery,
      answer: { description: 'What went on.', schema: HomeActivity },
      problems: ['not-found', 'refused'],
      async handle({ params: { home }, query, visibility }) {
        await mustReadHome(engine, home);
        await visibility.assertMayExplain(home, query.twin ?? null);
        if (query.twin !== undefined) {
          const { row } = await mustReadTwin(engine, { home, twin: query.twin });
          await visibility.assertSeesTurns(row);
        }
        const days = daysOf(query, engine.clock.now());
        const { twin } = query;
        const [read, told] = await Promise.all([
          readDays(engine, { home, twin: twin ?? '' }, days),
          standingOf(engine),
        ]);
        const total = read.reduce((sum, { activity }) => added(sum, activity), NOTHING);
        const answer = {
          ...{ home, ...days, ...told, total },
          days: read.map(({ day, activity }) => ({ day, ...activity })),
        };
        if (twin !== undefined) return { ...answer, twin };
        const hidden = await visibility.hiddenKinds(home);
        return { ...answer, twins: await topTwins(engine, home, days, hidden, query.limit) };
      },
    }),
  ];
}

/** @throws FeatureError `malformed`, `bad-input` for a span that is none, or too long */
function daysOf({ from, to }: { from?: number | undefined; to?: number | undefined }, now: number) {
  const end = Math.min(Math.ceil((to ?? now + 1) / DAY_MS), LAST_DAY);
  const begin = from === undefined ? end - WEEK_DAYS : Math.floor(from / DAY_MS);
  if (begin >= end) throw new FeatureError('malformed', '"from" must be before "to"');
  if (end - begin > MAX_DAYS) {
    throw new FeatureError('bad-input', `at most ${MAX_DAYS} days at once`, {
      hint: 'Ask again for the days before or after.',
    });
  }
  return { from: dayOf(Math.max(begin, FIRST_DAY) * DAY_MS), to: dayOf(end * DAY_MS) };
}

/** Twins that are looked at together, at least. */
const LEAST_PAGE = 200;

/** The span in which turns are counted. */
async function standingOf(engine: Engine) {
  const generations = (await engine.listProjections()).filter(({ name }) => name === ACTIVITY);
  const answers = generations.find(({ status }) => status !== 'building');
  const { since = null, appliedAt = null } = answers ?? {};
  const momentOf = (moment: number | null) => (moment === null ? null : iso(moment));
  return { since: momentOf(since), upTo: momentOf(appliedAt) };
}

async function topTwins(
  engine: Engine,
  home: string,
  days: Days,
  hidden: readonly string[],
  limit: number,
) {
  const ranked = await rankTwins(engine, home, days);
  const top = [];
  // A page of them at a time: whether one is shown depends on its kind
  const page = Math.max(limit, LEAST_PAGE);
  for (let at = 0; at < ranked.length && top.length < limit; at += page) {
    const some = ranked.slice(at, at + page);
    const loaded = await engine.storage.load(some.map(({ twin }) => ({ home, twin })));
    const rows = new Map(loaded.map((row) => [row.twin, row]));
    for (const { twin, activity } of some) {
      const row = rows.get(twin);
      if (!row || hidden.includes(row.kind)) continue;
      top.push({ twin, kind: row.kind, name: row.name, ...activity });
    }
  }
  return top.slice(0, limit);
}
