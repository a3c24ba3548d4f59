/**
 * What the engine is held against: an MQTT.js client that answers each telemetry with a command, without
 * logic and without storage. It also is the bare subscriber: what it answers it chooses by its filter.
 */
import { connect } from 'mqtt';

const [url = '', clientId = 'echo'] = process.argv.slice(2);
const TTL_MS = 60_000;

const client = connect(url, {
  protocolVersion: 5,
  clientId,
  clean: true,
  properties: { receiveMaximum: 2_000 },
});
let answers = 0;

client.on('message', (topic, payload) => {
  // Only thermostats are answered, as the engine does
  if (!topic.includes('/thermostat/')) return;
  const on = payload.includes('"temperature":20');
  const id = `${topic.slice('homeostat/'.length, -'/telemetry'.length)}@${++answers}#0`;
  const command = { id, name: 'heat', args: { on }, expiresAt: Date.now() + TTL_MS };
  client.publish(`${topic.slice(0, -'telemetry'.length)}command`, JSON.stringify(command), {
    qos: 1,
    properties: { userProperties: { id }, messageExpiryInterval: 60 },
  });
});
client.on('connect', () => {
  client.subscribe('homeostat/+/+/+/telemetry', { qos: 1 }, () => process.send?.('ready'));
});
process.on('disconnect', () => process.exit());
