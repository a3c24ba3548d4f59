import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../codecs/', import.meta.url);

/** The names of the files in `codecs/` that make a codec. */
export function codecFiles(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) =>
      /^export function \w+Codec\(/m.test(readFileSync(new URL(file, FOLDER), 'utf8')),
    )
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}
