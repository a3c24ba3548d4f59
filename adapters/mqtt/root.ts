import type { MqttOptions } from './options.ts';
import { isTopicName } from './topic.ts';

/** The first levels of the native topics. @throws Error for what can be none */
export function rootOf({ root = 'homeostat' }: Pick<MqttOptions, 'root'>): string {
  if (!isTopicName(root) || root.startsWith('$') || root.startsWith('/') || root.endsWith('/')) {
    throw new Error(
      `"${root}" cannot be the MQTT root: use a topic such as "homeostat" or "site/homeostat".`,
    );
  }
  return root;
}
