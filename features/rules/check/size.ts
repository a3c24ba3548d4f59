/** How large a rule may be: it is read anew whenever its twin comes into memory, and stored with what it remembers. */

import { error, type Problem } from '../language/problem.ts';
import type { Definition } from '../rule-definition.ts';

/** The most bytes of a rule's canonical form, as JSON, and of its author's text. */
const MAX_BYTES = 64 * 1_024;
const MAX_EXPRESSIONS = 500;

export function flawsOfSize(definition: Definition): Problem[] {
  const text = JSON.stringify(definition);
  const flaws = flawsOfText(text);
  const expressions = countOf(text);
  if (expressions > MAX_EXPRESSIONS) {
    flaws.push(
      error(
        `a rule has at most ${MAX_EXPRESSIONS} expressions, and this one about ${expressions}; make several of it`,
        [],
      ),
    );
  }
  return flaws;
}

/** What is wrong with the size of an author's text; null: there is none. */
export function flawsOfText(text: string | null): Problem[] {
  if (text === null || Buffer.byteLength(text) <= MAX_BYTES) return [];
  return [error(`a rule is at most ${MAX_BYTES / 1_024} KiB; make several of it`, [])];
}

/** How many templates, conditions and triggers the text has. */
function countOf(text: string): number {
  return text.match(/\$\{|"(?:expression|where|when|until|key)":"/g)?.length ?? 0;
}
