import type { Usage } from '../batch/quotas.ts';
import { assertName } from '../model/envelope.ts';
import { EngineError } from '../model/errors.ts';
import { assertTimezone } from '../model/local-time.ts';
import { assertAccepted } from '../model/receipt.ts';
import type { HomeRow, JournalRow } from '../model/rows.ts';
import type { Census, Page, PageRequest } from '../storage/port.ts';
import { type Core, requestEnvelope } from './core.ts';
import { type JournalFilter, readHomeJournal } from './home-journal.ts';
import { mustReadHome, twinsOf } from './lookups.ts';
import type { Requester } from './requester.ts';

/** What can be done with homes. */
export interface HomeService {
  /** @throws EngineError `conflict` if it exists, `bad-input` */
  createHome(home: Omit<HomeRow, 'createdAt' | 'incarnation'>): Promise<HomeRow>;
  /** A new timezone is told to the twins that care. @throws EngineError `unknown-home`, `bad-input` */
  updateHome(
    id: string,
    change: { name?: string; timezone?: string },
    by: Requester,
  ): Promise<HomeRow>;
  /** Removes the home with all that belongs to it. @throws EngineError `unknown-home` */
  deleteHome(id: string): Promise<void>;
  /**
   * What happened in a home, newest first. A page may end before it is full, as so much is looked at and no more.
   * @throws EngineError `bad-input` for a cursor that no page has given out
   */
  journal(id: string, filter: JournalFilter, page: PageRequest): Promise<Page<JournalRow>>;
  /** What a home has of what there are quotas of. @throws EngineError `unknown-home` */
  readUsage(id: string): Promise<Usage[]>;
  /**
   * Whether twins of these kinds may come into being, all of them: for who makes several at once.
   * @throws EngineError `quota-exceeded`
   */
  assertRoomFor(id: string, kinds: readonly string[]): Promise<void>;
}

export function homeService(core: Core): HomeService {
  const { storage } = core;

  async function tellTimezone(home: HomeRow, by: Requester): Promise<void> {
    const event = { type: 'home.changed', timezone: home.timezone };
    for await (const row of twinsOf(core, home.id)) {
      const kind = core.kinds.get(row.kind);
      if (!kind || !('home.changed' in kind.events)) continue;
      const address = { home: home.id, twin: row.twin };
      const envelope = requestEnvelope(core, address, event, by);
      assertAccepted(await core.post({ ...envelope, source: 'engine', dedupe: false }));
    }
  }

  async function censusOf(home: string): Promise<Census> {
    return (await storage.countKinds([home])).get(home) ?? new Map();
  }

  return {
    async createHome(home) {
      assertName('home', home.id);
      assertTimezone(home.timezone);
      const row = { ...home, incarnation: core.newId(), createdAt: core.clock.now() };
      if (!(await storage.insertHome(row))) {
        throw new EngineError('conflict', `home ${home.id} exists already`, {
          hint: 'PATCH it, or choose another id.',
        });
      }
      return row;
    },

    async updateHome(id, change, by) {
      if (change.timezone !== undefined) assertTimezone(change.timezone);
      const { before, after } = await core.shardOf(id).exclusively(id, async () => {
        const before = await mustReadHome(core, id);
        const after = { ...before, ...change };
        await storage.updateHome(after);
        return { before, after };
      });
      if (after.timezone !== before.timezone) await tellTimezone(after, by);
      return after;
    },

    async deleteHome(id) {
      const shard = core.shardOf(id);
      await shard.exclusively(id, async () => {
        await mustReadHome(core, id);
        await core.deleteFor({ home: id }, () => storage.deleteHome(id));
        shard.forgetHome(id);
        core.forgetChanges(id);
      });
    },

    journal: (id, filter, page) => readHomeJournal(storage, id, filter, page),

    async readUsage(id) {
      await mustReadHome(core, id);
      return core.quotas.usage(id, await censusOf(id), core.shardOf(id).journalBytes(id));
    },

    async assertRoomFor(id, kinds) {
      const census = new Map(await censusOf(id));
      for (const kind of kinds) {
        core.quotas.assertRoom(id, kind, census);
        census.set(kind, (census.get(kind) ?? 0) + 1);
      }
    },
  };
}
