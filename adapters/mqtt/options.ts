import type { Engine } from '../../engine/index.ts';
import type { AccountBook, Authenticator, BrokerAccount, TlsSource } from './authenticator.ts';
import type { MessageSource } from './codecs/messages.ts';
import type { Provisioning } from './envelope-of.ts';
import type { MqttListener } from './signals.ts';

/** Messages that are under way at once, unless the options say otherwise. */
export const DEFAULT_RECEIVE_MAXIMUM = 2_000;

export interface MqttOptions {
  engine: Engine;
  signal: MqttListener;
  mode: ExternalMode | EmbeddedMode;
  /** First level of the native topics. Default `homeostat`. */
  root?: string | undefined;
  /** What to do with devices that nobody knows yet; a home may have its own way. */
  provisioning: Provisioning | ((home: string) => Provisioning);
  /** YAML file of template dialects. */
  templatesFile?: string | null | undefined;
  zigbee2mqtt?: { base?: string | undefined; home?: string | undefined } | null | undefined;
  homesync?: boolean | undefined;
  /** Topics of others that the rules of a home may hear. */
  messages?: readonly MessageSource[] | undefined;
  /** Packets that may wait for their commit. Default 2,000. */
  receiveMaximum?: number | undefined;
  /** How long a stop waits for what is under way to commit, ms. Default 5 s. */
  drainMs?: number | undefined;
  /** 0 to 1; spreads reconnects. Default `Math.random`. */
  random?: (() => number) | undefined;
}

/** A broker elsewhere. */
export interface ExternalMode {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Default `homeostat`. Two engines at one broker need two. */
  clientId?: string | undefined;
  /** Default 7 days. */
  sessionExpirySeconds?: number | undefined;
  /** What else the connection needs: the broker’s certificate authority, a certificate of ours, in PEM. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer } | undefined;
  /** Keeps the accounts of Mosquitto’s dynamic security plugin like these. */
  accounts?: AccountBook | undefined;
  /** Default from 0.5 s doubling up to 30 s, with jitter. */
  reconnect?: { firstMs: number; maxMs: number } | undefined;
}

/** A broker inside this process. */
export interface EmbeddedMode {
  embedded: {
    host: string;
    port: number;
    portFixed: boolean;
    /** Without it only loopback can be listened on. */
    authenticator?: Authenticator | undefined;
    /** Whether clients may come without a name, and then do all. Default: on loopback. */
    anonymous?: boolean | undefined;
    tls?: TlsSource | undefined;
  };
}

export interface MqttAdapter extends AsyncDisposable {
  /** Where devices and the engine meet; without password. */
  readonly url: string;
  /** Whether what devices publish now arrives. */
  connected(): boolean;
  /** Resolves at the first time that it does. */
  whenConnected(): Promise<void>;
  stats(): MqttStats;
  /**
   * Tells a broker elsewhere of an account before its secret counts.
   * @throws Error when it cannot be told now
   */
  announce(account: BrokerAccount, secret: string): Promise<void>;
}

interface MqttStats {
  connected: boolean;
  /** Packets that wait for their commit. */
  underway: number;
}
