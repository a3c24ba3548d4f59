/** Expressions made up by fast-check: of accepted size, over values that differ in type. */
import fc from 'fast-check';

/** What they read, as `vars.x`. */
export const VALUES = {
  one: 1,
  half: 0.5,
  list: [1, 2, 3, 4.5],
  names: ['a', 'b', 'abc', ''],
  nested: [[1], [2, 3], []],
  map: { a: 1, b: 'x', c: [1, 2] },
  text: 'Some text, with ä and "quotes"',
  yes: true,
  empty: [],
};
const READ = Object.keys(VALUES).map((name) => `vars.${name}`);
const LITERALS = [
  ...['1', '0', '-3', '2.5', '"a"', '""', '"b,c"', 'true', 'false', 'null', '[]', '{}', '7u'],
  ...['[1, 2]', '["a", "b"]', '{"a": 1}', '{1: "x"}', 'now', 'b"ab"', 'int', 'duration("1h30m")'],
  ...['timestamp("2026-01-01T00:00:00Z")', '[1, "a", 2.5]', '{"a": [1], "b": {"c": 2}}'],
];
const BINARY = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||'];
const FUNCTIONS = [
  'size',
  'string',
  'int',
  'double',
  'type',
  'dyn',
  'abs',
  'round',
  'bool',
  'floor',
];
const METHODS = ['size()', 'trim()', 'upperAscii()', 'lowerAscii()', 'join()', 'getHours()'];
const METHODS_OF_ONE = [
  'contains',
  'startsWith',
  'endsWith',
  'indexOf',
  'split',
  'join',
  'substring',
];

/** @param depth of nodes within each other */
export function expressions(depth = 3): fc.Arbitrary<string> {
  return fc.oneof(made(1, [], 0), made(2, [], 0), made(depth, [], 0));
}

function made(depth: number, names: readonly string[], nested: number): fc.Arbitrary<string> {
  // What is read may be of any type, so the type check lets most of it pass
  const leaf = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...READ, ...names, ...names, ...names) },
    { weight: 1, arbitrary: fc.constantFrom(...LITERALS) },
  );
  if (depth <= 0) return leaf;
  const one = made(depth - 1, names, nested);
  const choices: fc.Arbitrary<string>[] = [
    leaf,
    fc.tuple(one, fc.constantFrom(...BINARY), one).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(one, one, one).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    fc.tuple(fc.constantFrom('!', '-'), one).map(([op, a]) => `${op}(${a})`),
    fc.array(one, { maxLength: 4 }).map((all) => `[${all.join(', ')}]`),
    fc.tuple(one, one).map(([key, value]) => `{${key}: ${value}}`),
    fc.tuple(one, one).map(([owner, key]) => `(${owner})[${key}]`),
    one.map((owner) => `(${owner}).a`),
    fc.tuple(fc.constantFrom(...FUNCTIONS), one).map(([name, a]) => `${name}(${a})`),
    fc.tuple(one, fc.constantFrom(...METHODS)).map(([a, method]) => `(${a}).${method}`),
    fc
      .tuple(one, fc.constantFrom(...METHODS_OF_ONE), one)
      .map(([a, method, b]) => `(${a}).${method}(${b})`),
    fc.tuple(fc.constantFrom('min', 'max'), one, one).map(([f, a, b]) => `${f}(${a}, ${b})`),
  ];
  // The language takes two within each other; a receiver counts as being within
  if (nested < 2) {
    const name = `n${names.length}`;
    const body = made(depth - 1, [...names, name], nested + 1);
    const range = made(depth - 2, names, 2);
    choices.push(
      fc
        .tuple(range, fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter'), body)
        .map(([a, macro, b]) => `(${a}).${macro}(${name}, ${b})`),
      fc.tuple(range, body, body).map(([a, b, c]) => `(${a}).map(${name}, ${b}, ${c})`),
      fc.tuple(range, body).map(([a, b]) => `cel.bind(${name}, ${a}, ${b})`),
      body.map((a) => `has(vars.map.${name}) && ${a.replaceAll(name, '1')}`),
    );
  }
  return fc.oneof(...choices);
}

/** Those that try to cost more than they may: everything is multiplied. */
export function bombs(): fc.Arbitrary<string> {
  const large = ['trigger.body.l', 'trigger.body.s', 'trigger.body.n', 'trigger.body.m', 'vars.x'];
  const leaf = fc.constantFrom(...large, 'a', 'b', '"x"', '1.0');
  const grown = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.oneof(
      fc.tuple(inner, inner).map(([a, b]) => `(${a} + ${b})`),
      fc.array(inner, { minLength: 1, maxLength: 6 }).map((all) => `[${all.join(', ')}]`),
      fc.tuple(inner, inner).map(([a, b]) => `{"k": ${a}, "j": ${b}}`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a} == ${b})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a} in ${b})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a}).split(${b})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a}).join(${b})`),
      fc.tuple(inner, inner).map(([a, b]) => `(${a}).contains(${b})`),
      inner.map((a) => `size(${a})`),
      inner.map((a) => `string(${a})`),
      inner.map((a) => `bytes(${a})`),
      inner.map((a) => `duration(${a})`),
      inner.map((a) => `now.getHours(${a})`),
      inner.map((a) => `(${a}).upperAscii()`),
    );
  const body = grown(fc.oneof(leaf, grown(fc.oneof(leaf, grown(leaf)))));
  const range = fc.constantFrom(...large, 'trigger.body.l + trigger.body.l');
  const macro = fc.constantFrom('map', 'filter', 'all', 'exists', 'exists_one');
  return fc.oneof(
    body.map((one) => one.replaceAll(/\b[ab]\b/g, 'vars.x')),
    fc.tuple(range, macro, range, macro, body).map(([outer, first, inner, second, one]) => {
      return `(${outer}).${first}(a, (${inner}).${second}(b, ${one}))`;
    }),
    fc.tuple(range, body, body).map(([outer, one, other]) => {
      const of = (text: string) => text.replaceAll(/\bb\b/g, 'a');
      return `(${outer}).map(a, cel.bind(b, ${of(one)}, ${other}))`;
    }),
  );
}
