/** A check that cannot fail is worth nothing: each is shown evidence that was forged for it. */
import { describe, expect, test } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { GenerationRow } from '../../engine/index.ts';
import { relay } from '../../twins/relay/relay.ts';
import type { Evidence, TwinEvidence } from './evidence.ts';
import { violations } from './invariants.ts';
import { Model, type ReceivedCommand } from './model.ts';
import type { ProjectionEvidence } from './projection-invariants.ts';
import type { Waivers } from './waivers.ts';

const LAMP = { home: 'h1', twin: 'lamp' };
const AUTO_OFF_MS = 60_000;

const GENERATION: GenerationRow = {
  ...{ name: 'activity', generation: 1, version: 1, status: 'active', cursor: 9, start: 0 },
  ...{ since: 0, appliedAt: 0, begunAt: 0, builtAt: 0, skipped: 0, error: null },
};

type Journal = TwinEvidence['journal'];

/** A lamp that was switched on, switched itself off, and reported; and what the world outside saw of it. */
class Story {
  readonly model = new Model();
  readonly evidence: Evidence;
  readonly #bench = new TwinBench(relay, { ...LAMP, now: Date.now() });

  constructor() {
    this.#hear({ type: 'settings.changed', autoOffMs: AUTO_OFF_MS, silenceMs: 86_400_000 }, 'rest');
    this.#hear({ type: 'telemetry', on: false }, 'mqtt');
    this.#hear({ type: 'toggle' }, 'rest');
    this.#hear({ type: 'telemetry', on: true }, 'mqtt');
    this.#bench.advance(AUTO_OFF_MS);
    this.#hear({ type: 'telemetry', on: false }, 'mqtt');
    this.#anonymous({ type: 'telemetry', power: 0 });
    this.evidence = this.#gather();
    for (const intent of this.evidence.intents.values()) this.#receive(intent);
  }

  /** What is found when nothing, or what a test has forged, is wrong. */
  violations(waivers: Waivers = {}): string[] {
    return violations(this.model, this.evidence, waivers);
  }

  get lamp(): TwinEvidence {
    const [lamp] = this.evidence.twins;
    if (!lamp) throw new Error('there is no lamp');
    return lamp;
  }

  /** The journal as somebody would have to have stored it. */
  forge(change: (journal: Journal) => Journal): void {
    this.lamp.journal = change(this.lamp.journal);
  }

  /** The first of the commands, which the lamp has received. */
  get command(): ReceivedCommand {
    const [first] = this.model.commands.values();
    if (!first) throw new Error('there is no command');
    return first;
  }

  #hear(event: { type: string; [field: string]: unknown }, source: string): void {
    const id = `own.${this.model.events.size}`;
    this.model.sent(LAMP, id);
    this.#bench.send(event as never, { id, source });
    this.model.acknowledge(id);
  }

  #anonymous(event: { type: string; power: number }): void {
    this.#bench.send(event);
    this.model.anonymous.set('h1/lamp', { sent: 1, acknowledged: 1 });
  }

  #receive({ id, name, args, expiresAt }: ReceivedIntent): void {
    this.model.received({ ...LAMP, id, name, args, expiresAt });
  }

  #gather(): Evidence {
    const { twin, journal, intents, now } = this.#bench;
    const replays = [{ ok: true, revision: twin.revision, from: 0, turns: 1, differences: [] }];
    return {
      twins: [{ twin, journal: [...journal], replays }],
      intents: new Map(
        [...intents.values()].map((intent) => [intent.id, { ...intent, sentAt: now, attempts: 1 }]),
      ),
      outbox: [],
      deadLetters: [],
      projection: {
        generation: GENERATION,
        stored: new Map([['h1/lamp 2026-01-05', 'so']]),
        computed: new Map([['h1/lamp 2026-01-05', 'so']]),
      },
      readAt: now,
    };
  }
}

type ReceivedIntent = Pick<ReceivedCommand, 'id' | 'name' | 'args' | 'expiresAt'>;

test('a story in which all went well violates nothing', () => {
  const story = new Story();
  expect(story.violations()).toEqual([]);
  expect(story.model.commands.size).toBe(2);
  expect(story.lamp.journal.some(({ event }) => event.type === 'timer.fired')).toBe(true);
});

describe('projections', () => {
  test('with a row that the journal does not have, has otherwise, or has alone', () => {
    for (const forge of [
      (projection: ProjectionEvidence) => projection.stored.set('h1/lamp 2026-01-05', 'other'),
      ({ stored }: ProjectionEvidence) => stored.clear(),
      ({ computed }: ProjectionEvidence) => computed.clear(),
    ]) {
      const story = new Story();
      if (story.evidence.projection) forge(story.evidence.projection);
      expect(story.violations()).toEqual([
        expect.stringMatching(/^projection activity up to 9 has of h1\/lamp 2026-01-05: /),
      ]);
    }
  });

  test('that left a turn out, or do not answer at all', () => {
    const story = new Story();
    if (story.evidence.projection) {
      story.evidence.projection.generation = { ...GENERATION, skipped: 2, error: 'why' };
    }
    expect(story.violations()).toEqual(['projection activity left 2 turns out: why']);
    story.evidence.projection = null;
    expect(story.violations()).toEqual(['no projection answers']);
  });
});

describe('events', () => {
  test('acknowledged and in no journal', () => {
    const story = new Story();
    story.model.sent(LAMP, 'lost');
    expect(story.violations()).toEqual([]);
    story.model.acknowledge('lost');
    expect(story.violations()).toEqual(['event lost was acknowledged and is in no journal']);
    expect(story.violations({ brokerLost: true })).toEqual([]);
  });

  test('counted twice', () => {
    const story = new Story();
    story.forge((journal) => {
      const again = journal.find(({ eventId }) => eventId === 'own.3');
      return again ? [...journal, { ...again, revision: journal.length }] : journal;
    });
    story.lamp.twin = { ...story.lamp.twin, revision: story.lamp.twin.revision + 1 };
    expect(story.violations({ brokerLost: true })[0]).toMatch(/^event own\.3 counted at .* and /);
  });

  test('in the journal of another twin', () => {
    const story = new Story();
    story.model.events.set('own.3', { ...LAMP, twin: 'other', id: 'own.3', acknowledged: true });
    expect(story.violations()[0]).toMatch(/^event own\.3 of h1\/other is at h1\/lamp@/);
  });

  test('samples without ids that are not counted, or counted twice', () => {
    const story = new Story();
    story.model.anonymous.set('h1/lamp', { sent: 3, acknowledged: 2 });
    expect(story.violations()).toEqual(['h1/lamp counts 1 samples; 3 were sent, 2 acknowledged']);
    story.forge((journal) =>
      journal.map((row) =>
        row.event['power'] === 0
          ? { ...row, event: { ...row.event, folded: { samples: 4, ids: [], fields: {} } } }
          : row,
      ),
    );
    expect(story.violations()).toEqual(['h1/lamp counts 4 samples; 3 were sent, 2 acknowledged']);
  });

  test('samples without ids of a twin that was never stored', () => {
    const story = new Story();
    story.model.anonymous.set('h1/gone', { sent: 1, acknowledged: 1 });
    expect(story.violations()).toEqual(['h1/gone counts 0 samples; 1 were sent, 1 acknowledged']);
  });
});

describe('twins', () => {
  test('a gap in the revisions', () => {
    const story = new Story();
    const anonymous = story.lamp.journal.length - 1;
    story.forge((journal) =>
      journal.map((row) => (row.revision === anonymous ? { ...row, revision: 99 } : row)),
    );
    expect(story.violations()).toEqual([`h1/lamp: revision 99 stands at ${anonymous}`]);
  });

  test('a state that is ahead of its journal', () => {
    const story = new Story();
    const { revision } = story.lamp.twin;
    story.lamp.twin = { ...story.lamp.twin, revision: revision + 1 };
    expect(story.violations()).toEqual([
      `h1/lamp is at revision ${revision + 1}, its journal ends at ${revision}`,
    ]);
  });

  test('a replay that gives another state', () => {
    const story = new Story();
    const difference = { path: 'context.on', stored: true, replayed: false };
    const [replay] = story.lamp.replays;
    if (replay) story.lamp.replays = [{ ...replay, ok: false, differences: [difference] }];
    expect(story.violations()).toEqual([
      `h1/lamp: replay from 0 differs: ${JSON.stringify([difference])}`,
    ]);
  });

  test('a dead letter that nobody provoked', () => {
    const story = new Story();
    const content = { type: 'packet', topic: 't', payload: '', truncated: false } as const;
    const letter = { ...LAMP, id: 'd', source: 'mqtt', code: 'bad-input', error: 'odd' } as const;
    story.evidence.deadLetters.push({ ...letter, hint: null, at: 0, attempts: 1, content });
    expect(story.violations()).toEqual(['dead letter of h1/lamp: bad-input: odd']);
    expect(story.violations({ deadLetters: true })).toEqual([]);
  });
});

describe('timers', () => {
  test('fired twice', () => {
    const story = new Story();
    story.forge((journal) => {
      const fired = journal.find(({ event }) => event.type === 'timer.fired');
      return fired ? [...journal, { ...fired, revision: journal.length }] : journal;
    });
    story.lamp.twin = { ...story.lamp.twin, revision: story.lamp.twin.revision + 1 };
    expect(story.violations().some((text) => / due \d+ fired twice$/.test(text))).toBe(true);
  });

  test('fired early', () => {
    const story = new Story();
    story.forge((journal) =>
      journal.map((row) =>
        row.event.type === 'timer.fired' ? { ...row, receivedAt: row.receivedAt - 1 } : row,
      ),
    );
    expect(story.violations()[0]).toMatch(/ fired at \d+, early$/);
  });

  test('never fired', () => {
    const story = new Story();
    const timer = { id: 'late', event: { type: 'x' }, lateness: { policy: 'fire' } } as const;
    const due = story.evidence.readAt - 60_000;
    const { state } = story.lamp.twin;
    const timers = [...state.timers, { ...timer, due }];
    story.lamp.twin = { ...story.lamp.twin, state: { ...state, timers } };
    expect(story.violations()).toEqual([`h1/lamp: timer late was due at ${due} and has not fired`]);
  });
});

describe('commands', () => {
  test('sent and never received', () => {
    const story = new Story();
    const { id } = story.command;
    story.model.commands.delete(id);
    expect(story.violations()).toEqual([expect.stringMatching(/ was sent .* and never received$/)]);
    expect(story.violations({ brokerLost: true })).toEqual([]);
  });

  test('sent to a device that was away when it expired: that is as it should be', () => {
    const story = new Story();
    const { id } = story.command;
    story.model.commands.delete(id);
    story.model.leaves(LAMP);
    expect(story.violations()).toEqual([]);
    story.model.returns(LAMP);
    expect(story.violations()).toHaveLength(1);
  });

  test('open, not sent, and in no outbox', () => {
    const story = new Story();
    const { id } = story.command;
    const intent = story.evidence.intents.get(id);
    story.model.commands.delete(id);
    if (intent)
      story.evidence.intents.set(id, {
        ...intent,
        ...{ status: 'pending', sentAt: null, endedAt: null },
      });
    expect(story.violations()).toEqual([
      `command ${id} is pending, was never received and waits nowhere`,
    ]);
  });

  test('without an intent', () => {
    const story = new Story();
    const { id } = story.command;
    story.evidence.intents.delete(id);
    expect(story.violations()).toContain(`command ${id} of h1/lamp has no intent`);
  });

  test('received and in no journal, or under a second id', () => {
    const story = new Story();
    story.model.received({ ...story.command, id: 'h1/lamp@99#0' });
    expect(story.violations()).toEqual(['h1/lamp received h1/lamp@99#0, which no journal holds']);
  });

  test('received by another device', () => {
    const story = new Story();
    story.command.twin = 'other';
    expect(story.violations()).toEqual([expect.stringMatching(/^h1\/other received /)]);
  });

  test('received as something else', () => {
    const story = new Story();
    story.command.args = { on: false };
    expect(story.violations()).toEqual([expect.stringMatching(/ said .*false.* and not .*true/)]);
  });

  test('received with another expiry', () => {
    const story = new Story();
    story.command.expiresAt++;
    expect(story.violations()).toEqual([expect.stringMatching(/ expires at \d+, its intent at /)]);
  });

  test('received after its expiry', () => {
    const story = new Story();
    story.command.at.push(story.command.expiresAt + 10_000);
    expect(story.violations()).toEqual([expect.stringMatching(/ came 10000 ms after its expiry$/)]);
  });
});
