import type { Aedes, AuthenticateError, Client, PublishPacket } from 'aedes';
import { messageOf } from '../../engine/index.ts';
import type { InboundPacket } from './codec.ts';
import type { Intake } from './intake.ts';
import type { MqttListener } from './signals.ts';
import { isTopicName } from './topic.ts';

/** Who may come in, and what they may say. */
export interface Door {
  host: string;
  /** Checks a name and password. Without it only loopback can be listened on. */
  authenticate?: ((username: string, password: string) => boolean | Promise<boolean>) | undefined;
  /** Topics below it are checked for what only the engine may say. */
  root: string;
  signal: MqttListener;
}

const NOT_AUTHORIZED = 5;

/**
 * Sets what aedes asks before it acts: at a CONNECT, a PUBLISH (here the intake commits, as the
 * PUBACK follows at once) and a SUBSCRIBE.
 * @param prepare called with each filter before its subscription is answered
 */
export function guard(
  broker: Aedes,
  options: Door,
  intake: Intake,
  prepare: (filter: string) => Promise<void>,
): void {
  const { signal, root } = options;
  const refuse = (client: Client | null, reason: string): Error => {
    signal('client.refused', { client: client?.id ?? '-', reason });
    return new Error(reason);
  };

  broker.authenticate = (client, username, password, done) => {
    mayConnect(options, username, password).then(
      (may) => done(may ? null : denied(refuse(client, 'wrong name or password')), may),
      (error: unknown) => done(denied(refuse(client, messageOf(error))), false),
    );
  };

  // An error closes the connection without a PUBACK, the only refusal that MQTT 3.1.1 has (3.3.5)
  broker.authorizePublish = (client, packet, done) => {
    const { topic } = packet;
    // aedes checks a publish for wildcards, but not a will
    if (!isTopicName(topic) || topic.startsWith('$')) {
      done(refuse(client, `may not publish to "${topic}"`));
      return;
    }
    if (isEngines(root, topic)) {
      done(
        refuse(client, `may not publish to ${topic}: what the engine says comes through its API`),
      );
      return;
    }
    void intake.take(inbound(packet)).then((verdict) => {
      const outcome = verdict === 'withheld' ? new Error('not acknowledged: send it again') : null;
      // In a tick of its own: aedes drops what another message overtakes on its way through promises
      setImmediate(done, outcome);
    });
  };

  broker.authorizeSubscribe = (client, subscription, done) => {
    // $SYS tells who is connected; shared subscriptions would be taken for ordinary ones
    if (subscription.topic.startsWith('$')) {
      refuse(client, `may not subscribe to ${subscription.topic}`);
      done(null, null);
      return;
    }
    prepare(subscription.topic).then(
      () => done(null, subscription),
      (error: unknown) => {
        // Better without its desired state than deaf
        signal('background.failed', { task: `retained desired for ${subscription.topic}`, error });
        done(null, subscription);
      },
    );
  };

  broker.on('clientError', (client, error) => {
    signal('client.refused', { client: client.id, reason: error.message });
  });
  broker.on('connectionError', (_client, error) => {
    signal('client.refused', { client: '-', reason: error.message });
  });
}

async function mayConnect(
  { authenticate, host }: Door,
  username: string | undefined,
  password: Buffer | undefined,
): Promise<boolean> {
  if (username !== undefined && authenticate) {
    return await authenticate(username, password?.toString('utf8') ?? '');
  }
  return isLoopback(host);
}

function denied(error: Error): AuthenticateError {
  return Object.assign(error, { returnCode: NOT_AUTHORIZED });
}

function isEngines(root: string, topic: string): boolean {
  if (!topic.startsWith(`${root}/`)) return false;
  const [, , , channel, ...rest] = topic.slice(root.length + 1).split('/');
  return rest.length === 0 && (channel === 'command' || channel === 'desired');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function inbound(packet: PublishPacket): InboundPacket {
  const { topic, payload, qos, dup, messageId } = packet;
  return {
    topic,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload ?? ''),
    qos,
    dup: dup ?? false,
    // The flag of a live publish asks the broker to retain it; nothing here is a replay
    replayed: false,
    ...(messageId && { packetId: messageId }),
  };
}
