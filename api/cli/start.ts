import { type Homeostat, startHomeostat } from '../compose.ts';
import { type Config, readConfig } from '../config.ts';
import { createLogger } from '../logging.ts';
import { shownUrl } from './database.ts';

/** A stop that takes longer than this is ended. */
const STOP_MS = 10_000;

/**
 * `homeostat start`: runs until SIGTERM or SIGINT.
 * @param given variables that the command line sets
 */
export async function start(given: NodeJS.ProcessEnv = {}): Promise<void> {
  const config = readConfig(undefined, given);
  const logger = createLogger(config.logLevel);
  let homeostat: Homeostat | null = null;
  let stopping = false;
  const stop = async (reason: string, exitCode: number) => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    const deadline = setTimeout(() => {
      logger.error('could not stop in time; what waits is in the database or unacknowledged');
      process.exit(1);
    }, STOP_MS);
    deadline.unref();
    await homeostat?.[Symbol.asyncDispose]();
    logger.info('stopped');
    process.exitCode = exitCode;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void stop(signal, 0));
  }
  homeostat = await startHomeostat(config, logger, () => void stop('ownership lost', 1));
  if (stopping) await homeostat[Symbol.asyncDispose]();
  else welcome(homeostat, config);
}

function welcome({ httpUrl, mqtt, token }: Homeostat, config: Config): void {
  const bearer = token.file === null ? '$ADMIN_TOKEN' : `$(cat ${token.file})`;
  const path = config.demo ? '/v1/homes/demo/twins' : '/v1/homes';
  const lines = [
    '',
    '  Homeostat is running.',
    '',
    `  API       ${httpUrl}/v1        docs: ${httpUrl}/docs?access_token=${bearer}`,
    `  MQTT      ${mqtt.url}  (topics below "${config.mqtt.root}", provisioning: ${config.provisioning})`,
    `  Data      ${shownUrl(config.databaseUrl)}`,
    ...(token.fresh
      ? [
          '',
          `  Administrator's token, shown this once and kept in ${token.file}:`,
          `    ${token.secret}`,
        ]
      : []),
    '',
    '  Look at the twins:',
    `    curl -s -H "Authorization: Bearer ${bearer}" ${httpUrl}${path}`,
    '  Watch them live:',
    `    curl -sN -H "Authorization: Bearer ${bearer}" ${httpUrl}/v1/homes/${config.demo ? 'demo' : '<home>'}/stream`,
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
