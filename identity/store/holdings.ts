import type { Selectable } from 'kysely';
import type { Tell } from '../changes.ts';
import type { Writing } from './atomically.ts';
import type { Tables } from './tables.ts';

type Row<T extends keyof Tables> = Selectable<Tables[T]>;

/** How rows of a table hang on a home, and on a twin of it. */
type Holding<T extends keyof Tables> =
  /** Nothing of it is about a home, or the home is in no column. */
  | 'apart'
  /** Stays when the home goes, under its incarnation. */
  | 'kept'
  | {
      /** The column with the twin's id; absent: its rows are about the home as a whole. */
      twin?: keyof Row<T> & string;
      /** The column with a JSON list of ids of twins. */
      twins?: keyof Row<T> & string;
      /** `released`: the row stays and belongs to nobody. Default: it is deleted. */
      released?: Partial<Row<T>>;
      /** Deleted after the others: rows elsewhere name it. */
      last?: true;
      tell?: (row: Row<T>, tell: Tell) => void;
    };

/**
 * What belongs to a home or a twin: the only list. The deletion of both goes by it; each table is in it, or it
 * does not compile, and a test compares it with the columns of the store.
 */
export const HOLDINGS: { readonly [T in keyof Tables]: Holding<T> } = {
  ownership: { tell: ({ home, person }, tell) => tell({ type: 'membership', home, person }) },
  membership: {
    twins: 'twins',
    tell: ({ home, person }, tell) => tell({ type: 'membership', home, person }),
  },
  invitation: { twins: 'twins' },
  apiKey: { tell: ({ id }, tell) => tell({ type: 'key-changed', key: id }) },
  deviceCredential: {
    twin: 'twin',
    tell: ({ home, twin }, tell) => tell({ type: 'device-changed', home, twin }),
  },
  gatewayDevice: { twin: 'twin' },
  gateway: { last: true },
  claimCode: { twin: 'twin' },
  enrolment: { twin: 'twin', released: { home: null, twin: null, claimedAt: null } },
  ruleHook: { twin: 'rule' },
  homeSecret: {},
  homePolicy: {},
  closingTwin: { twin: 'twin' },
  homeIncarnation: 'kept',
  audit: 'kept',
  person: 'apart',
  registration: 'apart',
  oneTimeCode: 'apart',
  session: 'apart',
  refreshToken: 'apart',
  providerIdentity: 'apart',
  factoryToken: 'apart',
  dailyCount: 'apart',
  secondFactor: 'apart',
  recoveryCode: 'apart',
};

type Held = Exclude<Holding<'deviceCredential'>, string>;

/** Tables with rows about a home, in the order in which they are emptied. */
const HELD = (Object.entries(HOLDINGS) as [keyof Tables, Holding<never>][])
  .flatMap(([table, holding]) => (typeof holding === 'string' ? [] : [{ table, holding }]))
  .sort((one, other) => Number(one.holding.last ?? false) - Number(other.holding.last ?? false));

/**
 * Takes all that belongs to a home.
 * @param except a table whose rows stay for now
 */
export async function emptyHome(
  writing: Writing,
  home: string,
  tell: Tell,
  except?: keyof Tables,
): Promise<void> {
  for (const { table, holding } of HELD) {
    if (table !== except) await take(writing, table, holding as Held, { home }, tell);
  }
}

/** Takes all that belongs to a twin: what names it alone goes, lists go on without it. */
export async function emptyTwin(
  writing: Writing,
  { home, twin }: { home: string; twin: string },
  tell: Tell,
): Promise<void> {
  for (const { table, holding } of HELD) {
    const held = holding as Held;
    if (table === 'closingTwin') continue;
    if (held.twin !== undefined) {
      await take(writing, table, held, { home, [held.twin]: twin }, tell);
    } else if (held.twins !== undefined) await strike(writing, table, held, home, twin, tell);
  }
}

/** The table, with only those columns known that all of these have. */
function as(table: keyof Tables): 'deviceCredential' {
  return table as 'deviceCredential';
}

async function take(
  writing: Writing,
  table: keyof Tables,
  { released, tell: announce }: Held,
  whose: Record<string, string>,
  tell: Tell,
): Promise<void> {
  const rows = released
    ? await writing
        .updateTable(as(table))
        .set(released)
        .where((is) => is.and(whose))
        .returningAll()
        .execute()
    : await writing
        .deleteFrom(as(table))
        .where((is) => is.and(whose))
        .returningAll()
        .execute();
  for (const row of rows) announce?.(row, tell);
}

async function strike(
  writing: Writing,
  table: keyof Tables,
  { tell: announce }: Held,
  home: string,
  twin: string,
  tell: Tell,
): Promise<void> {
  // Both tables with lists have these columns
  const lists = table as 'membership';
  const rows = await writing
    .selectFrom(lists)
    .selectAll()
    .where('home', '=', home)
    .where('twins', 'is not', null)
    .execute();
  for (const row of rows) {
    const twins = JSON.parse(row.twins ?? '[]') as string[];
    if (!twins.includes(twin)) continue;
    await writing
      .updateTable(lists)
      .set({ twins: JSON.stringify(twins.filter((one) => one !== twin)) })
      .where('home', '=', home)
      .where('twins', '=', row.twins)
      .execute();
    announce?.(row as never, tell);
  }
}
