import { text as readAll } from 'node:stream/consumers';
import { type Bridge, firstAccounts } from '../../adapters/mqtt/index.ts';

/**
 * `homeostat broker-accounts`: prints the file with which Mosquitto’s dynamic security begins. Standard input has the
 * engine's password, and after it a line for each bridge: its name, its password, its topics.
 */
export async function printFirstAccounts({ username }: { username: string }): Promise<void> {
  const [password = '', ...lines] = (await readAll(process.stdin)).trim().split('\n');
  if (password === '') {
    throw new Error(
      'The engine’s password at the broker comes on standard input: openssl rand -hex 24 | tee password | npx homeostat broker-accounts > dynamic-security.json',
    );
  }
  process.stdout.write(firstAccounts(username, password.trim(), lines.map(bridgeOf)));
}

function bridgeOf(line: string): Bridge {
  const [username, password, ...topics] = line.trim().split(/\s+/);
  if (username === undefined || password === undefined || topics.length === 0) {
    throw new Error(
      'Each line after the first names a bridge: zigbee2mqtt its-password zigbee2mqtt/#',
    );
  }
  return { username, password, topics };
}
