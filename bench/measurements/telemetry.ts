import type { Measured } from '../contestant.ts';
import type { FleetShape } from '../load/fleet.ts';
import type { Figure, Measurement } from '../measurement.ts';
import type { Where } from '../stand.ts';
import { contest, lineUp, middle, ratio } from './contest.ts';

const SPACING = 50;
const ENGINES: readonly Where[] = [
  { store: 'PostgreSQL', broker: 'Mosquitto' },
  { store: 'SQLite', broker: 'Mosquitto' },
  { store: 'SQLite', broker: 'embedded broker' },
];

/** Telemetry that asks for nothing. */
function telemetry(devices: number): Measurement {
  const fleet: FleetShape = { devices, homes: 100, kind: 'sensor', prefix: 't' };
  return {
    name: `telemetry-${devices}`,
    title: `Telemetry without effects: ${devices.toLocaleString('en')} sensors in 100 homes, QoS 1; each ${SPACING}th report is a thermostat's, whose command shows how far the receiver is`,
    async run(setting) {
      await using line = await lineUp(setting, fleet, ENGINES);
      const load = { type: 'marked', spacing: SPACING } as const;
      const title = `${devices} sensors`;
      const [bare, ...engines] = await contest(setting, title, load, line.contestants);
      const perSecond = (result: Measured) => result.perSecond;
      if (!bare) return [];
      return [
        { what: 'bare subscriber', unit: '/s', ...middle(bare, perSecond) },
        ...engines.flatMap((engine): Figure[] => [
          { what: engine.name, unit: '/s', ...middle(engine, perSecond) },
          {
            what: `${engine.name} ÷ bare subscriber`,
            unit: '×',
            ...ratio(engine, bare, perSecond),
            ...(engine.name.endsWith('Mosquitto') && { target: { atLeast: 0.45 } }),
          },
        ]),
      ];
    },
  };
}

export const telemetryOfThousands = telemetry(2_000);
export const telemetryOfMany = telemetry(100_000);
