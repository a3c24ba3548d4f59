/** What the MQTT side is told: the broker, its accounts, and how homes treat devices that they do not know. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { MqttAdapter, MqttOptions } from '../adapters/mqtt/index.ts';
import { type AnnounceSecret, type Identity, IdentityError } from '../identity/index.ts';
import { authenticatorOf } from './access/mqtt-authenticator.ts';
import type { Config } from './config.ts';
import type { Certificate } from './edge/certificate.ts';

/** Tells the broker that checks passwords itself. Without one there is nobody to tell. */
export function announcerFor(
  config: Config,
  logger: Logger,
  connected: () => Pick<MqttAdapter, 'announce'> | null,
): AnnounceSecret {
  return async (account, secret) => {
    if (!managesAccounts(config)) return;
    const mqtt = connected();
    if (!mqtt) throw new IdentityError('unavailable', 'the broker is not connected yet');
    await mqtt.announce(account, secret).catch((error: unknown) => {
      logger.warn({ err: error }, 'the broker was not told of a secret, so it was not made');
      throw new IdentityError('unavailable', 'the MQTT broker cannot be told of the secret now');
    });
  };
}

function managesAccounts({ mqtt: { broker } }: Config): boolean {
  return 'url' in broker && broker.managesAccounts;
}

type Configured = Omit<MqttOptions, 'engine' | 'signal' | 'drainMs' | 'random'>;

/** All that the configuration says: what is left out here does not compile. */
export function mqttOptions(
  config: Config,
  identity: Identity,
  certificate: Certificate | null,
): Required<Configured> {
  const { mqtt, provisioning, limits } = config;
  return {
    root: mqtt.root,
    mode: modeOf(config, identity, certificate),
    provisioning: (home: string) => identity.policies.of(home) ?? provisioning,
    zigbee2mqtt: mqtt.zigbee2mqtt,
    homesync: mqtt.homesync,
    messages: mqtt.messages,
    templatesFile: mqtt.templatesFile,
    receiveMaximum: limits.batch,
  };
}

function modeOf({ mqtt }: Config, identity: Identity, certificate: Certificate | null) {
  const { broker } = mqtt;
  if ('url' in broker) {
    const { url, clientId, tls, managesAccounts } = broker;
    return { url, clientId, tls, ...(managesAccounts && { accounts: identity.mqttAccounts }) };
  }
  const { tls, ...where } = broker;
  const authenticator = authenticatorOf(identity, randomUUID);
  return { embedded: { ...where, authenticator, ...(tls && certificate && { tls: certificate }) } };
}
