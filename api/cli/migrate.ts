import { openStorage } from '../../engine/index.ts';
import { readConfig } from '../config.ts';

/** `homeostat migrate`: opening the store brings it up to date. */
export async function migrate(): Promise<void> {
  const config = readConfig();
  await using storage = await openStorage(config.databaseUrl, {
    deadLettersPerHome: config.deadLettersPerHome,
  });
  process.stdout.write(`The ${storage.dialect} database is up to date.\n`);
}
