/** Opens identity with what the configuration says of it. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../engine/index.ts';
import {
  createMailer,
  Identity,
  type IdentityOptions,
  openIdentityDatabase,
  type ProviderSettings,
} from '../identity/index.ts';
import { permissions } from './access/permissions.ts';
import type { Config } from './config.ts';
import { keptSecret } from './kept-secret.ts';
import { logUnsent } from './logging.ts';
import type { ReleaseStack } from './release-stack.ts';
import { callbackOf } from './routes/account/providers.ts';

export async function openIdentity(
  config: Config,
  logger: Logger,
  stack: ReleaseStack,
  options: Pick<IdentityOptions, 'bootstrapToken' | 'announce' | 'existence' | 'isExempt'> & {
    clock: Clock;
  },
): Promise<Identity> {
  const mailer = stack.use(createMailer({ ...config.mail, onUnsent: logUnsent(logger) }));
  const jwtSecrets = config.jwtSecrets ?? [keptSecret(null, config.dataDir, 'jwt-secret').secret];
  const identity = stack.use(
    await Identity.open({
      ...options,
      database: openIdentityDatabase(config.databaseUrl),
      newId: randomUUID,
      jwtSecrets,
      issuer: config.publicUrl ?? 'homeostat',
      write: mailer.write,
      onAuditFailure: (error) => logger.error({ err: error }, 'an audit entry was not stored'),
      providers: providersOf(config, logger),
      registration: config.registration,
      permissions,
      quotas: config.quotas,
    }),
  );
  return identity;
}

function providersOf({ signIn, publicUrl }: Config, logger: Logger): ProviderSettings {
  return {
    all: signIn.providers,
    appUrls: signIn.appUrls,
    // The configuration has providers only beside an address
    callbackOf: (provider) => callbackOf(publicUrl ?? '', provider),
    onFailure: (provider, error) =>
      logger.warn({ err: error, provider }, 'nobody could sign in with a provider'),
  };
}
