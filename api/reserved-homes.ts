/** Homes that the configuration names: whoever made one would own the operator’s devices. */
import { homesOfTemplates } from '../adapters/mqtt/index.ts';
import type { Config } from './config.ts';
import { DEMO_HOME } from './demo.ts';

/**
 * @returns whether only the platform makes a home
 * @throws Error for a template file that cannot be used
 */
export async function reservedHomes({
  mqtt,
  demo,
  quotas,
}: Pick<Config, 'mqtt' | 'demo' | 'quotas'>): Promise<(home: string) => boolean> {
  const { zigbee2mqtt, messages, templatesFile } = mqtt;
  const named = new Set([...quotas.exempt, ...messages.map(({ home }) => home)]);
  if (zigbee2mqtt) named.add(zigbee2mqtt.home);
  if (demo) named.add(DEMO_HOME);
  const ofTemplates = templatesFile === null ? () => false : await homesOfTemplates(templatesFile);
  return (home) => named.has(home) || ofTemplates(home);
}
