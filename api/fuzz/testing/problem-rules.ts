import type { GivenAnswer } from './open-api-document.ts';

/** What RFC 9457 and the house ask of a problem beyond its schema; null: it is as it should be. */
export function flawOfProblem({ status, headers, text }: GivenAnswer): string | null {
  if (status < 400) return null;
  if (!String(headers['content-type']).startsWith('application/problem+json')) {
    return `a problem of type ${String(headers['content-type'])}`;
  }
  const problem = JSON.parse(text) as Record<string, unknown>;
  if (problem.status !== status) return `says ${String(problem.status)} with status ${status}`;
  if (problem.type !== `urn:homeostat:problem:${String(problem.code)}`) return 'has another type';
  if (String(problem.instance).includes('?')) return 'shows the query, which may hold a token';
  if (problem.hint === undefined) return `gives no hint: ${text}`;
  return null;
}
