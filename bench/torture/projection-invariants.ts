import { type GenerationRow, type LogRow, type Storage, statusesOf } from '../../engine/index.ts';
import { type Activity, activity } from '../../features/activity/activity.ts';

/** Positions of the log that are read at once, and rows. */
const PAGE = 5_000;

/** A projection as it is stored, and as the journal up to its cursor has it. */
export interface ProjectionEvidence {
  generation: GenerationRow;
  /** By home, twin and key. */
  stored: Map<string, string>;
  computed: Map<string, string>;
}

/** What answers of `activity`; null: nothing does yet. */
export async function projectionEvidence(
  storage: Storage,
  homes: readonly string[],
): Promise<ProjectionEvidence | null> {
  const statuses = statusesOf(await storage.listGenerations(), Date.now());
  const generation = statuses.find(({ status }) => status === 'active');
  if (!generation) return null;
  const stored = new Map<string, string>();
  for (const home of homes) {
    const of = { name: activity.name, home, from: '', to: '~', after: null };
    for (const row of [
      ...(await storage.listProjected({ ...of, twin: '' }, PAGE)),
      ...(await storage.listProjected({ ...of, twin: null }, PAGE)),
    ]) {
      stored.set(`${home}/${row.twin} ${row.key}`, textOf(row.value as Activity));
    }
  }
  const values = new Map<string, Activity>();
  for (let at = 0; at < generation.cursor; ) {
    const { rows, upTo } = await storage.readLogSlice(at, generation.cursor, PAGE);
    for (const turn of rows) add(values, turn);
    at = upTo;
  }
  const computed = new Map([...values].map(([id, value]) => [id, textOf(value)]));
  return { generation, stored, computed };
}

function add(values: Map<string, Activity>, turn: LogRow): void {
  for (const key of activity.keysOf(turn)) {
    const id = `${turn.home}/${key.of === 'home' ? '' : turn.twin} ${key.key}`;
    const value = activity.apply(values.get(id) ?? null, turn, key);
    if (value) values.set(id, value);
  }
}

function textOf({ turns, commands, alerts, late }: Activity): string {
  const sorted = Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ turns, commands: sorted, alerts, late });
}

/** Each turn up to the cursor counts once, and none is left out. */
export function projectionViolations(evidence: ProjectionEvidence | null): string[] {
  if (evidence === null) return ['no projection answers'];
  const { generation, stored, computed } = evidence;
  const wrong: string[] = [];
  const { name, cursor, skipped, error } = generation;
  if (skipped > 0) wrong.push(`projection ${name} left ${skipped} turns out: ${error}`);
  for (const id of new Set([...stored.keys(), ...computed.keys()])) {
    const [is, ought] = [stored.get(id), computed.get(id)];
    if (is === ought) continue;
    wrong.push(`projection ${name} up to ${cursor} has of ${id}: ${is}; the journal: ${ought}`);
  }
  return wrong;
}
