import { describe, expect, it } from 'vitest';
import { startRules } from '../testing/rule-bench.ts';

const MINUTE = 60_000;
const motion = (occupancy: boolean) => ({ type: 'telemetry', occupancy });

const NIGHT_LIGHT = `
rule: night-light
triggers:
  - twin: hall-motion
    path: reported.occupancy
    to: true
conditions:
  - twins.hall.reported.illuminance < 40
actions:
  - set: { twin: lamp, desired: { on: true } }
  - delay: 5m
  - set: { twin: lamp, desired: { on: false } }
`;

describe('a rule', () => {
  it('acts when its trigger fires and its conditions are true, and goes on after a delay', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.tell('hall', { type: 'telemetry', illuminance: 12 });
    await home.define(NIGHT_LIGHT);
    expect(await home.state('night-light')).toEqual({ switch: 'enabled', activity: 'idle' });
    await home.tell('hall-motion', motion(true));
    expect(await home.desired('lamp')).toEqual({ on: true });
    expect(home.commands()).toEqual(['lamp switch {"on":true}']);
    expect(await home.state('night-light')).toMatchObject({ activity: 'running' });
    await home.pass(5 * MINUTE);
    expect(await home.desired('lamp')).toEqual({ on: false });
    expect(await home.reported('night-light')).toMatchObject({
      runs: 1,
      running: 0,
      lastOutcome: 'finished',
    });
  });

  it('does nothing when a condition is false or unknown, and can be replayed', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.define(NIGHT_LIGHT);
    await home.tell('hall-motion', motion(true));
    await home.tell('hall', { type: 'telemetry', illuminance: 300 });
    await home.tell('hall-motion', motion(false));
    await home.tell('hall-motion', motion(true));
    expect(home.commands()).toEqual([]);
    expect(await home.reported('night-light')).toMatchObject({ runs: 0 });
    await home.tell('hall', { type: 'telemetry', illuminance: 10 });
    await home.tell('hall-motion', motion(false));
    await home.tell('hall-motion', motion(true));
    expect(home.commands()).toHaveLength(1);
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'night-light' })).toMatchObject({
      ok: true,
    });
  });

  it('is disabled by what is desired of it, which ends its runs and forgets its clocks', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.tell('hall', { type: 'telemetry', illuminance: 12 });
    await home.define(NIGHT_LIGHT);
    await home.tell('hall-motion', motion(true));
    await home.tell('night-light', { type: 'desired.changed', enabled: false }, 'rule');
    expect(await home.state('night-light')).toEqual({ switch: 'disabled', activity: 'idle' });
    await home.pass(10 * MINUTE);
    expect(await home.desired('lamp')).toEqual({ on: true });
    await home.tell('hall-motion', motion(false));
    await home.tell('hall-motion', motion(true));
    expect(await home.reported('night-light')).toMatchObject({ runs: 1, lastOutcome: 'stopped' });
    await home.tell('night-light', { type: 'desired.changed', enabled: true }, 'rule');
    await home.tell('hall-motion', motion(false));
    await home.tell('hall-motion', motion(true));
    expect(await home.reported('night-light')).toMatchObject({ runs: 2 });
  });

  it('begins anew with another definition', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.tell('hall', { type: 'telemetry', illuminance: 12 });
    await home.define(NIGHT_LIGHT);
    await home.tell('hall-motion', motion(true));
    await home.define(
      NIGHT_LIGHT.replace('hall-motion', 'door').replace('reported.occupancy', 'reported.contact'),
    );
    expect(await home.reported('night-light')).toMatchObject({
      running: 0,
      lastOutcome: 'replaced',
    });
    await home.tell('hall-motion', motion(false));
    await home.tell('hall-motion', motion(true));
    await home.pass(6 * MINUTE);
    expect(await home.desired('lamp')).toEqual({ on: true });
    await home.tell('door', { type: 'telemetry', contact: true });
    expect(await home.reported('night-light')).toMatchObject({ runs: 2 });
  });
});

/** A rule that counts by notes: what it has to say is in the journal of its effects. */
const counting = (trigger: string, more = '') => `
rule: counter
${more}
triggers:
  - ${trigger.trim().split('\n').join('\n    ')}
actions:
  - notify: { title: fired, message: "\${trigger.id}" }
`;

describe('a trigger', () => {
  it.each<[string, string, [string, object, number][], number]>([
    [
      'on any change of a value',
      'twin: s\npath: reported.temperature',
      [
        ['s', { temperature: 1 }, 1],
        ['s', { temperature: 1 }, 1],
        ['s', { humidity: 1 }, 1],
        ['s', { temperature: 2 }, 2],
      ],
      2,
    ],
    [
      'from one value to another',
      'twin: s\npath: reported.contact\nfrom: true\nto: false',
      [
        ['s', { contact: false }, 0],
        ['s', { contact: true }, 0],
        ['s', { contact: false }, 1],
      ],
      1,
    ],
    [
      'to all but a value',
      'twin: s\npath: reported.temperature\nnot: [1, 2]',
      [
        ['s', { temperature: 1 }, 0],
        ['s', { temperature: 2 }, 0],
        ['s', { temperature: 3 }, 1],
      ],
      1,
    ],
    [
      'of several twins',
      'twin: [a, b]\npath: reported.contact\nto: true',
      [
        ['a', { contact: true }, 1],
        ['b', { contact: true }, 2],
        ['c', { contact: true }, 2],
      ],
      2,
    ],
    [
      'of all of a kind',
      'kind: sensor\npath: reported.contact\nto: true',
      [
        ['a', { contact: true }, 1],
        ['b', { contact: true }, 2],
      ],
      2,
    ],
    [
      'when a number crosses a limit, not while it is beyond it',
      'twin: s\npath: reported.temperature\nabove: 20',
      [
        ['s', { temperature: 19 }, 0],
        ['s', { temperature: 21 }, 1],
        ['s', { temperature: 25 }, 1],
        ['s', { temperature: 20 }, 1],
        ['s', { temperature: 20.1 }, 2],
      ],
      2,
    ],
    [
      'when a number falls below a limit, by hysteresis',
      'twin: s\npath: reported.temperature\nbelow: 5\nhysteresis: 1',
      [
        ['s', { temperature: 4 }, 1],
        ['s', { temperature: 5.5 }, 1],
        ['s', { temperature: 4 }, 1],
        ['s', { temperature: 6 }, 1],
        ['s', { temperature: 4 }, 2],
      ],
      2,
    ],
    [
      'when an expression becomes true',
      'when: twins.a.reported.temperature > twins.b.reported.temperature',
      [
        ['a', { temperature: 4 }, 0],
        ['b', { temperature: 3 }, 1],
        ['a', { temperature: 5 }, 1],
        ['b', { temperature: 9 }, 1],
        ['a', { temperature: 10 }, 2],
      ],
      2,
    ],
    [
      'on an event that an expression lets through',
      'event: telemetry\ntwin: s\nwhere: trigger.event.temperature > 30',
      [
        ['s', { temperature: 30 }, 0],
        ['s', { temperature: 31 }, 1],
        ['s', { temperature: 31 }, 2],
      ],
      2,
    ],
  ])('fires %s', async (_what, trigger, reports, runs) => {
    await using home = await startRules();
    await home.define(counting(trigger));
    for (const [twin, report, count] of reports) {
      await home.tell(twin, { type: 'telemetry', ...report });
      expect(await home.reported('counter'), `${twin} ${JSON.stringify(report)}`).toMatchObject({
        runs: count,
      });
    }
    expect(await home.reported('counter')).toMatchObject({ runs });
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'counter' })).toMatchObject({
      ok: true,
    });
  });

  it('with "for" fires once that has held for so long, and not if it was interrupted', async () => {
    await using home = await startRules();
    await home.define(counting('twin: s\npath: reported.contact\nto: false\nfor: 10m'));
    await home.tell('s', { type: 'telemetry', contact: false });
    await home.pass(9 * MINUTE);
    await home.tell('s', { type: 'telemetry', contact: true });
    await home.pass(5 * MINUTE);
    await home.tell('s', { type: 'telemetry', contact: false });
    await home.pass(10 * MINUTE - 1);
    expect(await home.reported('counter')).toMatchObject({ runs: 0 });
    await home.pass(1);
    expect(await home.reported('counter')).toMatchObject({ runs: 1 });
    await home.pass(60 * MINUTE);
    expect(await home.reported('counter')).toMatchObject({ runs: 1 });
  });

  it('of a clock fires by the home’s time, on both sides of a change of the clocks', async () => {
    await using home = await startRules();
    const { clock } = home.bench;
    clock.advance(Date.parse('2026-03-28T12:00:00Z') - clock.now());
    await home.bench.engine.idle();
    await home.define(counting('at: "07:30"\nweekdays: [sun, mon]'));
    await home.pass(Date.parse('2026-03-29T05:29:59Z') - clock.now());
    expect(await home.reported('counter')).toMatchObject({ runs: 0 });
    await home.pass(1_000);
    expect(await home.reported('counter')).toMatchObject({ runs: 1 });
    await home.pass(2 * 86_400_000);
    expect(await home.reported('counter')).toMatchObject({ runs: 2 });
  });

  it('that comes again and again keeps in step', async () => {
    await using home = await startRules();
    await home.define(counting('every: 15m'));
    await home.pass(60 * MINUTE);
    expect(await home.reported('counter')).toMatchObject({ runs: 4 });
  });

  it('on an alert, and on what became of a command', async () => {
    await using home = await startRules();
    await home.define(counting('alert: offline\ntwin: s'));
    await home.define(counting('intent: expired\nkind: relay').replace('counter', 'second'));
    await home.tell('s', { type: 'telemetry', contact: false });
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.tell('lamp', { type: 'desired.changed', on: true }, 'relay');
    await home.pass(4 * MINUTE);
    expect(await home.reported('counter')).toMatchObject({ runs: 1 });
    expect(await home.reported('second')).toMatchObject({ runs: 1 });
  });
});

const pulsed = (mode: string, more = '') => `
rule: counter
mode: ${mode}
${more}
triggers:
  - twin: s
    path: reported.temperature
actions:
  - delay: 1m
  - notify: { title: done, message: "\${trigger.to}" }
`;

describe('while it runs', () => {
  it.each<[string, number, string[]]>([
    ['single', 1, ['1']],
    ['restart', 3, ['3']],
    ['queued', 3, ['1', '2', '3']],
    ['parallel', 3, ['1', '2', '3']],
  ])('mode %s', async (mode, runs, notes) => {
    await using home = await startRules();
    await home.define(pulsed(mode));
    for (const temperature of [1, 2, 3]) await home.tell('s', { type: 'telemetry', temperature });
    for (let minute = 0; minute < 4; minute++) await home.pass(MINUTE);
    expect(await home.reported('counter')).toMatchObject({ runs, running: 0 });
    const { items } = await home.bench.storage.listJournal(
      { home: 'h1', twin: 'counter' },
      { limit: 50 },
    );
    const said = items.flatMap(({ effects }) =>
      effects.flatMap((e) => (e.type === 'notify' ? [e.message] : [])),
    );
    expect(said.reverse()).toEqual(notes);
  });

  it('rules that set each other off in a circle end at the cap, and the way there is told', async () => {
    await using home = await startRules();
    for (const twin of ['lamp', 'fan']) {
      await home.tell(twin, { type: 'desired.changed', on: false }, 'relay');
    }
    const flips = (rule: string, from: string, to: string) => `rule: ${rule}
triggers: [{ twin: ${from}, path: desired.on }]
actions: [{ set: { twin: ${to}, desired: { on: "\${!twins.${to}.desired.on}" } } }]
`;
    await home.define(flips('a', 'lamp', 'fan'));
    await home.define(flips('b', 'fan', 'lamp'));
    await home.tell('lamp', { type: 'desired.changed', on: true }, 'relay');
    const { items } = await home.bench.storage.listDeadLetters('h1', { limit: 5 });
    expect(items).toMatchObject([
      {
        code: 'cascade-too-deep',
        error:
          'h1/a: "observed" is 9 tells away from what began it: lamp "desired.changed" → a "observed" → ' +
          'fan "desired.changed" → b "observed" → lamp "desired.changed" → a "observed" → ' +
          'fan "desired.changed" → b "observed" → lamp "desired.changed" → a "observed"',
        hint: expect.stringContaining('in a circle'),
      },
    ]);
    expect(await home.reported('a')).toMatchObject({ runs: 2 });
  });

  it('the mode counts for each key apart', async () => {
    await using home = await startRules();
    await home.define(pulsed('single', 'key: trigger.twin').replace('twin: s', 'twin: [s, t]'));
    await home.tell('s', { type: 'telemetry', temperature: 1 });
    await home.tell('t', { type: 'telemetry', temperature: 1 });
    await home.tell('t', { type: 'telemetry', temperature: 2 });
    expect(await home.reported('counter')).toMatchObject({ runs: 2, running: 2 });
  });

  it('it starts 60 times at once and then once a second, and says so', async () => {
    await using home = await startRules();
    await home.define(counting('twin: s\npath: reported.temperature'));
    for (let temperature = 0; temperature < 70; temperature++) {
      await home.tell('s', { type: 'telemetry', temperature });
    }
    expect(await home.reported('counter')).toMatchObject({ runs: 60 });
    const alerts = await home.bench.storage.listAlerts('h1', { twin: 'counter' }, { limit: 5 });
    expect(alerts.items).toMatchObject([{ key: 'rule-storm', status: 'raised' }]);
    // The first that is too much is a turn, the others are none
    const reading = await home.bench.engine.readTwin({ home: 'h1', twin: 'counter' });
    expect(reading?.row.revision).toBe(63);
    await home.pass(2_000);
    await home.tell('s', { type: 'telemetry', temperature: -1 });
    expect(await home.reported('counter')).toMatchObject({ runs: 61 });
    const cleared = await home.bench.storage.listAlerts('h1', { twin: 'counter' }, { limit: 5 });
    expect(cleared.items).toMatchObject([{ key: 'rule-storm', status: 'cleared' }]);
  });
});

describe('an action', () => {
  const acting = (actions: string) => `
rule: actor
triggers: [{ twin: button, path: reported.contact, to: true }]
actions:
${actions
  .trim()
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
`;
  const notes = async (home: Awaited<ReturnType<typeof startRules>>) => {
    const { items } = await home.bench.storage.listJournal(
      { home: 'h1', twin: 'actor' },
      { limit: 50 },
    );
    return items
      .reverse()
      .flatMap(({ effects }) => effects.flatMap((e) => (e.type === 'notify' ? [e.message] : [])));
  };
  const push = async (home: Awaited<ReturnType<typeof startRules>>) => {
    await home.tell('button', { type: 'telemetry', contact: false });
    await home.tell('button', { type: 'telemetry', contact: true });
  };
  const note = (message: string) => `notify: { title: t, message: "${message}" }`;

  it.each<[string, string, string[]]>([
    [
      'if and else',
      `- if: twins.s.reported.temperature > 5\n  then: [{ ${note('warm')} }]\n  else: [{ ${note('cold')} }]`,
      ['warm'],
    ],
    [
      'choose',
      `- choose:\n  - { when: "twins.s.reported.temperature > 100", do: [{ ${note('hot')} }] }\n  - { when: "twins.s.reported.temperature > 5", do: [{ ${note('warm')} }] }\n  otherwise: [{ ${note('cold')} }]`,
      ['warm'],
    ],
    [
      'repeat so many times',
      `- repeat: { times: 3, do: [{ let: { n: 1 } }, { ${note('x')} }] }`,
      ['x', 'x', 'x'],
    ],
    [
      'repeat within repeat',
      `- repeat: { times: 2, do: [{ repeat: { times: 2, do: [{ ${note('x')} }] } }] }`,
      ['x', 'x', 'x', 'x'],
    ],
    [
      'repeat while, and until',
      `- let: { n: 0 }\n- repeat: { while: "vars.n < 2", do: [{ let: { n: "\${vars.n + 1}" } }, { ${note('a${vars.n}')} }] }\n- repeat: { until: "vars.n > 3", do: [{ let: { n: "\${vars.n + 1}" } }, { ${note('b${vars.n}')} }] }`,
      ['a1', 'a2', 'b3', 'b4'],
    ],
    [
      'parallel, which goes on when all are done',
      `- parallel:\n  - [{ delay: 2m }, { ${note('slow')} }]\n  - [{ delay: 1m }, { ${note('fast')} }]\n- ${note('both')}`,
      ['fast', 'slow', 'both'],
    ],
    ['stop', `- ${note('one')}\n- stop: enough\n- ${note('two')}`, ['one']],
    [
      'variables and what set it off',
      `- let: { who: "\${trigger.twin}", half: "\${twins.s.reported.temperature / 2}" }\n- ${note('${vars.who} ${vars.half}')}`,
      ['button 3.5'],
    ],
  ])('%s', async (_what, actions, expected) => {
    await using home = await startRules();
    await home.tell('s', { type: 'telemetry', temperature: 7 });
    await home.define(acting(actions));
    await push(home);
    await home.pass(5 * MINUTE);
    expect(await notes(home)).toEqual(expected);
    expect(await home.reported('actor')).toMatchObject({ running: 0 });
    expect(await home.bench.engine.replay({ home: 'h1', twin: 'actor' })).toMatchObject({
      ok: true,
    });
  });

  it('waits for an event, or for its timeout', async () => {
    await using home = await startRules();
    const wait = acting(
      `- wait: { for: { twin: door, path: reported.contact, to: true }, timeout: 10m }\n- ${note('${has(vars.wait)}')}`,
    );
    await home.define(wait);
    await push(home);
    await home.pass(MINUTE);
    await home.tell('door', { type: 'telemetry', contact: true });
    expect(await notes(home)).toEqual(['true']);
    await push(home);
    await home.pass(10 * MINUTE);
    expect(await notes(home)).toEqual(['true', 'false']);
  });

  it('waits until an expression is true, or stops', async () => {
    await using home = await startRules();
    await home.define(
      acting(
        `- wait: { until: "twins.s.reported.temperature > 20", timeout: 10m, otherwise: stop }\n- ${note('warm')}`,
      ),
    );
    await home.tell('s', { type: 'telemetry', temperature: 7 });
    await push(home);
    await home.pass(MINUTE);
    await home.tell('s', { type: 'telemetry', temperature: 21 });
    expect(await notes(home)).toEqual(['warm']);
    await home.tell('s', { type: 'telemetry', temperature: 7 });
    await push(home);
    await home.pass(10 * MINUTE);
    expect(await notes(home)).toEqual(['warm']);
    expect(await home.reported('actor')).toMatchObject({ lastOutcome: 'stopped' });
  });

  it('waits for a command to be confirmed, and tries again', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.define(
      acting(
        `- command: { twin: lamp, name: switch, args: { on: true }, ttl: 30s, retry: { times: 1, after: 10s } }\n- ${note('lit')}`,
      ),
    );
    await push(home);
    expect(home.commands()).toEqual(['lamp switch {"on":true}']);
    await home.pass(30_000);
    expect(home.commands()).toHaveLength(1);
    await home.pass(10_000);
    expect(home.commands()).toHaveLength(2);
    expect(await notes(home)).toEqual([]);
    await home.tell('lamp', { type: 'telemetry', on: true }, 'relay');
    expect(await notes(home)).toEqual(['lit']);
  });

  it('fails the run when a command stays without effect, or a value is not there', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: false }, 'relay');
    await home.define(
      acting(
        `- command: { twin: lamp, name: switch, args: { on: true }, ttl: 30s, wait: true }\n- ${note('lit')}`,
      ),
    );
    await push(home);
    await home.pass(31_000);
    expect(await home.reported('actor')).toMatchObject({
      lastOutcome: 'failed',
      lastError: expect.stringContaining('command "switch" ended as expired'),
    });
    await home.define(acting(`- ${note('${twins.nobody.reported.x}')}`));
    await push(home);
    expect(await home.reported('actor')).toMatchObject({
      lastOutcome: 'failed',
      lastError: '${twins.nobody.reported.x}: twins.nobody.reported.x is not there',
    });
  });

  it('that goes round without waiting is ended', async () => {
    await using home = await startRules();
    const loop =
      '- repeat: { times: 1000, do: [{ repeat: { times: 1000, do: [{ let: { a: 1 } }] } }] }';
    await home.define(acting(loop));
    await push(home);
    expect(await home.reported('actor')).toMatchObject({
      lastOutcome: 'failed',
      lastError: expect.stringContaining('without ever waiting'),
    });
  });
});

describe('two rules that want different things of one twin', () => {
  const ruleOf = (name: string, priority: number, set: string, more = '') => `
rule: ${name}
priority: ${priority}
triggers:
  - { twin: ${name}-button, path: reported.contact, to: true }
actions:
  - set: { twin: lamp, desired: { on: ${set} }
${more}`;
  const press = async (home: Awaited<ReturnType<typeof startRules>>, name: string) => {
    await home.tell(`${name}-button`, { type: 'telemetry', contact: false });
    await home.tell(`${name}-button`, { type: 'telemetry', contact: true });
  };

  it('are told apart by priority; the loser knows who prevails and until when', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: true }, 'relay');
    await home.define(ruleOf('guard', 80, 'false }, hold: 10m'));
    await home.define(ruleOf('comfort', 0, 'true }'));
    await press(home, 'guard');
    await press(home, 'comfort');
    expect(await home.desired('lamp')).toEqual({ on: false });
    expect(await home.reported('comfort')).toMatchObject({
      runs: 1,
      overruled: { twin: 'lamp', keys: ['on'], by: 'h1/guard', until: expect.any(Number) },
    });
    await home.pass(10 * MINUTE);
    expect(await home.desired('lamp')).toEqual({ on: true });
    for (const twin of ['guard', 'comfort', 'lamp']) {
      expect(await home.bench.engine.replay({ home: 'h1', twin })).toMatchObject({ ok: true });
    }
  });

  it('may end their run when somebody else prevails', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: true }, 'relay');
    await home.define(ruleOf('guard', 80, 'false }, hold: 10m'));
    await home.define(
      ruleOf('comfort', 0, 'true }, otherwise: stop', '  - delay: 1m\n  - clear: never\n'),
    );
    await press(home, 'guard');
    await press(home, 'comfort');
    expect(await home.reported('comfort')).toMatchObject({ running: 0, lastOutcome: 'stopped' });
  });

  it('let go of a twin when they say so, and when they are disabled', async () => {
    await using home = await startRules();
    await home.tell('lamp', { type: 'telemetry', on: true }, 'relay');
    await home.define(
      ruleOf('guard', 80, 'false }, hold: 10m', '  - delay: 1m\n  - release: lamp\n'),
    );
    await home.define(ruleOf('comfort', 0, 'true }'));
    for (const end of ['release', 'disable'] as const) {
      await press(home, 'guard');
      await press(home, 'comfort');
      expect(await home.desired('lamp')).toEqual({ on: false });
      if (end === 'release') await home.pass(MINUTE);
      else await home.tell('guard', { type: 'desired.changed', enabled: false }, 'rule');
      expect(await home.desired('lamp')).toEqual({ on: true });
    }
  });
});
