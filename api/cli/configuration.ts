import { configurationPage, environmentFile } from '../config-reference.ts';

/** `homeostat configuration`: what can be set, as a page or as a file to start from. */
export function printConfiguration({ env }: { env?: boolean }): void {
  process.stdout.write(env === true ? environmentFile() : configurationPage());
}
