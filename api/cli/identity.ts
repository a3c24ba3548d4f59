import { randomUUID } from 'node:crypto';
import { Identity, openIdentityDatabase } from '../../identity/index.ts';

/**
 * Identity for a command that runs by itself, beside a server or without one: it issues no tokens and writes no letters.
 * What cannot be put into the audit fails the command.
 */
export function openIdentityFor(databaseUrl: string): Promise<Identity> {
  return Identity.open({
    database: openIdentityDatabase(databaseUrl),
    clock: Date,
    newId: randomUUID,
    bootstrapToken: randomUUID(),
    jwtSecrets: [randomUUID()],
    issuer: 'homeostat',
    write: () => {},
    onAuditFailure: (error) => {
      throw error;
    },
    announce: async () => {},
  });
}
