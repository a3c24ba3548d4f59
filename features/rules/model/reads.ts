/** What of other twins an expression needs. */
import type { Read } from '../../../engine/kind.ts';
import type { Operand } from '../expressions/expression.ts';
import { HOME_TWIN } from './home-twin.ts';

/** What goes with each event of a rule, so that these operands have their values. */
export function readsOf(operands: readonly Operand[]): Read[] {
  return operands.flatMap(({ root, path }): Read[] => {
    const [twin, ...rest] = path;
    if (root === 'home') return [{ twin: HOME_TWIN, path: ['reported', ...path] }];
    return root === 'twins' && twin !== undefined && rest.length > 0 ? [{ twin, path: rest }] : [];
  });
}
