import type { Engine } from '../../engine/index.ts';
import type { Provisioning } from './envelope-of.ts';
import type { MqttListener } from './signals.ts';

export interface MqttOptions {
  engine: Engine;
  signal: MqttListener;
  mode: ExternalMode | EmbeddedMode;
  /** First level of the native topics. Default `homeostat`. */
  root?: string | undefined;
  /** What to do with devices that nobody knows yet. */
  provisioning: Provisioning;
  /** YAML file of template dialects. */
  templatesFile?: string | null | undefined;
  zigbee2mqtt?: { base?: string | undefined; home?: string | undefined } | null | undefined;
  homesync?: boolean | undefined;
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
  /** Default from 0.5 s doubling up to 30 s, with jitter. */
  reconnect?: { firstMs: number; maxMs: number } | undefined;
}

/** A broker inside this process. */
export interface EmbeddedMode {
  embedded: {
    host: string;
    port: number;
    portFixed: boolean;
    authenticate?: ((username: string, password: string) => boolean | Promise<boolean>) | undefined;
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
}

interface MqttStats {
  connected: boolean;
  /** Packets that wait for their commit. */
  underway: number;
}
