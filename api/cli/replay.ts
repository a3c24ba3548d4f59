import {
  type Address,
  EngineError,
  homesOf,
  keyOf,
  openStorage,
  replay,
  type Storage,
  twinsOf,
} from '../../engine/index.ts';
import { readConfig } from '../config.ts';
import { loadKinds } from '../kinds/load-kinds.ts';
import { assertIsThere, shownUrl } from './database.ts';

/**
 * `homeostat replay [home] [twin]`: folds each twin's journal and compares with its stored state.
 * Reads only; run it while the engine is stopped, or twins that turn meanwhile may differ.
 * Exit code 1 when any differs, or cannot be folded as its kind is not there or has changed.
 */
export async function replayTwins(home?: string, twin?: string): Promise<void> {
  const config = readConfig();
  assertIsThere(config.databaseUrl);
  const { all: kinds } = await loadKinds(config.kindsDir);
  await using storage = await openStorage(config.databaseUrl, {
    deadLettersPerHome: config.deadLettersPerHome,
  });
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  let twins = 0;
  let turns = 0;
  let wrong = 0;
  const began = Date.now();
  for await (const address of addresses(storage, home, twin)) {
    const report = await replay({ storage, kinds: byName }, address).catch(failureOf);
    twins++;
    if (report instanceof EngineError) {
      wrong++;
      process.stdout.write(`${keyOf(address)}: ${report.message}. ${report.hint ?? ''}\n`);
      continue;
    }
    turns += report.turns;
    if (!report.ok) {
      wrong++;
      process.stdout.write(`${keyOf(address)}@${report.revision} differs:\n`);
      for (const { path, stored, replayed } of report.differences) {
        const line = `${path}: stored ${JSON.stringify(stored)}, replayed ${JSON.stringify(replayed)}`;
        process.stdout.write(`  ${line}\n`);
      }
    }
    if (twins % 500 === 0) process.stdout.write(`${twins} twins, ${turns} turns …\n`);
  }
  if (twins === 0) {
    process.stdout.write(
      `there are no twins in ${[shownUrl(config.databaseUrl), home].filter(Boolean).join(', ')}\n`,
    );
    process.exitCode = 1;
    return;
  }
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  process.stdout.write(
    `${twins} twins, ${turns} turns replayed in ${seconds} s: ${wrong === 0 ? 'every state equals its journal' : `${wrong} differ or cannot be replayed`}.\n`,
  );
  if (wrong > 0) process.exitCode = 1;
}

/** What is wrong with one twin keeps nobody from looking at the others. */
function failureOf(error: unknown): EngineError {
  const ofTheTwin = ['unknown-kind', 'state-unreadable', 'machine-failed'];
  if (error instanceof EngineError && ofTheTwin.includes(error.code)) return error;
  throw error;
}

async function* addresses(storage: Storage, home?: string, twin?: string): AsyncGenerator<Address> {
  if (home !== undefined && twin !== undefined) {
    yield { home, twin };
    return;
  }
  for await (const id of home === undefined ? idsOf(homesOf({ storage })) : [home]) {
    for await (const row of twinsOf({ storage }, id)) yield { home: id, twin: row.twin };
  }
}

async function* idsOf(homes: AsyncIterable<{ id: string }>): AsyncGenerator<string> {
  for await (const { id } of homes) yield id;
}
