import type { IdentityChange, IdentityChanges } from '../changes.ts';
import type { Gateways } from '../gateways/gateways.ts';
import { ApiKeys } from '../keys/api-keys.ts';
import { nameOf } from '../principal.ts';
import type { BrokerAccount, DeviceAddress } from './device-address.ts';
import { DeviceCredentials } from './device-credentials.ts';

/** Who may come in over MQTT, and for which devices they speak. */
export interface Speaker {
  /** `{home}/{twin}` of a device, the id of a gateway or of a key. */
  username: string;
  /** The principal, as journals name it: see `principal.ts`. */
  principal: string;
  /** All: a bridge, which speaks other dialects than our own. */
  devices: readonly DeviceAddress[] | 'all';
}

export interface MqttAccountsOptions {
  credentials: DeviceCredentials;
  gateways: Gateways;
  keys: ApiKeys;
  changes: IdentityChanges;
}

/** Everyone who speaks MQTT. */
export class MqttAccounts {
  readonly #options: MqttAccountsOptions;

  constructor(options: MqttAccountsOptions) {
    this.#options = options;
  }

  /** @returns null for a wrong name or password */
  async admit(username: string, password: string): Promise<Speaker | null> {
    const { credentials, gateways, keys } = this.#options;
    if (DeviceCredentials.looksLike(password)) {
      const device = await credentials.find(password);
      if (!device || DeviceCredentials.usernameOf(device.home, device.twin) !== username)
        return null;
      return { username, devices: [device], principal: nameOf({ type: 'device', ...device }) };
    }
    if (ApiKeys.looksLike(password)) {
      const key = await keys.find(password);
      const isBridge = key?.home === null && key.scopes.includes('mqtt.bridge');
      const isTheirs = isBridge && username === key.id;
      return isTheirs ? { username, devices: 'all', principal: `key:${key.id}` } : null;
    }
    if (!gateways.isSecretOf(username, password)) return null;
    const gateway = this.#gateway(username);
    return gateway && { ...gateway, principal: `gateway:${username}` };
  }

  /** Finds an account for a broker that checks passwords itself. @returns null for who may not come in there */
  async find(username: string): Promise<BrokerAccount | null> {
    const [home = '', twin] = username.split('/');
    if (twin === undefined) return this.#gateway(username);
    const isThere = await this.#options.credentials.isTold(home, twin);
    return isThere ? { username, devices: [{ home, twin }] } : null;
  }

  /** All that a broker of its own has to know. */
  async all(): Promise<BrokerAccount[]> {
    const { credentials, gateways } = this.#options;
    const devices = (await credentials.allTold()).map(({ home, twin }) => ({
      username: DeviceCredentials.usernameOf(home, twin),
      devices: [{ home, twin }],
    }));
    const known = gateways.ids().map((id) => this.#gateway(id));
    return [...devices, ...known.filter((gateway) => gateway !== null)];
  }

  /** @param listener called with the name of whoever may come in no more, or as somebody else */
  subscribe(listener: (username: string) => void): Disposable {
    return this.#options.changes.subscribe((change) => {
      const username = usernameIn(change);
      if (username !== null) listener(username);
    });
  }

  #gateway(id: string): BrokerAccount | null {
    const gateway = this.#options.gateways.find(id);
    if (!gateway) return null;
    const { home } = gateway;
    return { username: id, devices: [...gateway.twins].map((twin) => ({ home, twin })) };
  }
}

function usernameIn(change: IdentityChange): string | null {
  switch (change.type) {
    case 'device-changed':
      return DeviceCredentials.usernameOf(change.home, change.twin);
    case 'gateway-changed':
      return change.gateway;
    case 'key-changed':
      return change.key;
    case 'session-ended':
    case 'membership':
    case 'gateways':
    case 'policy':
    case 'unsure':
      return null;
  }
}
