import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../engine/kind.ts';
import { Budget, BudgetExceeded, TURN_LIMITS } from './budget.ts';
import { ExpressionError, parseExpression } from './expression.ts';
import { parseTemplate } from './template.ts';
import { bombs } from './testing/made-up-expressions.ts';

/** `EVALUATIONS=10000` tries so many. */
const RUNS = Number(process.env.EVALUATIONS ?? 500);
const NOW = Date.parse('2026-03-01T12:30:00Z');

/** As large as a webhook's body may be, in each of several shapes. */
const body: JsonObject = {
  l: Array.from({ length: 4_000 }, (_, at) => at),
  s: Array.from({ length: 1_000 }, (_, at) => `text ${at}`),
  n: 'a'.repeat(60_000),
  m: Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`k${at}`, { a: [at] }])),
};
const roots = { trigger: { body }, vars: { x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } };

function spentBy(text: string, given: JsonObject = roots as never) {
  const budget = new Budget();
  let exceeded: string | null = null;
  let value: unknown = null;
  try {
    const evaluated = parseExpression(text).evaluate({ roots: given as never, now: NOW, budget });
    if (evaluated.ok) value = evaluated.value;
  } catch (thrown) {
    if (!(thrown instanceof BudgetExceeded)) throw thrown;
    exceeded = thrown.reason;
  }
  return { exceeded, value, steps: budget.spentSteps, bytes: budget.madeBytes };
}

describe('an expression that costs too much ends, and says what it was', () => {
  it.each([
    ['trigger.body.l.exists(a, trigger.body.l.exists(b, a + b == -1.0))', 'steps'],
    ['trigger.body.l.map(a, trigger.body.l)', 'values'],
    ['trigger.body.l.map(a, trigger.body.n)', 'values'],
    ['trigger.body.l + trigger.body.l + trigger.body.m.map(k, trigger.body.l)', 'values'],
    [
      'trigger.body.n + trigger.body.n + trigger.body.n + trigger.body.n + trigger.body.n',
      'values',
    ],
    ['[trigger.body.m, trigger.body.m, trigger.body.m, trigger.body.m, trigger.body.m]', 'values'],
    ['trigger.body.s.map(a, trigger.body.s.join(trigger.body.n))', 'values'],
    ['trigger.body.n.split("")', 'steps'],
    ['trigger.body.n.contains("b" + trigger.body.n)', 'steps'],
    ['trigger.body.l.all(a, a in trigger.body.s || true)', 'steps'],
    ['trigger.body.l.exists(a, trigger.body.m == {"a": trigger.body.m})', 'values'],
    ['trigger.body.l.exists(a, now.getHours("Europe/Berlin") > 24)', 'steps'],
    ['trigger.body.l.exists(a, [trigger.body.m] == [trigger.body.l, a])', 'values'],
    ['trigger.body.l.exists(a, size(trigger.body.n) < 0)', 'steps'],
    ['trigger.body.l.exists(a, nobody(a))', 'steps'],
  ])('%s', (text, unit) => {
    expect(spentBy(text).exceeded).toMatch(
      new RegExp(
        `^"${text.slice(0, 10).replace(/[.[\]]/g, '.')}.*more than .*${unit} in one turn$`,
      ),
    );
  });

  it('counts a value that shares its parts as what it is as JSON', () => {
    let x: unknown = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const sizes = [];
    for (let round = 0; round < 8; round++) {
      const { exceeded, value, bytes } = spentBy('vars.x.map(a, vars.x)', { vars: { x } } as never);
      if (exceeded) break;
      expect(bytes).toBeGreaterThanOrEqual(JSON.stringify(value).length);
      sizes.push(JSON.stringify(value).length);
      x = value;
    }
    expect(sizes.length).toBeLessThan(5);
  });

  it('nests values 64 levels deep, and no deeper', () => {
    let x: unknown = 1;
    let rounds = 0;
    for (; rounds < 100; rounds++) {
      const { exceeded, value } = spentBy('[vars.x]', { vars: { x } } as never);
      if (exceeded) break;
      x = value;
    }
    expect(rounds).toBe(64);
  });

  it.each(['duration', 'timestamp', 'int', 'double'])(
    '%s() does not read a text of any length',
    (name) => {
      const n = '1'.repeat(50_000);
      const { exceeded, steps } = spentBy(`${name}(trigger.n)`, { trigger: { n } } as never);
      expect(exceeded).toBeNull();
      expect(steps).toBeLessThan(5_000);
    },
  );

  it('says the same at each evaluation', () => {
    const text = 'trigger.body.l.map(a, trigger.body.s.map(b, {"a": a, "b": b}))';
    expect(spentBy(text)).toEqual(spentBy(text));
  });
});

it('no expression of accepted size spends more than a turn may', () => {
  let exceeded = 0;
  fc.assert(
    fc.property(bombs(), (text) => {
      const isExpression = () => {
        try {
          return parseExpression(text);
        } catch (thrown) {
          if (thrown instanceof ExpressionError) return null;
          throw thrown;
        }
      };
      if (!isExpression()) return;
      const { exceeded: reason, value } = spentBy(text);
      if (reason !== null) exceeded++;
      // What came out has been paid
      else expect(JSON.stringify(value).length).toBeLessThanOrEqual(TURN_LIMITS.bytes);
    }),
    { numRuns: RUNS },
  );
  // They try to
  expect(exceeded).toBeGreaterThan(RUNS / 8);
});

it('no template of accepted size makes more than a turn may', () => {
  fc.assert(
    fc.property(
      fc.array(bombs(), { minLength: 1, maxLength: 8 }),
      fc.string({ maxLength: 500 }),
      (texts, between) => {
        const filler = between.replaceAll('$', '');
        const parts = texts.filter((text) => {
          try {
            return parseExpression(text).operands.length > 0;
          } catch {
            return false;
          }
        });
        const value = {
          text: parts.map((one) => `${filler}\${${one}}`).join(filler),
          all: parts.map((one) => `\${${one}}`),
        };
        const budget = new Budget();
        try {
          const filled = parseTemplate(value).fill({ roots: roots as never, now: NOW, budget });
          if (filled.ok) {
            expect(JSON.stringify(filled.value).length).toBeLessThanOrEqual(TURN_LIMITS.bytes);
          }
        } catch (thrown) {
          if (!(thrown instanceof BudgetExceeded)) throw thrown;
        }
      },
    ),
    { numRuns: Math.ceil(RUNS / 4) },
  );
});
