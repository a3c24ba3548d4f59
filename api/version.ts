import { readFileSync } from 'node:fs';

/** The package's version, from the package.json above this file, in the sources and in a build. */
export function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      return String((JSON.parse(text) as { version: unknown }).version);
    } catch {
      // Not there: one level further up, where a build's chunks lie
    }
  }
  return 'unknown';
}
