/** A twin's revision as an entity tag: `If-Match` guards a change, `If-None-Match` saves a download. */
import { z } from 'zod';
import { Refusal } from '../problem.ts';

export const IfMatch = z.object({
  'if-match': z
    .string()
    .max(200)
    .optional()
    .describe('`ETag` of the twin that you decided on; 412 if it has moved on. `*`: any revision.'),
});
export const IfNoneMatch = z.object({
  'if-none-match': z
    .string()
    .max(200)
    .optional()
    .describe('`ETag` that you have already; 304 if the twin is still at it.'),
});

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

interface Tag {
  weak: boolean;
  text: string;
}

/**
 * The revision that the sender insists on; undefined for any.
 * @throws Refusal `malformed`, or `stale-revision` for a tag that no twin can have
 */
export function wantedRevision(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  const revisions = tagsIn(ifMatch, 'If-Match')
    // RFC 9110 §13.1.1: a weak tag never matches here
    .filter(({ weak, text }) => !weak && /^\d{1,15}$/.test(text))
    .map(({ text }) => Number(text));
  const [revision, ...others] = revisions;
  if (others.length > 0) {
    throw new Refusal('malformed', 'If-Match names several revisions', {
      hint: 'Name the one that you read.',
    });
  }
  if (revision === undefined) {
    throw new Refusal('stale-revision', `no twin is at ${ifMatch}`, {
      hint: 'Pass the ETag of the twin as you got it.',
    });
  }
  return revision;
}

/** Whether the sender has this revision already. */
export function isKnown(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return tagsIn(ifNoneMatch, 'If-None-Match').some(({ text }) => text === String(revision));
}

function tagsIn(header: string, name: string): Tag[] {
  const tags = header.split(',').map((part) => /^\s*(W\/)?"([^"]*)"\s*$/.exec(part));
  return tags.map((tag) => {
    if (tag) return { weak: tag[1] !== undefined, text: tag[2] ?? '' };
    throw new Refusal('malformed', `${name} is not a list of entity tags`, {
      hint: 'An entity tag is quoted: "42".',
    });
  });
}
