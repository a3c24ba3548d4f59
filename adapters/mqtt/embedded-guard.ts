import type { Aedes, AuthenticateError, Client, PublishPacket } from 'aedes';
import { messageOf } from '../../engine/index.ts';
import type { ClientSessions } from './client-sessions.ts';
import type { InboundPacket } from './codec.ts';
import type { Intake } from './intake.ts';
import { isDeviceChannel, nativeTopic } from './native-topics.ts';
import type { MqttListener } from './signals.ts';
import { isTopicName } from './topic.ts';

/** Who may come in, and what they may say. */
export interface Door {
  /** Whether clients may come without a name; only on loopback. */
  anonymous: boolean;
  /** Topics below it are checked for what only the engine may say. */
  root: string;
  signal: MqttListener;
}

const UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/**
 * Sets what aedes asks before it acts: at a CONNECT, a PUBLISH (here the intake commits, as the
 * PUBACK follows at once) and a SUBSCRIBE.
 * @param prepare called with each filter before its subscription is answered
 */
export function guard(
  broker: Aedes,
  options: Door,
  sessions: ClientSessions,
  intake: Intake,
  prepare: (filter: string) => Promise<void>,
): void {
  const { signal, root, anonymous } = options;
  const refuse = (client: Client | null, reason: string): Error => {
    signal('client.refused', { client: client?.id ?? '-', reason });
    return new Error(reason);
  };
  const admit = async (client: Client, username: string | undefined, password: string) => {
    if (username !== undefined) return await sessions.admit(client, username, password);
    return anonymous ? null : 'it gave no name and password';
  };

  // A session belongs to whoever it is of: another's client with the same id has another session
  broker.preConnect = (_client, packet, done) => {
    if (packet.clientId) packet.clientId = `${packet.username ?? ''}:${packet.clientId}`;
    done(null, true);
  };
  broker.authenticate = (client, username, password, done) => {
    admit(client, username, password?.toString('utf8') ?? '').then(
      (reason) =>
        reason === null
          ? done(null, true)
          : done(denied(refuse(client, reason), NOT_AUTHORIZED), false),
      (error: unknown) => done(denied(refuse(client, messageOf(error)), UNAVAILABLE), false),
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
    if (!sessions.mayPublish(client, topic)) {
      sessions.refused(client, 'publish', topic);
      done(refuse(client, `may not publish to ${topic}: it is none of its devices’`));
      return;
    }
    // The twin remembers what its device says; retained here it would be kept for as long as the process runs
    if (sessions.isDevice(client)) packet.retain = false;
    void intake.take(inbound(packet, sessions.principalOf(client))).then((verdict) => {
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
    if (!sessions.subscribe(client, subscription.topic)) {
      sessions.refused(client, 'subscribe', subscription.topic);
      refuse(
        client,
        `may not subscribe to ${subscription.topic}: it names none of its devices, or is one too many`,
      );
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

function denied(error: Error, returnCode: number): AuthenticateError {
  return Object.assign(error, { returnCode });
}

function isEngines(root: string, topic: string): boolean {
  const named = nativeTopic(root, topic);
  return named !== null && !isDeviceChannel(named.channel);
}

function inbound(packet: PublishPacket, principal: string | null): InboundPacket {
  const { topic, payload, qos, dup, messageId } = packet;
  return {
    topic,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(payload ?? ''),
    qos,
    dup: dup ?? false,
    // The flag of a live publish asks the broker to retain it; nothing here is a replay
    replayed: false,
    ...(messageId && { packetId: messageId }),
    ...(principal !== null && { principal }),
  };
}
