import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { EventData, Facts, JsonObject } from '../../engine/kind.ts';
import { type EngineBench, startEngine } from '../../engine/testing/engine-bench.ts';
import { SoloTwin } from '../../engine/turn/solo-twin.ts';
import { relay } from '../relay/relay.ts';
import { thermostat } from '../thermostat/thermostat.ts';
import { scene } from './scene.ts';
import type { Wishes } from './wishes.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-01-05T12:00:00Z');

/** A scene among twins that want whatever they are told, unless `takes` says otherwise. */
class Home {
  readonly told: [twin: string, values: JsonObject][] = [];
  /** With what weight it was told, each time. */
  readonly priorities: (number | undefined)[] = [];
  readonly twins: Record<string, { desired: JsonObject; reported: JsonObject }>;
  takes: (value: number) => number | null = (value) => value;
  readonly #solo: SoloTwin;

  constructor(entries: Wishes, twins: Home['twins']) {
    this.twins = twins;
    const given = { home: 'h1', twin: 's', timezone: 'Europe/Berlin', now: NOW, room: null };
    this.#solo = new SoloTwin(scene, given, ({ followUps }) => {
      for (const { to, event, claim } of followUps) {
        this.#hear(to, event);
        this.priorities.push(claim?.priority);
      }
    });
    // The facts are copies, as they are in the engine
    this.#solo.facts = () => JSON.parse(JSON.stringify(this.twins)) as Facts;
    this.send({ type: 'settings.changed', entries });
  }

  #hear(to: string, { type: _type, ...values }: EventData): void {
    this.told.push([to, values as JsonObject]);
    const twin = this.twins[to];
    for (const [key, value] of Object.entries(values as JsonObject)) {
      const taken = typeof value === 'number' ? this.takes(value) : value;
      if (value === null) delete twin?.desired[key];
      else if (twin && taken !== null) twin.desired[key] = taken;
    }
  }
  send(event: EventData, as: { source?: string; claim?: { priority: number } } = {}): void {
    this.#solo.send(event, as);
  }
  pass(ms: number): void {
    this.#solo.advanceTo(this.#solo.now + ms);
  }
  sleep(ms: number): void {
    this.#solo.now += ms;
    this.#solo.wake();
  }
  get state() {
    return this.#solo.twin.state.value;
  }
  get reported() {
    return this.#solo.twin.view.reported;
  }
  get settings() {
    return this.#solo.twin.view.settings;
  }
  get timers() {
    return this.#solo.twin.state.timers;
  }
  levels(key = 'level'): unknown[] {
    return this.told.flatMap(([, values]) => (key in values ? [values[key]] : []));
  }
}

const twin = (desired: JsonObject = {}, reported: JsonObject = {}) => ({ desired, reported });
const apply = (transitionMs?: number) => ({
  type: 'apply',
  ...(transitionMs !== undefined && { transitionMs }),
});

describe('applying', () => {
  it('tells each twin what it is to want, in one event', () => {
    const bench = new TwinBench(scene, { now: NOW });
    const entries = { lamp: { on: true, level: 40 }, heater: { targetTemperature: null } };
    bench.send({ type: 'settings.changed', entries });
    expect(bench.reported).toEqual({ active: false, appliedAt: null });
    expect(bench.state).toBe('inactive');
    bench.advance(MINUTE);
    bench.send(apply());
    expect(bench.told).toEqual([
      { to: 'lamp', event: { type: 'desired.changed', on: true, level: 40 } },
      { to: 'heater', event: { type: 'desired.changed', targetTemperature: null } },
    ]);
    expect(bench.reported).toEqual({ active: true, appliedAt: NOW + MINUTE });
    expect(bench.state).toEqual({ active: 'settled' });
    expect(bench.settings).toEqual({ entries });
  });

  it('speaks with the weight of who applies it, at each step, and of who reverts it', () => {
    const rule = { source: 'h1/rule', claim: { priority: 60 } };
    const plan = { source: 'h1/plan' };
    const home = new Home(
      { lamp: { on: true, level: 40 } },
      { lamp: twin({ on: false, level: 0 }, { level: 0 }) },
    );
    home.send(apply(2_000), rule);
    home.pass(2_000);
    home.send({ type: 'revert' });
    expect(home.priorities.length).toBeGreaterThan(2);
    expect(new Set(home.priorities.slice(0, -1))).toEqual(new Set([60]));
    expect(home.priorities.at(-1)).toBe(50);
    home.priorities.length = 0;
    home.send(apply(), plan);
    expect(home.priorities).toEqual([undefined]);
  });

  it('says so again when it is applied again', () => {
    const home = new Home({ lamp: { on: true } }, { lamp: twin() });
    home.send(apply());
    home.send(apply());
    expect(home.told).toEqual([
      ['lamp', { on: true }],
      ['lamp', { on: true }],
    ]);
  });

  it('reads no more of its twins than it has to know', () => {
    const entries = { lamp: { on: true, level: 40 } };
    const bench = new TwinBench(scene);
    bench.send({ type: 'settings.changed', entries });
    expect(scene.reads?.(bench.twin.snapshot.context as never)).toEqual([
      { twin: 'lamp', path: ['desired', 'on'] },
      { twin: 'lamp', path: ['desired', 'level'] },
      { twin: 'lamp', path: ['reported', 'level'] },
    ]);
  });
});

describe('reverting', () => {
  it('gives back what was wanted, and null for what was not', () => {
    const home = new Home(
      { lamp: { on: true, level: 40 }, fan: { on: false } },
      { lamp: twin({ level: 80, colour: 'red' }), fan: twin({ on: true }) },
    );
    home.send(apply());
    home.send({ type: 'revert' });
    expect(home.told.slice(2)).toEqual([
      ['lamp', { on: null, level: 80 }],
      ['fan', { on: true }],
    ]);
    expect(home.twins.lamp?.desired).toEqual({ level: 80, colour: 'red' });
    expect(home.reported).toEqual({ active: false, appliedAt: NOW });
    expect(home.state).toBe('inactive');
  });

  it('does nothing when it is not active', () => {
    const home = new Home({ lamp: { on: true } }, { lamp: twin() });
    home.send({ type: 'revert' });
    home.send(apply());
    home.send({ type: 'revert' });
    home.send({ type: 'revert' });
    expect(home.told).toHaveLength(2);
  });

  it('leads to before the first of two applications, but for what others wanted in between', () => {
    const home = new Home(
      { lamp: { on: true, colour: { x: 1, y: 2 } }, fan: { on: true } },
      { lamp: twin({ on: false, colour: { x: 0, y: 0 } }), fan: twin({ on: false }) },
    );
    home.send(apply());
    // as a store may give it back
    home.twins.lamp = twin({ colour: { y: 2, x: 1 }, on: true });
    home.twins.fan = twin({ on: null, speed: 3 });
    delete home.twins.fan.desired.on;
    home.send(apply());
    home.send({ type: 'revert' });
    expect(home.told.slice(-2)).toEqual([
      ['lamp', { on: false, colour: { x: 0, y: 0 } }],
      ['fan', { on: null }],
    ]);
  });

  it('gives back what it has set, though its entries are others by now', () => {
    const home = new Home({ lamp: { on: true } }, { lamp: twin({ on: false }), fan: twin() });
    home.send(apply());
    home.send({ type: 'settings.changed', entries: { fan: { on: true } } });
    home.send(apply());
    home.send({ type: 'revert' });
    expect(home.told.slice(-2)).toEqual([
      ['lamp', { on: false }],
      ['fan', { on: null }],
    ]);
  });

  it('leaves out a twin that was not there', () => {
    const home = new Home({ lamp: { on: true }, ghost: { on: true } }, { lamp: twin() });
    home.send(apply());
    home.send({ type: 'revert' });
    expect(home.told.map(([to]) => to)).toEqual(['lamp', 'ghost', 'lamp']);
  });
});

describe('capturing', () => {
  it('takes what its twins want now, for the keys that it has', () => {
    const home = new Home(
      { lamp: { on: true, level: 40 }, fan: { on: false }, ghost: { on: true } },
      { lamp: twin({ on: false, colour: 'red' }), fan: twin({ on: true }) },
    );
    home.send({ type: 'capture' });
    expect(home.settings).toEqual({
      entries: { lamp: { on: false, level: null }, fan: { on: true }, ghost: { on: true } },
    });
    expect(home.told).toEqual([]);
    expect(home.state).toBe('inactive');
  });
});

describe('a transition', () => {
  it('brings numbers there in 20 steps, and everything else at once', () => {
    const home = new Home(
      { lamp: { on: true, level: 100, colour: 3 } },
      { lamp: twin({ on: false, level: 0 }) },
    );
    home.send(apply(20 * MINUTE));
    // nobody knows which colour it has: there is nothing in between
    expect(home.told).toEqual([['lamp', { on: true, colour: 3 }]]);
    expect(home.state).toEqual({ active: 'moving' });
    home.pass(MINUTE - 1);
    expect(home.told).toHaveLength(1);
    home.pass(1);
    expect(home.levels()).toEqual([5]);
    home.pass(20 * MINUTE);
    expect(home.levels()).toEqual(Array.from({ length: 20 }, (_, n) => 5 * (n + 1)));
    expect(home.state).toEqual({ active: 'settled' });
    expect(home.timers).toEqual([]);
  });

  it('rounds to hundredths on the way, and ends exactly', () => {
    const home = new Home({ lamp: { level: 1.23456 } }, { lamp: twin({ level: 0.5 }) });
    home.send(apply(750));
    home.pass(750);
    expect(home.levels()).toEqual([0.74, 0.99, 1.23456]);
  });

  it('sets out from what is reported where nothing is wanted', () => {
    const home = new Home({ lamp: { level: 10 } }, { lamp: twin({}, { level: 30 }) });
    home.send(apply(500));
    home.pass(500);
    expect(home.levels()).toEqual([20, 10]);
    home.send({ type: 'revert' });
    expect(home.levels().at(-1)).toBeNull();
  });

  it('is not begun for what is there already', () => {
    const home = new Home({ lamp: { level: 10 } }, { lamp: twin({ level: 10 }) });
    home.send(apply(MINUTE));
    expect(home.levels()).toEqual([10]);
    expect(home.state).toEqual({ active: 'settled' });
  });

  it('can be the setting, which "apply" may overrule', () => {
    const home = new Home({ lamp: { level: 10 } }, { lamp: twin({ level: 0 }) });
    home.send({ type: 'settings.changed', transitionMs: 500 });
    home.send(apply(0));
    expect(home.levels()).toEqual([10]);
    home.send({ type: 'revert' });
    home.send(apply());
    home.pass(500);
    expect(home.levels()).toEqual([10, 0, 5, 10]);
    home.send({ type: 'settings.changed', transitionMs: null });
    expect(home.settings).toEqual({ entries: { lamp: { level: 10 } } });
  });

  it('is where it would be after an outage', () => {
    const home = new Home({ lamp: { level: 100 } }, { lamp: twin({ level: 0 }) });
    home.send(apply(20 * MINUTE));
    home.sleep(10 * MINUTE + 1);
    expect(home.levels()).toEqual([50]);
    home.pass(MINUTE);
    expect(home.levels()).toEqual([50, 55]);
    home.sleep(8 * 60 * MINUTE);
    expect(home.levels()).toEqual([50, 55, 100]);
    expect(home.state).toEqual({ active: 'settled' });
  });

  it('ends when it is reverted, and leads back at once', () => {
    const home = new Home({ lamp: { level: 100 } }, { lamp: twin({ level: 0 }) });
    home.send(apply(20 * MINUTE));
    home.pass(5 * MINUTE);
    home.send({ type: 'revert' });
    home.pass(60 * MINUTE);
    expect(home.levels()).toEqual([5, 10, 15, 20, 25, 0]);
    expect(home.timers).toEqual([]);
  });

  it('begins again from where it is when it is applied again, and can still be reverted', () => {
    const home = new Home({ lamp: { level: 100 } }, { lamp: twin({ level: 0 }) });
    home.send(apply(20 * MINUTE));
    home.pass(10 * MINUTE);
    home.send(apply(500));
    home.pass(500);
    expect(home.levels().slice(-2)).toEqual([75, 100]);
    home.send({ type: 'revert' });
    expect(home.levels().at(-1)).toBe(0);
  });

  it('lets go of a value that somebody else has set', () => {
    const home = new Home(
      { lamp: { level: 100 }, fan: { speed: 10 } },
      { lamp: twin({ level: 0 }), fan: twin({ speed: 0 }) },
    );
    home.send(apply(20 * MINUTE));
    home.pass(5 * MINUTE);
    home.twins.lamp = twin({ level: 80 });
    home.pass(20 * MINUTE);
    expect(home.levels()).toEqual([5, 10, 15, 20, 25]);
    expect(home.levels('speed')).toHaveLength(20);
    expect(home.twins.lamp?.desired).toEqual({ level: 80 });
  });

  it('lets go of a twin that is gone', () => {
    const home = new Home({ lamp: { level: 100 } }, { lamp: twin({ level: 0 }) });
    home.send(apply(20 * MINUTE));
    home.pass(MINUTE);
    delete home.twins.lamp;
    home.pass(20 * MINUTE);
    expect(home.levels()).toEqual([5]);
    expect(home.state).toEqual({ active: 'settled' });
  });

  it('tells a twin that refuses what lies in between the end only', () => {
    const home = new Home({ lamp: { level: 3 } }, { lamp: twin({ level: 0 }) });
    home.takes = (value) => (value % 1 === 0 ? value : null);
    home.send(apply(20 * MINUTE));
    home.pass(20 * MINUTE);
    expect(home.levels()).toEqual([0.15, 3]);
  });

  it('goes on with a twin that rounds what it is told', () => {
    const home = new Home({ lamp: { level: 70 } }, { lamp: twin({ level: 0 }) });
    home.takes = Math.round;
    home.send(apply(20 * MINUTE));
    home.pass(20 * MINUTE);
    expect(home.levels()).toHaveLength(20);
    expect(home.levels().at(-1)).toBe(70);
  });
});

describe('in a home', () => {
  const address = (id: string) => ({ home: 'h1', twin: id });
  const desired = async ({ engine }: EngineBench, id: string) =>
    (await engine.readTwin(address(id)))?.view.desired;
  async function start(entries: Wishes): Promise<EngineBench> {
    const bench = await startEngine({ kinds: [scene, relay, thermostat] });
    await bench.send('lamp', { type: 'telemetry', on: false }, { kind: 'relay' });
    await bench.send('heater', { type: 'telemetry', temperature: 19 }, { kind: 'thermostat' });
    await bench.send('heater', { type: 'desired.changed', targetTemperature: 18 });
    await bench.send('s', { type: 'settings.changed', entries }, { kind: 'scene' });
    return bench;
  }
  const evening = { lamp: { on: true }, heater: { targetTemperature: 21 } };

  it('is applied, captured and reverted, and replays', async () => {
    await using bench = await start(evening);
    await bench.send('s', { type: 'apply' });
    await bench.engine.idle();
    expect(await desired(bench, 'lamp')).toEqual({ on: true });
    expect(await desired(bench, 'heater')).toEqual({ targetTemperature: 21 });
    expect(bench.sink.commands.map(({ twin, args }) => [twin, args])).toContainEqual([
      'lamp',
      { on: true },
    ]);
    await bench.send('heater', { type: 'desired.changed', targetTemperature: 23 });
    await bench.send('s', { type: 'capture' });
    expect((await bench.engine.readTwin(address('s')))?.view.settings).toEqual({
      entries: { lamp: { on: true }, heater: { targetTemperature: 23 } },
    });
    await bench.send('s', { type: 'revert' });
    expect(await desired(bench, 'lamp')).toEqual({});
    expect(await desired(bench, 'heater')).toEqual({ targetTemperature: 18 });
    expect(await bench.engine.replay(address('s'))).toMatchObject({ ok: true });
  });

  it('moves in steps by stored timers, and replays', async () => {
    await using bench = await start(evening);
    // six steps of half a degree
    await bench.send('s', { type: 'apply', transitionMs: 1_500 });
    const seen: unknown[] = [];
    for (let step = 0; step < 6; step++) {
      await bench.pass(250);
      seen.push((await desired(bench, 'heater'))?.targetTemperature);
    }
    expect(seen).toEqual([18.5, 19, 19.5, 20, 20.5, 21]);
    expect((await bench.engine.readTwin(address('s')))?.row.state.value).toEqual({
      active: 'settled',
    });
    expect(await bench.engine.replay(address('s'))).toMatchObject({ ok: true });
  });

  it('leaves one dead letter at a thermostat that takes half degrees only, and gets there', async () => {
    await using bench = await start(evening);
    await bench.send('s', { type: 'apply', transitionMs: 20 * MINUTE });
    await bench.pass(20 * MINUTE);
    expect(await desired(bench, 'heater')).toEqual({ targetTemperature: 21 });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code: 'bad-input' }]);
    expect(await bench.engine.replay(address('s'))).toMatchObject({ ok: true });
  });

  it('says of a twin that is not there that it is not', async () => {
    await using bench = await start({ ghost: { on: true } });
    await bench.send('s', { type: 'apply' });
    const { items } = await bench.storage.listDeadLetters('h1', { limit: 10 });
    expect(items).toMatchObject([{ code: 'unknown-twin' }]);
  });
});

it.each([
  ['what is no id of a twin', { entries: { 'a b': { on: true } } }],
  ['a value that would name the event', { entries: { lamp: { type: 'toggle' } } }],
  [
    'more than 100 twins',
    { entries: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`t${n}`, {}])) },
  ],
  [
    'more than 20 values a twin',
    { entries: { lamp: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`v${n}`, 1])) } },
  ],
  ['a negative transition', { transitionMs: -1 }],
])('refuses %s', (_what, settings) => {
  expect(() => new TwinBench(scene).send({ type: 'settings.changed', ...settings })).toThrow(
    'settings.changed',
  );
});
