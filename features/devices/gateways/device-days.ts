import type { Clock } from '../../../engine/index.ts';
import type { FeatureTables } from '../../contract/tables.ts';

/** The tables of this feature. */
export interface DevicesTables {
  deviceDay: {
    home: string;
    twin: string;
    day: string;
    taken: number;
    refused: number;
    isDone: number;
    updatedAt: number;
  };
}

/** How much of a device’s day has been taken. */
export interface DeviceDay {
  /** Readings from the beginning of the list, good or not. */
  taken: number;
  /** How many of these were not good. */
  refused: number;
  isDone: boolean;
}

export interface DeviceDaysOptions {
  tables: FeatureTables<DevicesTables>;
  clock: Pick<Clock, 'now'>;
}

/** Which days of which devices gateways have brought, so that each counts once. */
export class DeviceDays {
  readonly #options: DeviceDaysOptions;

  constructor(options: DeviceDaysOptions) {
    this.#options = options;
  }

  /** @param day `2026-01-05` */
  async read(home: string, twin: string, day: string): Promise<DeviceDay> {
    const row = await this.#options.tables.database
      .selectFrom('deviceDay')
      .selectAll()
      .where('home', '=', home)
      .where('twin', '=', twin)
      .where('day', '=', day)
      .executeTakeFirst();
    if (!row) return { taken: 0, refused: 0, isDone: false };
    return { taken: row.taken, refused: row.refused, isDone: row.isDone === 1 };
  }

  /** @throws EngineError `unknown-twin` */
  async write(home: string, twin: string, day: string, so: DeviceDay): Promise<void> {
    const { tables, clock } = this.#options;
    const row = {
      ...{ home, twin, day, taken: so.taken, refused: so.refused },
      ...{ isDone: so.isDone ? 1 : 0, updatedAt: clock.now() },
    };
    await tables.database
      .insertInto('deviceDay')
      .values(row)
      .onConflict((conflict) => conflict.columns(['home', 'twin', 'day']).doUpdateSet(row))
      .execute();
  }

  /** Removes what nobody uploads again. @param before epoch ms */
  async tidy(before: number): Promise<void> {
    await this.#options.tables.database
      .deleteFrom('deviceDay')
      .where('updatedAt', '<', before)
      .execute();
  }
}
