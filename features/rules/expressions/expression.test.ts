import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';
import { type CelType, ExpressionError, parseExpression } from './expression.ts';

const NOW = Date.parse('2026-03-01T12:30:00Z');
const roots = {
  twins: {
    lamp: { reported: { on: true, power: 20.5, level: 3, name: 'x', nothing: null } },
    'living-room': { reported: { members: ['a', 'b'] } },
  },
  trigger: { to: 5 },
  vars: { limit: 20 },
};
const valueIn = (text: string) =>
  parseExpression(text).evaluate({ roots, now: NOW, budget: new Budget() });

describe('an expression', () => {
  it.each<[string, unknown]>([
    ['twins.lamp.reported.power > 20', true],
    ['twins.lamp.reported.level + 1 == 4', true],
    ['twins.lamp.reported.power * 2 - 1', 40],
    ['10 % 4 + twins.lamp.reported.level % 2', 3],
    ['twins.lamp.reported.on && vars.limit < trigger.to', false],
    ['twins["living-room"].reported.members.exists(m, m == "b")', true],
    ['twins["living-room"].reported.members.size()', 2],
    ['has(twins.lamp.reported.power) && !has(twins.lamp.reported.colour)', true],
    ['has(twins.lamp.reported.nothing)', false],
    ['twins.lamp.reported.colour == null', true],
    ['null != twins.lamp.reported.nothing', false],
    ['twins.lamp.reported.power != null && twins.lamp.reported.power > 20', true],
    ['twins.lamp.reported.name == null', false],
    ['twins.lamp.reported.colour == 1 || true', true],
    ['twins.lamp.reported.name + "!"', 'x!'],
    ['min(twins.lamp.reported.power, 3)', 3],
    ['now.getHours("Europe/Berlin")', 13],
    ['[1, 2.5]', [1, 2.5]],
    ['now - duration("30m")', '2026-03-01T12:00:00.000Z'],
  ])('%s', (text, value) => {
    expect(valueIn(text)).toMatchObject({ ok: true, value });
  });

  it('says what it was made of', () => {
    expect(valueIn('twins.lamp.reported.power > vars.limit')).toEqual({
      ok: true,
      value: true,
      operands: [
        { text: 'twins.lamp.reported.power', value: 20.5 },
        { text: 'vars.limit', value: 20 },
      ],
    });
  });

  it.each([
    ['twins.lamp.reported.colour == "red"', 'twins.lamp.reported.colour is not there'],
    ['twins.lamp.reported.nothing > 1', 'twins.lamp.reported.nothing is not there'],
    ['twins.ghost.reported.a > trigger.none', 'twins.ghost.reported.a, trigger.none are not there'],
    ['1.0 / 0.0', 'it is Infinity, which is no finite number'],
    ['[0.0 / 0.0]', 'it is NaN, which is no finite number'],
    ['twins.lamp.reported.name > 1', expect.stringContaining('no such overload')],
  ])('%s has no value, and says why', (text, reason) => {
    expect(valueIn(text)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['twins.lamp.reported.on &&', 'Unexpected token', 25],
    ['twins == 1', '"twins" alone is no value', 0],
    ['twins[trigger.twin].reported.on', 'a twin is named in the text', 6],
    ['"a".matches("(a+)+$")', '"matches" is not available', 3],
    [`${'['.repeat(40)}1${']'.repeat(40)}`, 'maxDepth (32)', 32],
    [`1${'+1'.repeat(400)}`, 'maxAstNodes (500)', 0],
    ['[1].map(a, [1].map(b, [1].map(c, c)))', 'costs too much', 22],
  ])('%s is refused with its place', (text, message, start) => {
    const refused = () => parseExpression(text);
    expect(refused).toThrow(ExpressionError);
    expect(refused).toThrow(message);
    try {
      refused();
    } catch (error) {
      expect(Math.abs((error as ExpressionError).start - start)).toBeLessThan(8);
    }
  });

  it('is checked with the types of what it reads', () => {
    const types: Record<string, CelType> = {
      'twins.lamp.reported.power': 'double',
      'vars.name': 'string',
    };
    const typeOf = (text: string) =>
      parseExpression(text).typeWith((one) => types[one.text] ?? 'dyn');
    expect(typeOf('twins.lamp.reported.power > 20')).toEqual({ type: 'bool' });
    expect(typeOf('twins.lamp.reported.power == 20')).toEqual({ type: 'bool' });
    expect(typeOf('twins.lamp.reported.power != null')).toEqual({ type: 'bool' });
    expect(typeOf('vars.name')).toEqual({ type: 'string' });
    expect(typeOf('1 > 2 || vars.name > twins.lamp.reported.power')).toEqual({
      error: expect.stringContaining('string > double'),
      start: 9,
    });
  });
});
