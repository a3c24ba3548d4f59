import { describe, expect, test } from 'vitest';
import { assign, createMachine, fromPromise, sendTo, spawnChild } from 'xstate';
import { z } from 'zod';
import { checkKind, jsonFlaw } from './kind-check.ts';

const base = {
  kind: 'thing',
  version: 1,
  description: 'A thing.',
  commands: {},
  measurements: {},
  events: { go: z.object({}), 'intent.acked': z.object({}) },
  view: () => ({}),
};
const problemOf = (machine: unknown, more: object = {}) => {
  try {
    checkKind({ ...base, machine: machine as never, ...more });
    return null;
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a kind is refused when', () => {
  test.each([
    [
      'it invokes, which does not survive a restart',
      createMachine({
        initial: 'a',
        states: { a: { invoke: { src: fromPromise(() => Promise.resolve(1)) } } },
      }),
      /uses invoke.*Emit an effect/s,
    ],
    [
      'it spawns',
      createMachine({ entry: spawnChild(fromPromise(() => Promise.resolve(1))) }),
      /spawns a child.*twin of its own/s,
    ],
    [
      'an action is a custom function',
      createMachine({ on: { go: { actions: () => {} } } }),
      /custom function: it would run before the commit/,
    ],
    [
      'a named action is a custom function',
      createMachine({ on: { go: { actions: 'act' } } }, { actions: { act: () => {} } }),
      /action "act" is a custom function/,
    ],
    [
      'a named action does not exist',
      createMachine({ on: { go: { actions: 'nope' } } }),
      /uses action "nope", which setup\(\) does not define/,
    ],
    [
      'it sends to another actor',
      createMachine({ on: { go: { actions: sendTo('x', { type: 'y' }) } } }),
      /reaches outside the twin.*tell/,
    ],
    [
      'it listens to an event that it does not declare',
      createMachine({ on: { gone: { actions: assign({}) } } }),
      /listens to "gone", which is not among its events \(go, intent.acked\)/,
    ],
    [
      'a wildcard matches no declared event',
      createMachine({ on: { 'timer.*': { actions: assign({}) } } }),
      /listens to "timer\.\*"/,
    ],
    [
      'its context is not JSON',
      createMachine({ context: { at: new Date(0) } }),
      /context.at is a Date/,
    ],
    [
      'it can finish',
      createMachine({ initial: 'a', states: { a: { type: 'final' } } }),
      /top-level final state/,
    ],
  ])('%s', (_why, machine, message) => {
    expect(problemOf(machine)).toMatch(message);
  });

  test('it lacks what the types ask for, as it may in JavaScript', () => {
    const nothing = {
      ...{ description: 1, events: { go: {} }, commands: { act: {} } },
      view: null,
    };
    const problem = problemOf({}, { ...nothing, measurements: undefined });
    for (const lacks of ['a description', 'event "go"', 'command "act"', 'measurements', 'view']) {
      expect(problem).toContain(lacks);
    }
    expect(problem).toContain('a machine, made with setup(…).createMachine(…) of xstate');
    expect(problemOf({}, { kind: undefined, events: null, commands: [] })).toMatch(
      /needs a name.*needs events.*needs commands/s,
    );
  });

  test('its name or version cannot be used', () => {
    const fine = createMachine({});
    expect(problemOf(fine, { kind: 'My Kind' })).toMatch(/name must be lower-case/);
    expect(problemOf(fine, { version: 0 })).toMatch(/version must be/);
  });
});

test('a kind is accepted with delays, wildcards, nested finals and declared events', () => {
  const fine = createMachine({
    initial: 'a',
    states: {
      a: {
        initial: 'b',
        states: { b: { after: { 100: 'c' } }, c: { type: 'final' } },
        onDone: 'd',
      },
      d: { on: { 'intent.*': 'a', '*': 'd', go: { actions: assign({}) } } },
    },
  });
  expect(problemOf(fine)).toBeNull();
});

test.each([
  [{ a: [1, 'x', null, { b: true }] }, null],
  [{ a: Number.NaN }, 'c.a is NaN, which JSON cannot hold'],
  [{ a: [undefined] }, 'c.a[0] is undefined, which JSON turns into null'],
  [{ a: new Map() }, 'c.a is a Map; store plain data (for a moment: epoch ms)'],
  [{ a: () => {} }, 'c.a is a function, which JSON cannot hold'],
  [{ a: 1n }, 'c.a is a bigint, which JSON cannot hold'],
])('jsonFlaw of %o', (value, flaw) => {
  expect(jsonFlaw(value, 'c')).toBe(flaw);
});
