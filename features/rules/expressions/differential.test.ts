import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../engine/kind.ts';
import { Budget } from './budget.ts';
import { BASE } from './cel.ts';
import { ExpressionError, parseExpression } from './expression.ts';
import { expressions, VALUES } from './testing/made-up-expressions.ts';

/** `EVALUATIONS=10000` tries so many. */
const RUNS = Number(process.env.EVALUATIONS ?? 2_000);
const NOW = Date.parse('2026-03-01T12:30:00Z');
const PLENTY = { steps: 1e9, bytes: 1e9 };

const LIBRARY = BASE.clone();
for (const root of ['twins', 'home', 'trigger', 'vars', 'local']) {
  LIBRARY.registerVariable(root, 'dyn');
}

/** What the library gives; null: it gives none. */
function byLibrary(text: string, roots: JsonObject): { value: Json } | { refused: string } {
  const checked = LIBRARY.check(text);
  if (!checked.valid) return { refused: 'by its type check' };
  try {
    const value = LIBRARY.evaluate(text, { ...roots, now: new Date(NOW) });
    return { value: plain(value) };
  } catch (thrown) {
    return { refused: String(thrown) };
  }
}

function byOurs(text: string, roots: JsonObject): { value: Json } | { refused: string } {
  const scope = { roots: roots as never, now: NOW, budget: new Budget(PLENTY) };
  const evaluated = parseExpression(text).evaluate(scope);
  return evaluated.ok ? { value: evaluated.value } : { refused: evaluated.reason };
}

function plain(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || value === undefined) return null;
  // JSON knows none, and so an expression has none
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not finite');
  if (typeof value !== 'object') return value as Json;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value.constructor !== Object) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function told(outcome: { value: Json } | { refused: string }): string {
  if (!('value' in outcome)) return 'refused';
  // To the library's type(), the sum of an int and a double is an int; the value is the same
  return JSON.stringify(outcome.value).replaceAll('Type<double>', 'Type<int>');
}

/**
 * Where the library makes a text or a number of a whole list or map, at any cost: as the key of a map, as an
 * argument of `min` and its kin. Ours says that it takes none.
 */
const DELIBERATE =
  /^a key of a map is|No such key: (?:list|map)$|overload for '(?:min|max|abs|round|floor|ceil)\(|takes at most 64/;
const MISSING = / (?:is|are) not there$/;
const NUMERIC = /\b(?:min|max|abs|round|floor|ceil)\(/;

it('generated expressions have the values that the library gives them', () => {
  let compared = 0;
  let valued = 0;
  fc.assert(
    fc.property(expressions(), (text) => {
      const library = byLibrary(text, { vars: VALUES as never });
      // What the type check refuses never goes live
      if ('refused' in library && library.refused === 'by its type check') return;
      let ours: ReturnType<typeof byOurs>;
      try {
        ours = byOurs(text, { vars: VALUES as never });
      } catch (thrown) {
        if (thrown instanceof ExpressionError) return;
        throw thrown;
      }
      compared++;
      if ('value' in library) valued++;
      // Keys of its maps are texts, whatever its type check has found them to be
      if ('refused' in library && library.refused.includes('is not of type')) return;
      if ('refused' in ours && DELIBERATE.test(ours.refused)) return;
      // What is not there is named first, also where one of the deliberate differences is why there is no value
      const mayDiffer = text.includes('{') || NUMERIC.test(text);
      if ('refused' in ours && mayDiffer && MISSING.test(ours.refused)) return;
      // Another reason may have come first
      if ('refused' in ours && NUMERIC.test(text) && told(library).includes('null')) return;
      expect(told(ours), text).toBe(told(library));
    }),
    { numRuns: RUNS },
  );
  expect(compared).toBeGreaterThan(RUNS / 4);
  expect(valued).toBeGreaterThan(RUNS / 10);
});

const COOKBOOK = new URL('../../../docs/cookbook/', import.meta.url);
const TEXTS = [
  ...readdirSync(COOKBOOK)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => readFileSync(new URL(file, COOKBOOK), 'utf8')),
  readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8'),
  readFileSync(new URL('../kind/rule.test.ts', import.meta.url), 'utf8'),
];
const FOUND = [
  ...new Set(
    TEXTS.flatMap((text) => [
      ...[...text.matchAll(/\$\{([^{}]+)\}/g)].map(([, one]) => String(one)),
      ...[...text.matchAll(/^\s*(?:- |when: |where: |if: |until: |while: )+(.+)$/gm)].map(
        ([, one]) => String(one).replace(/^["'](.*)["']$/, '$1'),
      ),
    ]),
  ),
].filter((text) => {
  try {
    return parseExpression(text).operands.length > 0;
  } catch {
    return false;
  }
});

it(`the expressions of the cookbook, the guide and the tests have the library's values`, () => {
  expect(FOUND.length).toBeGreaterThan(30);
  const scalar = fc.constantFrom<Json>(0, 1, 21.5, -3, 'on', 'x', true, false, ['a', 1], { a: 2 });
  for (const text of FOUND) {
    const { operands } = parseExpression(text);
    // null stands for what is not there, which the library does not know
    if (operands.some(({ mayBeNull }) => mayBeNull)) continue;
    fc.assert(
      fc.property(fc.array(scalar, { minLength: 12, maxLength: 12 }), (values) => {
        const roots: JsonObject = { twins: {}, home: {}, trigger: {}, vars: {}, local: {} };
        for (const [at, { root, path }] of operands.entries()) {
          let owner = roots[root] as JsonObject;
          for (const key of path.slice(0, -1)) {
            const below = owner[key];
            if (typeof below !== 'object' || below === null || Array.isArray(below))
              owner[key] = {};
            owner = owner[key] as JsonObject;
          }
          owner[path.at(-1) ?? ''] ??= values[at % values.length] as Json;
        }
        const library = byLibrary(text, roots);
        if ('refused' in library && library.refused === 'by its type check') return;
        expect(told(byOurs(text, roots)), text).toBe(told(library));
      }),
      { numRuns: 20 },
    );
  }
});
