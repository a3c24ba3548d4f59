/**
 * The typed catalogue of what the adapter tells about itself; logging and metrics subscribe to it.
 * Durations in ms.
 */
export interface MqttSignals {
  /** The embedded broker listens. `moved`: the wanted port was taken. */
  listening: { url: string; moved: boolean };
  connected: { url: string; sessionPresent: boolean };
  disconnected: { url: string };
  /** `retryMs`: how long until the next try. */
  'connection.failed': { url: string; error: string; retryMs: number };
  /** The broker lets us not read a filter. */
  'subscription.refused': { filter: string; error: string; hint: string };
  /** A packet's end. `-` where no codec took it. */
  'packet.settled': { codec: string; outcome: PacketOutcome };
  /** A packet stays unacknowledged, so the sender sends it again. */
  'packet.withheld': { topic: string; error: string };
  /** A mailbox is full: packets of this home wait. */
  'intake.waiting': { home: string; packets: number };
  /** The embedded broker turned a client away or closed its connection. */
  'client.refused': { client: string; reason: string };
  /** The broker elsewhere knows all accounts as they are. */
  'accounts.right': { accounts: number };
  /** It knows what has become of one. */
  'account.told': { username: string };
  /** The broker has lost an account, and only whoever has it knows its secret. */
  'account.missing': { username: string };
  /** Something failed where nobody waits for an answer. */
  'background.failed': { task: string; error: unknown };
}

export type PacketOutcome =
  | 'accepted'
  | 'duplicate'
  | 'ignored'
  | 'rejected'
  | 'refused'
  | 'unknown-topic'
  | 'foreign';

export type MqttListener = <N extends keyof MqttSignals>(name: N, fields: MqttSignals[N]) => void;
