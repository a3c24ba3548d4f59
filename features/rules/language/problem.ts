/** What is wrong with a text: where, and how it is printed. */
import { type Place, pathOf } from './place.ts';

/** Something that is wrong with a rule. */
export interface Problem {
  /** `error`: it cannot go live; `warning`: it probably does not do what is meant. */
  severity: 'error' | 'warning';
  message: string;
  /** Where, as keys and indices of what was written. */
  place: Place;
  /** The line, from 1; absent where what was written is no text. */
  line?: number;
  column?: number;
  /** The place is in the text of this blueprint; absent: in what was given. */
  blueprint?: string;
}

/** Where the parts of a text stand. */
export type Locate = (place: Place) => { line: number; column: number } | undefined;

export function error(message: string, place: Place): Problem {
  return { severity: 'error', message, place };
}

/** The problem with its line and column. */
export function located(problem: Problem, locate: Locate): Problem {
  return problem.line === undefined ? { ...problem, ...locate(problem.place) } : problem;
}

/** `12:5: triggers[0].twin: there is no twin "x"`. */
export function printProblem({
  severity,
  message,
  place,
  line,
  column,
  blueprint,
}: Problem): string {
  const text = blueprint === undefined ? '' : `blueprint "${blueprint}": `;
  const at = line === undefined ? text : `${text}${line}:${column}: `;
  const path = pathOf(place);
  return `${at}${severity === 'warning' ? 'warning: ' : ''}${path === '' ? '' : `${path}: `}${message}`;
}
