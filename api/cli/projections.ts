import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  alreadyBuilding,
  EngineError,
  openStorage,
  type ProjectionStatus,
  type Storage,
  statusesOf,
  unknownProjection,
} from '../../engine/index.ts';
import { readConfig } from '../config.ts';
import { projections } from '../loaded-features.ts';
import { assertIsThere } from './database.ts';
import { openIdentityFor } from './identity.ts';

const LOOK_MS = 1_000;

/** `homeostat projections list`: beside a server that runs, or without one. */
export async function listProjections(): Promise<void> {
  await using storage = await open();
  const statuses = statusesOf(await storage.listGenerations(), Date.now());
  if (statuses.length === 0) say('There are none yet: the first start builds them.');
  for (const status of statuses) say(lineOf(status));
}

/**
 * `homeostat projections rebuild`: writes into the database that it is wanted. A server that runs begins within
 * seconds, which this follows; otherwise the next start does.
 */
export async function rebuildProjection(name: string, given: { wait: number }): Promise<void> {
  const config = readConfig();
  await using storage = await open();
  const definition = projections.find((one) => one.name === name);
  if (!definition)
    throw unknownProjection(
      name,
      projections.map((one) => one.name),
    );
  const generation = await storage.beginGeneration(name, definition.version, Date.now());
  if (generation === null) throw alreadyBuilding(name);
  await record(config.databaseUrl, name);
  say(`${name} is to be rebuilt from what the journal holds; it answers as it is until then.`);
  await follow(storage, name, generation, given.wait * 1_000);
}

/**
 * @param waitMs how long a server may take to begin
 * @throws EngineError `conflict` when that generation will not be built
 */
async function follow(
  storage: Storage,
  name: string,
  generation: number,
  waitMs: number,
): Promise<void> {
  const began = Date.now();
  for (let told = ''; ; ) {
    const all = statusesOf(await storage.listGenerations(), Date.now());
    const building = all.find((one) => one.name === name && one.generation === generation);
    if (building?.status === 'active') {
      say(lineOf(building));
      return;
    }
    if (building?.status !== 'building') throw ended(name, generation);
    if (building.cursor === 0 && Date.now() - began >= waitMs) {
      say('No server has begun it: the next one that starts does.');
      return;
    }
    const line = `${name}: ${percent(building)}`;
    if (line !== told) say(line);
    told = line;
    await sleep(LOOK_MS);
  }
}

function ended(name: string, generation: number): EngineError {
  return new EngineError('conflict', `generation ${generation} of ${name} was ended`, {
    hint: 'A server with another version of this projection ends what was begun for yours, or a later rebuild has taken its place: `homeostat projections list` shows what answers.',
  });
}

async function open(): Promise<Storage> {
  const { databaseUrl, deadLettersPerHome } = readConfig();
  assertIsThere(databaseUrl);
  return await openStorage(databaseUrl, { deadLettersPerHome });
}

/** Where the other changes of operators are written down. */
async function record(databaseUrl: string, name: string): Promise<void> {
  await using identity = await openIdentityFor(databaseUrl);
  identity.audit.record({
    ...{ home: null, who: 'command-line', address: null, action: 'platform.mend' },
    ...{ target: `projection:${name}`, outcome: 'done', detail: {} },
    correlation: randomUUID(),
  });
}

function lineOf(status: ProjectionStatus): string {
  const { name, version, generation, skipped, error, since, appliedAt } = status;
  const moment = (at: number | null) => (at === null ? 'never' : new Date(at).toISOString());
  const span = since === null ? 'empty' : `from ${moment(since)} to ${moment(appliedAt)}`;
  const faults = skipped === 0 ? '' : `; ${skipped} turns left out, the last for: ${error}`;
  const state = status.status === 'building' ? `building, ${percent(status)}` : status.status;
  return `${name} (version ${version}, generation ${generation}): ${state}; ${span}; ${status.lag} positions behind${faults}`;
}

function percent({ progress }: ProjectionStatus): string {
  return `${Math.floor(progress * 100)} %`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
