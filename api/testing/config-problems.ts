import { readConfig } from '../config.ts';
import { ConfigError } from '../config-error.ts';

/** All that is wrong with an environment. */
export function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
