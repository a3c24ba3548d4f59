/** The levels of our own topics below the root: `{home}/{kind}/{twin}/{channel}`, and `{home}/messages/…`. */

/** What devices publish to. */
export const DEVICE_CHANNELS = ['telemetry', 'event', 'status', 'ack'] as const;
/** What the engine publishes to. */
export const ENGINE_CHANNELS = ['command', 'desired'] as const;
/** Stands in place of a kind: what is said to the rules of a home, and is no device's. */
export const MESSAGES = 'messages';

const CHANNELS: readonly string[] = [...DEVICE_CHANNELS, ...ENGINE_CHANNELS];

/** A device that a topic or a filter names. */
export interface NativeTopic {
  home: string;
  kind: string;
  twin: string;
  channel: string;
}

/** @returns null for a topic that belongs to no device, or to none of its channels */
export function nativeTopic(root: string, topic: string): NativeTopic | null {
  const named = nativeFilter(root, topic);
  return named && CHANNELS.includes(named.channel) ? named : null;
}

/**
 * The same of a filter, whose kind and channel may be wildcards.
 * @returns null for a filter that reaches beyond one device
 */
export function nativeFilter(root: string, filter: string): NativeTopic | null {
  const prefix = `${root}/`;
  if (!filter.startsWith(prefix)) return null;
  const [home = '', kind, twin = '', channel = '', ...rest] = filter
    .slice(prefix.length)
    .split('/');
  if (rest.length > 0 || kind === MESSAGES || kind === undefined) return null;
  return CHANNELS.includes(channel) || channel === '+' || channel === '#'
    ? { home, kind, twin, channel }
    : null;
}

export function isDeviceChannel(channel: string): boolean {
  return DEVICE_CHANNELS.some((one) => one === channel);
}
