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
  const { templatesFile, broker: _broker, ...dialects } = mqtt;
  const named = new Set([...quotas.exempt, ...homesIn(dialects)]);
  if (demo) named.add(DEMO_HOME);
  const ofTemplates = templatesFile === null ? () => false : await homesOfTemplates(templatesFile);
  return (home) => named.has(home) || ofTemplates(home);
}

/** The homes that a configuration names as `home`, however deep: that of a new dialect is among them. */
function homesIn(configuration: unknown): string[] {
  if (typeof configuration !== 'object' || configuration === null) return [];
  const { home } = configuration as { home?: unknown };
  const below = Object.values(configuration).flatMap(homesIn);
  return typeof home === 'string' ? [home, ...below] : below;
}
