import { describe, expect, it } from 'vitest';
import { and, createMachine, not, setup } from 'xstate';
import { toMermaid } from './mermaid.ts';

const linesOf = (diagram: string) => diagram.split('\n').map((line) => line.trim());

/** What we use of Mermaid’s grammar; what passes here has been held against the parser of Mermaid 11. */
const GRAMMAR = [
  /^stateDiagram-v2$/,
  /^state "[^"\n]+" as \w+( \{)?$/,
  /^(\[\*\]|\w+) --> (\[\*\]|\w+)(: [^:;\n]*(#\d+;[^:;\n]*)*)?$/,
  /^--$/,
  /^\}$/,
];
function expectValid(diagram: string): void {
  const lines = linesOf(diagram);
  for (const line of lines) {
    expect(line).toSatisfy((text: string) => GRAMMAR.some((rule) => rule.test(text)));
  }
  expect(lines.filter((line) => line.endsWith('{'))).toHaveLength(
    lines.filter((line) => line === '}').length,
  );
  // Whatever an edge joins is declared
  const declared = new Set(lines.flatMap((line) => /as (\w+)/.exec(line)?.[1] ?? []));
  for (const line of lines) {
    const edge = /^(\S+) --> ([^\s:]+)/.exec(line);
    for (const end of edge ? [edge[1], edge[2]] : []) {
      if (end !== '[*]') expect(declared).toContain(end);
    }
  }
}

describe('the Mermaid diagram of a machine', () => {
  it('shows events, guards, delays and where it begins', () => {
    const machine = setup({
      guards: { ready: () => true, tired: () => false },
      delays: { pause: 5 },
    }).createMachine({
      id: 'm',
      initial: 'idle',
      states: {
        idle: { on: { go: { guard: and(['ready', not('tired')]), target: 'busy' } } },
        busy: {
          always: { guard: 'tired', target: 'idle' },
          after: { 500: 'idle', pause: { guard: 'ready', target: 'idle' } },
        },
      },
    });
    const diagram = toMermaid(machine.root);
    expectValid(diagram);
    expect(linesOf(diagram)).toEqual([
      'stateDiagram-v2',
      'state "m" as s_m {',
      '[*] --> s_m_idle',
      'state "idle" as s_m_idle',
      'state "busy" as s_m_busy',
      's_m_idle --> s_m_busy: go [ready and not tired]',
      's_m_busy --> s_m_idle: [tired]',
      's_m_busy --> s_m_idle: after 500 ms',
      's_m_busy --> s_m_idle: after pause [ready]',
      '}',
    ]);
  });

  it('separates parallel regions', () => {
    const region = { initial: 'a', states: { a: { on: { flip: 'b' } }, b: {} } };
    const machine = createMachine({ id: 'm', type: 'parallel', states: { x: region, y: region } });
    const diagram = toMermaid(machine.root);
    expectValid(diagram);
    expect(linesOf(diagram).filter((line) => line === '--')).toHaveLength(1);
    expect(diagram).toContain('s_m_x_a --> s_m_x_b: flip');
    expect(diagram).toContain('s_m_y_a --> s_m_y_b: flip');
  });

  it('says where an edge leads that crosses into another state', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'one',
      states: {
        one: { initial: 'x', states: { x: { on: { jump: '#m.two.y' } } } },
        two: { initial: 'z', on: { reset: '.z' }, states: { y: {}, z: {} } },
      },
    });
    const diagram = toMermaid(machine.root);
    expectValid(diagram);
    expect(diagram).toContain('s_m_one --> s_m_two: x, jump → y');
    expect(diagram).toContain('s_m_two --> s_m_two: reset → z');
  });

  it('shows final and history states', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'work',
      states: {
        work: {
          initial: 'a',
          states: {
            a: { on: { end: 'done' } },
            done: { type: 'final' },
            back: { type: 'history' },
          },
          onDone: 'rest',
        },
        rest: { on: { again: '#m.work.back' } },
      },
    });
    const diagram = toMermaid(machine.root);
    expectValid(diagram);
    expect(diagram).toContain('s_m_work_done --> [*]');
    expect(diagram).toContain('state "back (history)" as s_m_work_back');
    expect(diagram).toContain('s_m_work --> s_m_rest: done');
    expect(diagram).toContain('s_m_rest --> s_m_work: again → back');
  });

  it('survives names that Mermaid would trip over', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'state',
      states: {
        state: { on: { 'a:b;c#d': 'end', '*': 'end' } },
        end: { on: { 'x.*': 'say "hi"' } },
        'say "hi"': {},
        say_hi: {},
      },
    });
    const diagram = toMermaid(machine.root);
    expectValid(diagram);
    expect(diagram).toContain('a#58;b#59;c#35;d');
  });

  it('leaves out what changes no state', () => {
    const machine = createMachine({ id: 'm', on: { note: {} }, initial: 'a', states: { a: {} } });
    expect(toMermaid(machine.root)).not.toContain('note');
  });
});
