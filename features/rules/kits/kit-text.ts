/** Reads a text, or data, as a kit. */
import { INPUT_TAG } from '../blueprints/blueprint-text.ts';
import { type Read, readData, readText } from '../language/read.ts';
import { type Kit, kit } from './kit-definition.ts';

export function readKit(text: string): Read<Kit> {
  return readText(text, kit, [INPUT_TAG]);
}

export function parseKit(given: unknown): Read<Kit> {
  return readData(given, kit);
}
