import { describe, expect, it } from 'vitest';
import { TwinBench } from '../../engine/authoring/twin-bench.ts';
import type { LoadedTwin } from '../../engine/model/rows.ts';
import { revive } from '../../engine/turn/live-twin.ts';
import { home } from './home.ts';

const HOUR = 3_600_000;
const start = Date.parse('2026-01-05T12:00:00Z');

function aHome(): TwinBench {
  return new TwinBench(home, { twin: 'home', now: start });
}
const want = (bench: TwinBench, mode: string | null) =>
  bench.send({ type: 'desired.changed', mode });
const set = (bench: TwinBench, mode: string, hours?: number) =>
  bench.send({ type: 'mode.set', mode, ...(hours !== undefined && { for: hours * HOUR }) });
const restart = (bench: TwinBench) => {
  const { kindOf: _k, snapshot: _s, view: _v, ...row } = bench.twin;
  bench.twin = revive(home, JSON.parse(JSON.stringify(row)) as LoadedTwin, 0);
};

describe('the mode', () => {
  it('is the first one at the beginning, and nobody has wanted it', () => {
    const bench = aHome();
    expect(bench.reported).toEqual({ mode: 'home', since: start, previous: null });
    expect(bench.desired).toEqual({});
    expect(bench.settings).toEqual({ modes: ['home', 'away', 'night', 'vacation'] });
    expect(bench.state).toEqual({ stay: 'lasting' });
  });

  it('is what is wanted, since then', () => {
    const bench = aHome();
    bench.advance(HOUR);
    want(bench, 'away');
    expect(bench.reported).toEqual({ mode: 'away', since: start + HOUR, previous: 'home' });
    expect(bench.desired).toEqual({ mode: 'away' });
  });

  it('keeps its time when it is wanted again', () => {
    const bench = aHome();
    want(bench, 'away');
    bench.advance(HOUR);
    want(bench, 'away');
    expect(bench.reported).toEqual({ mode: 'away', since: start, previous: 'home' });
  });

  it('stays when nothing is wanted any more', () => {
    const bench = aHome();
    want(bench, 'night');
    want(bench, null);
    expect(bench.reported).toMatchObject({ mode: 'night' });
    expect(bench.desired).toEqual({});
  });

  it('ignores a mode that the home does not have, quietly', () => {
    const bench = aHome();
    want(bench, 'party');
    set(bench, 'party');
    set(bench, 'party', 1);
    expect(bench.reported).toEqual({ mode: 'home', since: start, previous: null });
    expect(bench.desired).toEqual({});
    expect(bench.state).toEqual({ stay: 'lasting' });
    expect(bench.twin.state.timers).toEqual([]);
    expect(bench.activeAlerts).toEqual([]);
  });
});

describe('a mode for a time', () => {
  it('leads back to the one before', () => {
    const bench = aHome();
    want(bench, 'away');
    set(bench, 'night', 2);
    expect(bench.state).toEqual({ stay: 'limited' });
    bench.advance(2 * HOUR - 1);
    expect(bench.reported).toMatchObject({ mode: 'night' });
    bench.advance(1);
    expect(bench.reported).toEqual({ mode: 'away', since: start + 2 * HOUR, previous: 'night' });
    expect(bench.desired).toEqual({ mode: 'away' });
    expect(bench.state).toEqual({ stay: 'lasting' });
  });

  it('is lasting without a time', () => {
    const bench = aHome();
    set(bench, 'night');
    bench.advance(400 * 24 * HOUR);
    expect(bench.reported).toMatchObject({ mode: 'night' });
  });

  it('is over with any later change, and its timer with it', () => {
    for (const change of [want, set] as ((bench: TwinBench, mode: string) => unknown)[]) {
      for (const mode of ['vacation', 'night']) {
        const bench = aHome();
        set(bench, 'night', 1);
        change(bench, mode);
        expect(bench.twin.state.timers).toEqual([]);
        bench.advance(10 * HOUR);
        expect(bench.reported).toMatchObject({ mode });
      }
    }
  });

  it('is not over with a mode that does not exist', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    want(bench, 'party');
    bench.advance(HOUR);
    expect(bench.reported).toMatchObject({ mode: 'home', previous: 'night' });
  });

  it('leads back to the mode that lasted when one limited stay follows another', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    bench.advance(HOUR / 2);
    set(bench, 'away', 1);
    bench.advance(HOUR - 1);
    expect(bench.reported).toMatchObject({ mode: 'away' });
    bench.advance(1);
    expect(bench.reported).toMatchObject({ mode: 'home', previous: 'away' });
  });

  it('begins again when it is asked for again', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    bench.advance(HOUR / 2);
    set(bench, 'night', 1);
    bench.advance(HOUR / 2);
    expect(bench.reported).toMatchObject({ mode: 'night', since: start });
    bench.advance(HOUR / 2);
    expect(bench.reported).toMatchObject({ mode: 'home' });
  });

  it('survives a restart, and ends late rather than never', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    restart(bench);
    bench.sleep(9 * HOUR);
    expect(bench.reported).toMatchObject({ mode: 'night' });
    bench.wake();
    expect(bench.reported).toEqual({ mode: 'home', since: start + 9 * HOUR, previous: 'night' });
  });

  it('goes on when the wish is taken back, and then nothing is wanted', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    want(bench, null);
    bench.advance(HOUR);
    expect(bench.reported).toMatchObject({ mode: 'home' });
    expect(bench.desired).toEqual({});
  });

  it.each([0, 999, 1.5 * HOUR + 0.5, 367 * 24 * HOUR])('refuses %d ms', (ms) => {
    expect(() => aHome().send({ type: 'mode.set', mode: 'night', for: ms })).toThrow('for');
  });
});

describe('settings', () => {
  it('bring other modes, of which the present one may remain', () => {
    const bench = aHome();
    want(bench, 'away');
    bench.send({ type: 'settings.changed', modes: ['in', 'away'] });
    expect(bench.reported).toMatchObject({ mode: 'away' });
    want(bench, 'in');
    expect(bench.reported).toMatchObject({ mode: 'in', previous: 'away' });
  });

  it('lead to the first mode when the present one is gone', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    bench.advance(60_000);
    bench.send({ type: 'settings.changed', modes: ['in', 'out'] });
    expect(bench.reported).toEqual({ mode: 'in', since: start + 60_000, previous: 'night' });
    expect(bench.desired).toEqual({});
    expect(bench.twin.state.timers).toEqual([]);
    bench.send({ type: 'settings.changed', modes: null });
    expect(bench.reported).toMatchObject({ mode: 'home', previous: 'in' });
  });

  it('lead to the first mode when the one to go back to is gone', () => {
    const bench = aHome();
    set(bench, 'night', 1);
    bench.send({ type: 'settings.changed', modes: ['in', 'night'] });
    bench.advance(HOUR);
    expect(bench.reported).toMatchObject({ mode: 'in', previous: 'night' });
  });

  it('know the place of the home, until it is taken back', () => {
    const bench = aHome();
    bench.send({ type: 'settings.changed', latitude: 52.52, longitude: 13.4 });
    expect(bench.settings).toMatchObject({ latitude: 52.52, longitude: 13.4 });
    bench.send({ type: 'settings.changed', latitude: null, longitude: null });
    expect(bench.settings).toEqual({ modes: ['home', 'away', 'night', 'vacation'] });
  });

  it.each([
    ['no mode', { modes: [] }],
    ['a mode twice', { modes: ['a', 'a'] }],
    ['capital letters', { modes: ['Home'] }],
    ['more than 20 modes', { modes: Array.from({ length: 21 }, (_, n) => `m${n}`) }],
    ['a place beyond the pole', { latitude: 90.1 }],
    ['a place beyond the date line', { longitude: -180.1 }],
  ])('refuse %s', (_what, settings) => {
    expect(() => aHome().send({ type: 'settings.changed', ...settings })).toThrow(
      'settings.changed',
    );
  });
});
