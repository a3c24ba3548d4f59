import { text as readAll } from 'node:stream/consumers';
import { firstAccounts } from '../../adapters/mqtt/index.ts';

/** `homeostat broker-accounts`: prints the file with which Mosquitto’s dynamic security begins. */
export async function printFirstAccounts({ username }: { username: string }): Promise<void> {
  const password = (await readAll(process.stdin)).trim();
  if (password === '') {
    throw new Error(
      'The engine’s password at the broker comes on standard input: openssl rand -hex 24 | tee password | npx homeostat broker-accounts > dynamic-security.json',
    );
  }
  process.stdout.write(firstAccounts(username, password));
}
