/** What Mosquitto’s dynamic security plugin is told, and the file that it begins with. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import type { BrokerAccount } from './authenticator.ts';
import { DEVICE_CHANNELS, ENGINE_CHANNELS, MESSAGES } from './native-topics.ts';

/** A command of the plugin. */
export type AccountCommand = Record<string, unknown> & {
  command: string;
  /** A refusal of these words is as good as done. */
  mayFail?: RegExp;
};

interface Acl {
  acltype: 'publishClientSend' | 'publishClientReceive' | 'subscribePattern' | 'unsubscribePattern';
  topic: string;
  allow: boolean;
  priority: number;
}

/** Who speaks another dialect for its devices, and is no account of ours. */
export interface Bridge {
  username: string;
  password: string;
  /** Filters of all that it may say and hear. */
  topics: readonly string[];
}

/** Ours at the broker, apart from those whom the operator has made. */
const GROUP = 'homeostat';
const EXISTS = /already exists/i;
const MISSING = /not found/i;

export const USERS = {
  make: [{ command: 'createGroup', groupname: GROUP, mayFail: EXISTS }],
  list: { command: 'getGroup', groupname: GROUP },
} satisfies { make: AccountCommand[]; list: AccountCommand };

/** Makes the account anew: what was connected as it is cut off. */
export function provision(root: string, account: BrokerAccount, secret: string): AccountCommand[] {
  const { username } = account;
  return [
    { command: 'deleteClient', username, mayFail: MISSING },
    ...permission(root, account),
    {
      command: 'createClient',
      username,
      password: secret,
      roles: [{ rolename: roleOf(username) }],
      groups: [{ groupname: GROUP }],
    },
  ];
}

/** Its rights, as they are now. */
export function permission(root: string, { username, devices }: BrokerAccount): AccountCommand[] {
  const homes = [...new Set(devices.map(({ home }) => home))];
  const acls = [
    ...homes.flatMap((home) => noMessages(`${root}/${home}/${MESSAGES}/#`)),
    ...devices.flatMap(({ home, twin }) => rightsOf(`${root}/${home}/+/${twin}`)),
  ];
  return [
    { command: 'createRole', rolename: roleOf(username), mayFail: EXISTS },
    { command: 'modifyRole', rolename: roleOf(username), acls },
  ];
}

/** It is cut off, and cannot come back. */
export function deletion(username: string): AccountCommand[] {
  return [
    { command: 'deleteClient', username, mayFail: MISSING },
    { command: 'deleteRole', rolename: roleOf(username), mayFail: MISSING },
  ];
}

const ITERATIONS = 100_000;

/**
 * The file that the plugin begins with: the engine may do everything and manages the others, who may
 * nothing that a role does not give them. Not even receive, which the plugin would allow: under somebody
 * else’s client id a device would hear what that one has subscribed to.
 */
export function firstAccounts(
  username: string,
  password: string,
  bridges: readonly Bridge[] = [],
): string {
  const everything = ['#', '$SYS/#', '$CONTROL/dynamic-security/#'];
  const types = ['publishClientSend', 'publishClientReceive', 'subscribePattern'] as const;
  const file = {
    defaultACLAccess: {
      publishClientSend: false,
      publishClientReceive: false,
      subscribe: false,
      unsubscribe: true,
    },
    clients: [
      clientOf(username, password, 'engine'),
      ...bridges.map((bridge) => clientOf(bridge.username, bridge.password, bridge.username)),
    ],
    groups: [{ groupname: GROUP, roles: [], clients: [] }],
    roles: [
      {
        rolename: 'engine',
        acls: types.flatMap((type) => everything.map((topic) => allow(type, topic))),
      },
      ...bridges.map(({ username: rolename, topics }) => ({
        rolename,
        acls: types.flatMap((type) => topics.map((topic) => allow(type, topic))),
      })),
    ],
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function clientOf(username: string, password: string, rolename: string) {
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512');
  return {
    username,
    roles: [{ rolename }],
    password: hash.toString('base64'),
    salt: salt.toString('base64'),
    iterations: ITERATIONS,
  };
}

function rightsOf(topics: string): Acl[] {
  return [
    ...DEVICE_CHANNELS.map((channel) => allow('publishClientSend', `${topics}/${channel}`)),
    ...[...DEVICE_CHANNELS, ...ENGINE_CHANNELS].map((channel) =>
      allow('publishClientReceive', `${topics}/${channel}`),
    ),
    allow('subscribePattern', `${topics}/#`),
  ];
}

/** What is said to the rules of a home is no device's to say or hear, whatever the wildcard of the kind lets in. */
function noMessages(topics: string): Acl[] {
  const types = ['publishClientSend', 'publishClientReceive'] as const;
  return types.map((acltype) => ({ acltype, topic: topics, allow: false, priority: 1 }));
}

function allow(acltype: Acl['acltype'], topic: string): Acl {
  return { acltype, topic, allow: true, priority: 0 };
}

function roleOf(username: string): string {
  return `homeostat ${username}`;
}
