import type { Address } from '../../../engine/index.ts';
import { FeatureError } from '../../contract/feature-error.ts';
import { type Problem, printProblem } from '../language/problem.ts';

/** What is given under an id, as a refusal calls it. */
interface Sort {
  noun: 'rule' | 'blueprint' | 'kit';
  /** What can be done about its flaws. */
  hint: string;
}

/**
 * @param given null: the text is none of its sort; what it calls itself stands under its noun
 * @throws FeatureError `bad-input` with each flaw, for what cannot go live
 */
export function assertUsable<T extends object>(
  { noun, hint }: Sort,
  given: T | null,
  problems: readonly Problem[],
  { twin }: Address,
): asserts given is T {
  const id = (given as Record<string, unknown> | null)?.[noun];
  if (given && id !== twin) {
    throw new FeatureError(
      'bad-input',
      `the ${noun} calls itself "${id}", and its address "${twin}"`,
      {
        hint: 'Make both the same.',
      },
    );
  }
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (given && !first) return;
  throw new FeatureError('bad-input', first ? printProblem(first) : `it is no ${noun}`, {
    hint,
    flaws: errors.map(flawOf),
  });
}

function flawOf({ line, column, ...problem }: Problem): { path: string; message: string } {
  const { blueprint } = problem;
  const text = blueprint === undefined ? 'body.source' : `blueprint ${blueprint}`;
  const data = blueprint === undefined ? 'body.definition' : text;
  return {
    path: line === undefined ? data : `${text}:${line}:${column}`,
    message: printProblem(problem),
  };
}
