import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of package.json, whether this runs from the sources or from a build of them; ends in `/`. */
export const PACKAGE_ROOT: URL = rootOf(dirname(fileURLToPath(import.meta.url)));

function rootOf(folder: string): URL {
  if (existsSync(join(folder, 'package.json'))) return pathToFileURL(`${folder}/`);
  return rootOf(dirname(folder));
}
