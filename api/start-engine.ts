/** Starts the engine: what the configuration says of it, and what features do before it reads a twin. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { createEngine, type Engine, type EngineOptions, type HomeQuotas } from '../engine/index.ts';
import type { Config } from './config.ts';
import { features, projections } from './loaded-features.ts';
import {
  type BegunFeatures,
  beginFeatures,
  destinationsWith,
  NOT_BEGUN,
} from './start-features.ts';

type Given = Pick<EngineOptions, 'storage' | 'kinds' | 'telemetry' | 'clock' | 'deletes'> & {
  config: Config;
  logger: Logger;
  /** Homes for which no quota counts. */
  isExempt: HomeQuotas['isExempt'];
};

/** @throws EngineError where another engine has the homes */
export async function startEngine({
  config,
  logger,
  isExempt,
  ...given
}: Given): Promise<{ engine: Engine; begun: BegunFeatures }> {
  const { storage, clock } = given;
  let begun = NOT_BEGUN;
  const engine = await createEngine({
    ...given,
    begin: async () => {
      const [id, now] = [randomUUID(), clock.now()];
      const formerStarts = await storage.beginStart(id, now);
      begun = beginFeatures(features, { formerStarts, now, configuration: config.features });
      const unsaid = (error: unknown) =>
        logger.warn({ err: error }, 'that this start ends as it should was not stored');
      return { holdBack: [...begun.kinds], end: () => storage.endStart(id).catch(unsaid) };
    },
    newId: randomUUID,
    defaultTimezone: config.timezone,
    owner: `${hostname()} pid ${process.pid}`,
    takeoverWaitMs: config.takeoverWaitSeconds * 1_000,
    destinations: destinationsWith(features, {
      ...{ command: 'mqtt', desired: 'mqtt', webhook: 'webhook' },
    }),
    retention: config.retention,
    projections,
    limits: config.limits,
    quotas: quotasOf(config, isExempt),
  });
  return { engine, begun };
}

function quotasOf({ quotas }: Config, isExempt: HomeQuotas['isExempt']): HomeQuotas {
  const { twinsPerHome: twins, rulesPerHome, journalBytesPerDay: journalBytes } = quotas;
  const ofKinds = [{ quota: 'rules', kind: 'rule', limit: rulesPerHome }];
  return { twins, ofKinds, journalBytes, isExempt };
}
