/** Which files of an operator's folder hold kinds. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface KindModules {
  /** The files below the folder, sorted. */
  files: readonly string[];
  /** Folders in it without a file that is their door: nothing of them is loaded. */
  doorless: readonly string[];
}

const MODULE = /\.(ts|mts|js|mjs)$/;
const NO_KIND = /\.(test|spec|d)\.[a-z]+$/;

/**
 * The modules of a folder, and of each folder in it `index` or the one with its name. Tests, declarations and
 * names that begin with `.` or `_` are passed over.
 */
export function kindModulesIn(folder: string): KindModules {
  const files: string[] = [];
  const doorless: string[] = [];
  for (const name of readdirSync(folder).sort()) {
    if (isPassedOver(name)) continue;
    // Follows links, as mounted folders are made of them
    if (!statSync(join(folder, name)).isDirectory()) {
      if (isModule(name)) files.push(name);
      continue;
    }
    const inside = readdirSync(join(folder, name)).filter(isModule);
    const door = ['index', name]
      .map((wanted) => inside.find((file) => file.replace(MODULE, '') === wanted))
      .find((found) => found !== undefined);
    if (door === undefined) doorless.push(name);
    else files.push(join(name, door));
  }
  return { files, doorless };
}

function isPassedOver(name: string): boolean {
  return /^[._]/.test(name) || name === 'node_modules';
}

function isModule(name: string): boolean {
  return MODULE.test(name) && !NO_KIND.test(name) && !isPassedOver(name);
}
