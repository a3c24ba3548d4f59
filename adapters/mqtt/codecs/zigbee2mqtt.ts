import type { DeliveryRow, JsonObject } from '../../../engine/index.ts';
import {
  type Codec,
  type Decoded,
  deviceOf,
  type InboundPacket,
  ignored,
  type Outgoing,
  refused,
  type Unsayable,
} from '../codec.ts';
import { deviceTime, onOff, readOnline } from '../device-words.ts';
import { readJson, readObject } from '../json-payload.ts';
import {
  readDevices,
  readGroups,
  SETPOINTS,
  twinOf,
  type ZigbeeDevice,
} from './zigbee2mqtt-devices.ts';
import { telemetryOf } from './zigbee2mqtt-state.ts';

const NAME = 'zigbee2mqtt';
/** The device list carries every option of every device: some KiB each. */
const LIST_LIMIT = 16 * 1024 * 1024;

/**
 * Zigbee devices through zigbee2mqtt. It acknowledges nothing, and no ack is invented: a command is
 * confirmed by the state that the device reports.
 */
export function zigbee2mqttCodec({ base, home }: { base: string; home: string }): Codec {
  return new Zigbee2Mqtt(base, home);
}

class Zigbee2Mqtt implements Codec {
  readonly name = NAME;
  readonly filters;
  readonly #base: string;
  readonly #home: string;
  /** Null until the list has come; then devices and groups are known by name. */
  #devices: Map<string, ZigbeeDevice> | null = null;
  #groups = new Set<string>();
  /** Which setpoint a device speaks of, from its states: until the list has come. */
  #setpoints = new Map<string, string>();

  constructor(base: string, home: string) {
    this.#base = base;
    this.#home = home;
    // The lists first and on every start: what follows is understood by them
    this.filters = [
      { filter: `${base}/bridge/devices`, replay: true },
      { filter: `${base}/bridge/groups`, replay: true },
      { filter: `${base}/#` },
    ];
  }

  matches(topic: string): boolean {
    return topic.startsWith(`${this.#base}/`);
  }

  decode(packet: InboundPacket): Decoded[] {
    const path = packet.topic.slice(this.#base.length + 1);
    if (path.startsWith('bridge/')) return [this.#learn(path, packet.payload)];
    if (/\/(set|get)(\/[^/]+)?$/.test(path)) return [ignored('a request to zigbee2mqtt')];
    const availability = /^(.+)\/availability$/.exec(path);
    const friendlyName = availability?.[1] ?? path;
    if (this.#groups.has(friendlyName)) return [ignored('a group; its members report themselves')];
    if (this.#devices && !this.#devices.has(friendlyName)) {
      return [ignored('not in the device list: a part of a device, or one that has been removed')];
    }
    if (packet.payload.length === 0) return [ignored('a cleared topic')];
    return [availability ? this.#status(friendlyName, packet) : this.#state(friendlyName, packet)];
  }

  encode(row: DeliveryRow): Outgoing | Unsayable | null {
    const { delivery } = row;
    const friendlyName = deviceOf(delivery.via, NAME);
    if (delivery.type !== 'command' || friendlyName === null) return null;
    const said = this.#say(friendlyName, delivery.name, delivery.args);
    if ('unsayable' in said) return said;
    return {
      topic: `${this.#base}/${friendlyName}/set`,
      payload: Buffer.from(JSON.stringify(said.payload)),
      retain: false,
      receiver: this.#base,
    };
  }

  #learn(path: string, payload: Buffer): Decoded {
    if (path !== 'bridge/devices' && path !== 'bridge/groups') return ignored('talk of the bridge');
    const read = readJson(payload, LIST_LIMIT);
    if (!read.ok)
      return refused(
        `${path}: ${read.error}`,
        'Restart zigbee2mqtt, so that it publishes the list again.',
      );
    if (path === 'bridge/devices') this.#devices = readDevices(read.value);
    else this.#groups = readGroups(read.value);
    return ignored('a list to learn from');
  }

  #status(friendlyName: string, { payload }: InboundPacket): Decoded {
    const online = readOnline(payload);
    if (online === null) {
      return refused(
        'the availability is neither online nor offline',
        'Check the availability setting of zigbee2mqtt.',
        {
          home: this.#home,
          twin: twinOf(friendlyName),
        },
      );
    }
    return { ...this.#address(friendlyName), event: { type: 'status', online } };
  }

  #state(friendlyName: string, { payload }: InboundPacket): Decoded {
    const read = readObject(payload);
    if (!read.ok) {
      const hint = 'Set "output: json" in the mqtt section of zigbee2mqtt.';
      return refused(read.error, hint, { home: this.#home, twin: twinOf(friendlyName) });
    }
    const setpoint = SETPOINTS.find((name) => name in read.value);
    if (setpoint) this.#setpoints.set(friendlyName, setpoint);
    const device = this.#devices?.get(friendlyName) ?? guess(read.value);
    return {
      ...this.#address(friendlyName, device.kind),
      event: telemetryOf(read.value, device),
      at: deviceTime(read.value.last_seen),
    };
  }

  #address(friendlyName: string, kind = this.#devices?.get(friendlyName)?.kind) {
    return {
      type: 'event' as const,
      home: this.#home,
      twin: twinOf(friendlyName),
      kind,
      via: `${NAME}:${friendlyName}`,
    };
  }

  #say(friendlyName: string, name: string, args: JsonObject): { payload: JsonObject } | Unsayable {
    const device = this.#devices?.get(friendlyName);
    if (name === 'switch' && typeof args.on === 'boolean') {
      return { payload: { state: args.on ? 'ON' : 'OFF' } };
    }
    if (name === 'heat' && typeof args.on === 'boolean') {
      return { payload: { system_mode: args.on ? (device?.heatMode ?? 'heat') : 'off' } };
    }
    if (name === 'set-target' && typeof args.targetTemperature === 'number') {
      const setpoint = device?.setpoint ?? this.#setpoints.get(friendlyName);
      if (setpoint) return { payload: { [setpoint]: args.targetTemperature } };
      return {
        unsayable: `zigbee2mqtt has not yet told how to set the target of ${friendlyName}`,
        hint: 'Check that zigbee2mqtt runs and that the device exposes a heating setpoint.',
        later: this.#devices === null,
      };
    }
    return {
      unsayable: `zigbee2mqtt has no command "${name}" with ${JSON.stringify(args)}`,
      hint: 'It knows set-target {targetTemperature}, switch {on} and heat {on}.',
      later: false,
    };
  }
}

/** What a payload alone tells of a device, before the device list has come. */
function guess(state: JsonObject): ZigbeeDevice {
  const climate = 'local_temperature' in state || SETPOINTS.some((name) => name in state);
  const relay = onOff(state.state) !== undefined;
  return {
    kind: climate ? 'thermostat' : relay ? 'relay' : 'sensor',
    setpoint: undefined,
    heatMode: undefined,
    valveMax: 100,
    voltageUnit: undefined,
  };
}
