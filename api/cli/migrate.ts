import { openStorage } from '../../engine/index.ts';
import { readConfig } from '../config.ts';

/** `homeostat migrate`: opening the store brings it up to date. */
export async function migrate(): Promise<void> {
  const config = readConfig();
  await using storage = await openStorage(
    config.databaseUrl,
    { deadLettersPerHome: config.deadLettersPerHome },
    (name) => process.stdout.write(`Applying ${name}; this may take a while.\n`),
  );
  process.stdout.write(`The ${storage.dialect} database is up to date.\n`);
}
