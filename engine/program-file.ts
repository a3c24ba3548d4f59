import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * A program that runs as a thread or process of its own. In a build this code stands in some chunk, and the program, as in the
 * sources, at its path below one of the folders above.
 * @param path from the root of the sources, without its extension: `api/rule-thread`
 * @throws Error when the build does not hold it: build.js lists the programs
 */
export function programFile(path: string): URL {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    const file = join(folder, `${path}${extname(here)}`);
    if (existsSync(file)) return pathToFileURL(file);
    if (folder === dirname(folder)) throw new Error(`there is no ${path} beside ${here}`);
  }
}
