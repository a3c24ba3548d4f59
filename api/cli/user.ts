import { randomBytes } from 'node:crypto';
import { text as readAll } from 'node:stream/consumers';
import { openStorage } from '../../engine/index.ts';
import { readConfig } from '../config.ts';
import { shownUrl } from './database.ts';
import { openIdentityFor } from './identity.ts';

export interface NewUser {
  email: string;
  name?: string;
  language: string;
  admin: boolean;
  passwordStdin: boolean;
}

/** `homeostat user create`: makes an account without a letter, beside a server that runs or before the first. */
export async function createUser(options: NewUser): Promise<void> {
  const { email, language, admin } = options;
  const config = readConfig();
  const given = options.passwordStdin ? (await readAll(process.stdin)).trim() : null;
  const password = given ?? randomBytes(15).toString('base64url');
  // Brings the database up to date
  const storage = await openStorage(config.databaseUrl, {
    deadLettersPerHome: config.deadLettersPerHome,
  });
  await storage[Symbol.asyncDispose]();
  await using identity = await openIdentityFor(config.databaseUrl);
  const name = options.name ?? email.split('@')[0] ?? email;
  const person = await identity.people.make({ email, password, name, language, isAdmin: admin });
  identity.audit.record({
    ...{ home: null, who: 'command-line', address: null, action: 'person.make' },
    ...{ target: `person:${person.id}`, outcome: 'done', detail: { isAdmin: admin } },
    correlation: person.id,
  });
  process.stdout.write(
    `${email} is ${admin ? 'an administrator' : 'a person'} now, in ${shownUrl(config.databaseUrl)}.\n`,
  );
  if (given === null) process.stdout.write(`Password, shown this once: ${password}\n`);
}
