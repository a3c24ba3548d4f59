/** What every kind promises, whatever its behaviour is: a durable twin can be made of it. */
import { isDeepStrictEqual } from 'node:util';
import type { AnyKind } from '../kind.ts';
import { differencesBetween, foldTurn } from '../log/replay.ts';
import type { LoadedTwin } from '../model/rows.ts';
import { type LiveTwin, revive } from '../turn/live-twin.ts';
import { type Life, live, RELATIONS } from './life.ts';
import type { TwinBench } from './twin-bench.ts';

export interface KindPromise {
  says: string;
  /** How a life breaks it; null: it keeps it. @throws what a turn throws */
  brokenBy(kind: AnyKind, life: Life): string | null;
}

export const PROMISES: readonly KindPromise[] = [
  {
    says: 'shows only JSON',
    brokenBy(kind, life) {
      const { view } = live(kind, life).twin;
      const shown: unknown = JSON.parse(JSON.stringify(view));
      return isDeepStrictEqual(shown, view)
        ? null
        : `view() gives ${text(view)}, with something in it that JSON leaves out or changes`;
    },
  },
  {
    says: 'is pure: the same events lead to the same states and effects, whatever the clock says',
    brokenBy(kind, life) {
      const first = inAnotherWorld('2026-01-05T12:00:00Z', 0.1, () => live(kind, life));
      const second = inAnotherWorld('2031-07-08T01:23:45Z', 0.9, () => live(kind, life));
      return difference(first, second, 'lived twice');
    },
  },
  {
    says: 'survives JSON at every step: a twin revived each time lives the same life',
    brokenBy(kind, life) {
      const awake = live(kind, life);
      const revived = live(kind, life, (bench) => {
        bench.twin = throughJson(kind, bench.twin);
      });
      return difference(awake, revived, 'stored and read again between its events');
    },
  },
  {
    says: 'replays: folding its journal gives its state',
    brokenBy(kind, life) {
      const bench = live(kind, life);
      let replayed: LiveTwin | null = null;
      for (const row of bench.journal) {
        const { twin }: { twin: LiveTwin } = foldTurn(
          kind,
          bench.twin.incarnation,
          replayed,
          row,
          {},
        );
        replayed = replayed === null ? { ...twin, relations: RELATIONS } : twin;
      }
      const [first] = differencesBetween(bench.twin.state, replayed?.state ?? null);
      return first
        ? `${first.path} is ${text(first.stored)}, and ${text(first.replayed)} when its journal is folded again`
        : null;
    },
  },
];

function difference(one: TwinBench, other: TwinBench, how: string): string | null {
  const [first] = differencesBetween(one.twin.state, other.twin.state);
  if (first) {
    return `${how}, ${first.path} is ${text(first.stored)} and then ${text(first.replayed)}`;
  }
  if (!isDeepStrictEqual(one.effects, other.effects)) {
    const at = one.effects.findIndex((effect, n) => !isDeepStrictEqual(effect, other.effects[n]));
    const place = at === -1 ? one.effects.length : at;
    return `${how}, it emits ${text(one.effects[place])} and then ${text(other.effects[place])}`;
  }
  return isDeepStrictEqual(one.twin.view, other.twin.view)
    ? null
    : `${how}, it shows ${text(one.twin.view)} and then ${text(other.twin.view)}`;
}

/** What would show a machine that looks at the clock or the dice. */
function inAnotherWorld<T>(date: string, random: number, run: () => T): T {
  const now = Date.parse(date);
  const { Date: RealDate } = globalThis;
  const { random: realDice } = Math;
  globalThis.Date = new Proxy(RealDate, {
    construct: (_real, given: unknown[]) =>
      Reflect.construct(RealDate, given.length === 0 ? [now] : given) as Date,
    apply: () => new RealDate(now).toString(),
    get: (real, key) => (key === 'now' ? () => now : (Reflect.get(real, key) as unknown)),
  });
  Math.random = () => random;
  try {
    return run();
  } finally {
    globalThis.Date = RealDate;
    Math.random = realDice;
  }
}

function throughJson(kind: AnyKind, twin: LiveTwin): LiveTwin {
  const { kindOf: _kindOf, snapshot: _snapshot, view: _view, ...row } = twin;
  return revive(kind, JSON.parse(JSON.stringify(row)) as LoadedTwin, twin.epoch);
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
