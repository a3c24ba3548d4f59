/** What devices of each dialect say, for properties that spoil it. */
import fc from 'fast-check';
import type { Json, JsonObject } from '../../../engine/index.ts';
import { kinds } from '../../../twins/catalogue.ts';
import type { Codec, InboundPacket } from '../codec.ts';
import { homesyncCodec } from '../codecs/homesync.ts';
import { nativeCodec } from '../codecs/native.ts';
import { templateCodec } from '../codecs/template.ts';
import type { Template } from '../codecs/template-file.ts';
import { zigbee2mqttCodec } from '../codecs/zigbee2mqtt.ts';
import { hostileName } from './hostile-json.ts';
import { hostilePacket, saidBy } from './hostile-packet.ts';

const number = fc.oneof(
  fc.integer({ min: -50, max: 5_000 }),
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
);
const word = fc.constantFrom<Json>(
  'ON',
  'off',
  true,
  'online',
  'heat',
  '2026-01-05T12:00:00Z',
  'x',
);

function objectOf(...names: string[]): fc.Arbitrary<Json> {
  const fields = Object.fromEntries(names.map((name) => [name, fc.oneof(number, word)]));
  return fc.record(fields, { requiredKeys: [] }).map((object) => object as JsonObject);
}

const expose = fc.record(
  {
    type: fc.constantFrom('climate', 'climate', 'switch', 'light', 'numeric'),
    property: fc.constantFrom(
      ...['occupied_heating_setpoint', 'system_mode', 'position', 'position', 'voltage'],
    ),
    unit: fc.constantFrom('mV', 'V'),
    values: fc.array(fc.constantFrom('heat', 'auto', 'off')),
    value_max: fc.constantFrom(0, 100, 255, -1, 1e-320),
    features: fc.constant([]),
  },
  { requiredKeys: ['type', 'property', 'value_max'] },
);
const friendlyName = fc.oneof(
  { weight: 3, arbitrary: fc.constant('trv') },
  fc.constantFrom('h1', 'pump', 'Küche/TRV', 'a/b', '💩', '..', '-x', 'ﬀ'),
  hostileName,
);
const deviceList: fc.Arbitrary<Json> = fc.array(
  fc.record({
    friendly_name: friendlyName,
    type: fc.constantFrom('EndDevice', 'EndDevice', 'EndDevice', 'Coordinator'),
    definition: fc.option(fc.record({ exposes: fc.array(expose, { maxLength: 4, size: 'max' }) }), {
      freq: 9,
    }),
  }),
  { maxLength: 4 },
) as fc.Arbitrary<unknown> as fc.Arbitrary<Json>;

/**
 * The dialects by name: a codec as it begins, and what its devices say. A codec may learn, so each life has its own.
 */
export function dialects(
  templates: readonly Template[],
): Record<string, { codec: () => Codec; packets: fc.Arbitrary<InboundPacket> }> {
  return {
    native: {
      codec: () => nativeCodec('homeostat'),
      packets: hostilePacket({
        topics: ['telemetry', 'event', 'status', 'ack', '+'].map((end) => `homeostat/+/+/+/${end}`),
        payloads: saidBy(kinds),
      }),
    },
    zigbee2mqtt: {
      codec: () => zigbee2mqttCodec({ base: 'zigbee2mqtt', home: 'home' }),
      packets: fc.oneof(
        hostilePacket({
          topics: [
            ...['zigbee2mqtt/bridge/devices', 'zigbee2mqtt/bridge/devices'],
            'zigbee2mqtt/bridge/groups',
            'zigbee2mqtt/bridge/+',
          ],
          payloads: fc.oneof(
            { weight: 3, arbitrary: deviceList },
            fc.array(fc.record({ friendly_name: friendlyName }), { maxLength: 3 }),
          ),
        }),
        hostilePacket({
          topics: [
            ...['zigbee2mqtt/trv', 'zigbee2mqtt/trv', 'zigbee2mqtt/+', 'zigbee2mqtt/+/+'],
            ...['zigbee2mqtt/trv/availability', 'zigbee2mqtt/+/availability'],
          ],
          payloads: fc.oneof(
            objectOf('local_temperature', 'position', 'state', 'voltage', 'last_seen'),
            objectOf('occupied_heating_setpoint', 'pi_heating_demand', 'battery_low', 'a__b_c'),
          ),
        }),
      ),
    },
    homesync: {
      codec: () => homesyncCodec(),
      packets: hostilePacket({
        topics: ['telemetry/power', 'response/command', 'status', '+', '+/+'].map(
          (end) => `homesync/+/nodes/+/${end}`,
        ),
        payloads: fc.oneof(
          objectOf('power', 'voltage', 'relay', 'state', 'timestamp', 'id'),
          objectOf('id', 'ok', 'success', 'status', 'error', 'state'),
        ),
      }),
    },
    template: {
      codec: () => templateCodec(templates),
      packets: hostilePacket({
        topics: ['+/+/+/data', 'paku/ruuvi/+', 'workshop/relays/+/state', 'workshop/relays/+/link'],
        payloads: fc.oneof(
          objectOf('temperature_c', 'acceleration_x_mg', 'on', 'watts', 'timestamp'),
          fc.record({ metrics: objectOf('temperature_c', 'battery_mv') }),
        ),
      }),
    },
  };
}
