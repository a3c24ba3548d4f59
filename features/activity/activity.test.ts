import { describe, expect, test } from 'vitest';
import type { LogRow } from '../../engine/index.ts';
import { journalOf } from '../../engine/storage/contract/sample-rows.ts';
import { type Activity, activity, added, NOTHING, turnsOf } from './activity.ts';

const turn = (parts: Partial<LogRow> = {}): LogRow => ({
  ...journalOf(),
  ...{ writer: 0, seq: 1 },
  ...parts,
});
const command = (name: string, refused?: true) => ({
  ...{ type: 'command' as const, id: 'x', name, args: {} },
  ...(refused && { refused }),
});
const after = (...turns: LogRow[]) =>
  turns.reduce<Activity | null>((value, one) => {
    const [key] = activity.keysOf(one);
    return key ? activity.apply(value, one, key) : value;
  }, null);

describe('activity', () => {
  test('has a row for each UTC day, of the twin and of its home', () => {
    const at = Date.parse('2026-02-28T23:59:59.999Z');
    expect(activity.keysOf(turn({ receivedAt: at }))).toEqual([
      { of: 'twin', key: '2026-02-28' },
      { of: 'home', key: '2026-02-28' },
    ]);
    expect(activity.keysOf(turn({ receivedAt: at + 1 }))[0]?.key).toBe('2026-03-01');
  });

  test.each([
    ['mqtt', 'device'],
    ['gateway', 'device'],
    ['message', 'device'],
    ['rest', 'person'],
    ['timer', 'engine'],
    ['engine', 'engine'],
    ['h/kitchen', 'twin'],
  ])('counts a turn that came by %s as told by: %s', (source, group) => {
    expect(after(turn({ source }))?.turns).toEqual({ ...NOTHING.turns, [group]: 1 });
  });

  test('counts commands by name, raised alerts by severity, late reports', () => {
    const alert = { type: 'alert' as const, id: 'x', key: 'k', message: 'm' };
    const effects = [
      ...[command('switch'), command('switch'), command('blink', true)],
      { ...alert, severity: 'critical' as const, state: 'raised' as const },
      { ...alert, severity: 'info' as const, state: 'cleared' as const },
      { type: 'tell' as const, id: 'x', to: 'y', event: { type: 'z' } },
    ];
    expect(after(turn({ effects }), turn({ effects, late: true }))).toEqual({
      turns: { ...NOTHING.turns, device: 2 },
      commands: { switch: 4 },
      alerts: { info: 0, warning: 0, critical: 2 },
      late: 1,
    });
  });

  test('keeps a bounded number of names, also of days that are added up', () => {
    const day = (from: number) =>
      after(
        ...Array.from({ length: 60 }, (_, n) =>
          turn({ effects: [command(`c${from + n}`), command('__proto__')] }),
        ),
      ) ?? NOTHING;
    const sum = added(day(0), day(1_000));
    for (const { commands } of [day(0), sum]) expect(Object.keys(commands)).toHaveLength(51);
    const total = Object.values(sum.commands).reduce((all, times) => all + times);
    expect(total).toBe(240);
    expect(Object.entries(sum.commands)).toContainEqual(['__proto__', 120]);
    expect(turnsOf(sum)).toBe(120);
  });

  test('changes no value that it is given', () => {
    const value = Object.freeze({
      turns: Object.freeze({ ...NOTHING.turns }),
      commands: Object.freeze({ switch: 1 }),
      alerts: Object.freeze({ ...NOTHING.alerts }),
      late: 0,
    });
    const next = activity.apply(value, turn({ effects: [command('switch')] }), {
      ...{ of: 'twin', key: 'k' },
    });
    expect(next).toMatchObject({ commands: { switch: 2 }, turns: { device: 1 } });
  });
});
