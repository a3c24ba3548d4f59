import type { ExpressionBuilder } from 'kysely';
import type { IdentityDatabase } from '../store/open.ts';
import type { AuditRow, Tables } from '../store/tables.ts';

/** Something that somebody did, or was refused. */
export interface AuditedAction {
  /** Null: of the platform. */
  home: string | null;
  /** The actor, as `principal.ts` names them; `nobody` for who could not say who they are. */
  who: string;
  address: string | null;
  action: string;
  /** What it was done to. */
  target: string | null;
  outcome: 'done' | 'refused' | 'failed' | 'alert';
  detail: Record<string, unknown> | null;
  /** Ties it to the log, and to what the engine journals. */
  correlation: string;
}

export interface AuditEntry extends AuditedAction {
  position: number;
  at: number;
}

export interface AuditOptions {
  database: IdentityDatabase;
  clock: { now(): number };
  /** An entry could not be stored; what it tells of has happened. */
  onFailure: (error: unknown, deed: AuditedAction) => void;
}

type Waiting = Omit<AuditRow, 'position' | 'incarnation'>;

/** Entries stored at once. */
const TOGETHER = 200;
/** Entries that wait while the store is away; then the oldest are given up, and that is told. */
const MAX_WAITING = 10_000;

/** What was done, by whom, from where, with what outcome. Nothing here is ever changed. */
export class Audit implements AsyncDisposable {
  readonly #options: AuditOptions;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** Stores it soon; whoever did it does not wait for that. */
  record(deed: AuditedAction): void {
    const { clock, onFailure } = this.#options;
    if (this.#waiting.length >= MAX_WAITING) {
      onFailure(new Error('too many audit entries wait for the store'), deed);
      return;
    }
    const detail = deed.detail === null ? null : JSON.stringify(deed.detail);
    this.#waiting.push({ ...deed, detail, at: clock.now() });
    this.#writing ??= this.#write();
  }

  /**
   * Newest first. Of a home: what was done in its present incarnation; whoever takes the id of a home that was
   * deleted does not see what was done there. @param before a position, of the last entry of the former page
   */
  async list(
    home: string | null,
    filter: { who?: string | undefined; action?: string | undefined },
    page: { limit: number; before: number | null },
  ): Promise<AuditEntry[]> {
    await this.#writing;
    let query = this.#options.database
      .selectFrom('audit')
      .selectAll()
      .orderBy('position', 'desc')
      .limit(page.limit);
    if (home !== null) {
      query = query
        .where('home', '=', home)
        .where('incarnation', '=', (is) =>
          is
            .selectFrom('homeIncarnation')
            .select('number')
            .where('homeIncarnation.home', '=', home)
            .where('endedAt', 'is', null),
        );
    }
    if (filter.who !== undefined) query = query.where('who', '=', filter.who);
    if (filter.action !== undefined) query = query.where('action', '=', filter.action);
    if (page.before !== null) query = query.where('position', '<', page.before);
    const rows = await query.execute();
    return rows.map(({ incarnation: _incarnation, ...row }) => ({
      ...row,
      outcome: row.outcome as AuditedAction['outcome'],
      detail: row.detail === null ? null : (JSON.parse(row.detail) as Record<string, unknown>),
    }));
  }

  /** Removes what is older than it must be kept. */
  async tidy(before: number): Promise<void> {
    await this.#options.database.deleteFrom('audit').where('at', '<', before).execute();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const rows = this.#waiting.splice(0, TOGETHER);
      try {
        await this.#options.database
          .insertInto('audit')
          .values((is) => rows.map((row) => ({ ...row, incarnation: incarnationOf(is, row) })))
          .execute();
      } catch (error) {
        for (const { at: _at, detail: _detail, ...deed } of rows) {
          this.#options.onFailure(error, { ...deed, detail: null } as AuditedAction);
        }
      }
    }
    this.#writing = null;
  }
}

/**
 * The incarnation of the home at the time of a deed: of two in the same moment the earlier one. Null, so that only
 * the platform sees it, where the home had none.
 */
function incarnationOf(is: ExpressionBuilder<Tables, 'audit'>, { home, at }: Waiting) {
  return is
    .selectFrom('homeIncarnation')
    .select((row) => row.fn.min('number').as('number'))
    .where('homeIncarnation.home', '=', home)
    .where('beganAt', '<=', at)
    .where((row) => row.or([row('endedAt', 'is', null), row('endedAt', '>=', at)]));
}
