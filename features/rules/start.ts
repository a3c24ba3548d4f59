/** The rules at work: their routes, the long work in threads, and what a start of the server is to them. */
import type { FeatureInstance, FeatureLog, FeaturePorts } from '../contract/feature.ts';
import type { rulesConfiguration } from './configuration.ts';
import { type KitListener, Kits } from './home/kits.ts';
import { rulesRoutes } from './routes/index.ts';
import { tellStart } from './starts.ts';
import { type RuleWork, workHere } from './work/rule-work.ts';
import { RuleThreads } from './work/threads.ts';

type Ports = FeaturePorts<typeof rulesConfiguration.variables>;

export function startRules(ports: Ports): FeatureInstance {
  const { engine, access, heldBack, log, newId } = ports;
  const work = workOf(ports);
  const kits = new Kits(engine, work);
  return {
    routes: rulesRoutes({ engine, work, kits, access }),
    gauges: [
      {
        name: 'rule_jobs',
        help: 'Backtests, explanations and checks of rules, by whether they are running or waiting.',
        label: 'state',
        read: () => work.load(),
      },
    ],
    async running(stopping) {
      kits.resume(logKits(log));
      await tellStart(engine, { start: newId(), held: heldBack }, stopping);
    },
    async [Symbol.asyncDispose]() {
      await kits[Symbol.asyncDispose]();
      await work[Symbol.asyncDispose]();
    },
  };
}

function workOf({ engine, configuration, thread }: Ports): RuleWork {
  if (thread === null) return workHere(engine);
  return new RuleThreads({
    ...{ storage: engine.storage, ...thread },
    memoryMb: configuration.RULE_WORK_MEMORY_MB,
    seconds: configuration.RULE_WORK_SECONDS,
  });
}

/** Kits that the former process has left half done. */
function logKits(log: FeatureLog): KitListener {
  return {
    onDone: (kit) => log.info({ kit }, 'a kit that was left half done is complete now'),
    onFailure: (error, kit) =>
      log.error(
        { err: error, ...(kit !== null && { kit }) },
        'a kit is left half done; PUT or DELETE it again when the cause is mended',
      ),
  };
}
