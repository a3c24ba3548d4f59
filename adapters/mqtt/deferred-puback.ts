import { MqttClient } from 'mqtt';

/** The private part of MQTT.js that this file, and no other, relies on. */
interface Sends {
  _sendPacket(packet: { cmd: 'puback'; messageId: number; reasonCode: number }): void;
}

const TESTED = /^5\.16\./;

/**
 * Lets MQTT.js take in packets while earlier ones still wait for their commit.
 *
 * MQTT.js handles one inbound packet at a time and sends the PUBACK when `handleMessage` calls back
 * without an error, so waiting there for the commit would serialise everything. Calling back with
 * {@link withholdPuback} moves it on without a PUBACK; the one sent here after the commit goes
 * through its private `_sendPacket`, as it has no public way. deferred-puback.test.ts holds this
 * against a real broker.
 * @throws Error when MQTT.js is another version than the one this was tested with
 */
export function deferPubacks(client: MqttClient): (messageId: number) => () => boolean {
  const version = String(MqttClient.VERSION);
  const sender = client as unknown as Partial<Sends>;
  if (!TESTED.test(version) || typeof sender._sendPacket !== 'function') {
    throw new Error(
      `MQTT.js ${version} is not the version that deferred PUBACKs were tested with (${TESTED.source}). ` +
        'Run adapters/mqtt/deferred-puback.test.ts with it, read lib/handlers/publish, then widen TESTED.',
    );
  }
  const send = sender._sendPacket.bind(client);

  return (messageId) => {
    // A packet id means something only on the connection that it came on: on a later one the broker
    // may have given it to another message. It sends an unacknowledged message again by itself
    const { stream } = client;
    return () => {
      if (client.stream !== stream || stream.destroyed || !client.connected) return false;
      send({ cmd: 'puback', messageId, reasonCode: 0 });
      return true;
    };
  };
}

/** Given to a `handleMessage` callback: go on, but send no PUBACK. */
export const withholdPuback = new Error('acknowledged after its commit');
