/** The MQTT adapter's door. */
import type { Address } from '../../engine/index.ts';
import type { Codec } from './codec.ts';
import { CodecSet } from './codec-set.ts';
import { homesyncCodec } from './codecs/homesync.ts';
import { foreignMessageCodec, messageCodec } from './codecs/messages.ts';
import { nativeCodec } from './codecs/native.ts';
import { templateCodec } from './codecs/template.ts';
import { loadTemplates } from './codecs/template-file.ts';
import { zigbee2mqttCodec } from './codecs/zigbee2mqtt.ts';
import { embedded } from './embedded.ts';
import type { Provisioning } from './envelope-of.ts';
import { external } from './external.ts';
import { Intake } from './intake.ts';
import { DEFAULT_RECEIVE_MAXIMUM, type MqttAdapter, type MqttOptions } from './options.ts';
import { rootOf } from './root.ts';
import { SINK_NAME } from './sink.ts';

export type {
  AccountBook,
  Authenticator,
  BrokerAccount,
  Guest,
  TlsSource,
} from './authenticator.ts';
export { homesOfTemplates } from './codecs/template-homes.ts';
export { type Bridge, firstAccounts } from './dynamic-security-commands.ts';
export type { Provisioning } from './envelope-of.ts';
export type { ExternalMode, MqttAdapter, MqttOptions } from './options.ts';
export type { MqttListener, MqttSignals } from './signals.ts';

/**
 * Opens the door. An external broker that is away does not keep it from starting.
 * @throws Error for options that cannot work: a bad root, template file, port, host without users
 */
export async function startMqtt(options: MqttOptions): Promise<MqttAdapter> {
  const { engine, mode, signal } = options;
  const codecs = await codecsOf(options);
  let online: Address[] = [];
  const intake = new Intake({
    engine,
    codecs,
    provisioning: policyOf(options),
    signal,
    limit: options.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM,
    onOnline: wakeSoon,
  });

  /** Once for all devices that come back together. */
  function wakeSoon(device: Address): void {
    online.push(device);
    if (online.length > 1) return;
    setImmediate(() => {
      const devices = online;
      online = [];
      engine.wakeSink(SINK_NAME, devices);
    });
  }

  try {
    return 'url' in mode
      ? external(options, mode, codecs, intake)
      : await embedded(options, mode, codecs, intake);
  } catch (error) {
    intake[Symbol.dispose]();
    throw error;
  }
}

function policyOf({ provisioning }: MqttOptions): (home: string) => Provisioning {
  return typeof provisioning === 'function' ? provisioning : () => provisioning;
}

async function codecsOf(options: MqttOptions): Promise<CodecSet> {
  const native = nativeCodec(rootOf(options));
  // Before the native one, which takes everything else below the root
  const codecs: Codec[] = [messageCodec(rootOf(options)), native];
  if (options.zigbee2mqtt) {
    const { base = 'zigbee2mqtt', home = 'home' } = options.zigbee2mqtt;
    codecs.push(zigbee2mqttCodec({ base, home }));
  }
  if (options.homesync) codecs.push(homesyncCodec());
  if (typeof options.templatesFile === 'string') {
    codecs.push(templateCodec(await loadTemplates(options.templatesFile)));
  }
  codecs.push(foreignMessageCodec(options.messages ?? []));
  return new CodecSet(codecs, native);
}
