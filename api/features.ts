/** The features of this server. To add one: its folder, an entry here, and a migration where it stores something of its own. */

import type { AddCommands } from '../features/contract/commands.ts';
import type { Feature } from '../features/contract/feature.ts';
import { rulesCommands } from '../features/rules/commands/index.ts';
import { importCommands } from '../tools/home-assistant-import/index.ts';

interface Entry {
  /** Only the server and what works on its database need it. */
  load: () => Promise<Feature>;
  /** Added to each command line: they load nothing before they are called. */
  commands?: AddCommands;
}

export const FEATURES: readonly Entry[] = [
  {
    load: async () => (await import('../features/rules/index.ts')).rulesFeature,
    commands: rulesCommands,
  },
  { load: async () => (await import('../features/devices/index.ts')).devicesFeature },
  { load: async () => (await import('../features/activity/index.ts')).activityFeature },
];

/** Commands of programs beside the server. */
export const TOOLS: readonly AddCommands[] = [importCommands];
