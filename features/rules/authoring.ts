/** The door for programs that write rules: the language and what its texts mean, without a home or an engine. */
export { ExpressionError, parseExpression } from './expressions/expression.ts';
export { programOf } from './kind/program.ts';
export { formatDuration } from './language/duration.ts';
export { printProblem } from './language/problem.ts';
export { readText } from './language/read.ts';
export { parseRule, readRule } from './rule-definition.ts';
export { runTests } from './trial/run-tests.ts';
