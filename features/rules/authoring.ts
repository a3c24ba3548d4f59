/** The door for programs that write rules: the language and what its texts mean, without a home or an engine. */
export { ExpressionError, parseExpression } from './expressions/expression.ts';
export { programOf } from './kind/program.ts';
export { formatDuration } from './language/duration.ts';
export { parseRule, printProblem, readRule, readText } from './language/source.ts';
export { runTests } from './trial/run-tests.ts';
