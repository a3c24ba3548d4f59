import { median } from './statistics.ts';

/** What a soak looked like at one moment: the ten seconds before it. */
export interface Moment {
  minute: number;
  perSecond: number;
  /** ms */
  p50: number;
  p99: number;
  /** Processor time of an event, µs. */
  engineUs: number;
  databaseUs: number;
  rssMb: number;
  /** Deliveries that are stored and not yet made. */
  outbox: number;
}

interface Curve {
  name: string;
  colour: string;
  value: (moment: Moment) => number;
}

/**
 * The number of parts of a soak, each long enough that a vacuum or a checkpoint of the database is not what it shows.
 */
const PARTS = 12;
const WIDTH = 820;
const PANEL_HEIGHT = 150;
const LEFT = 70;
const RIGHT = 20;
const TOP = 40;
const GAP = 46;
const PANELS: { title: string; curves: Curve[] }[] = [
  {
    title: 'answered per second',
    curves: [{ name: 'round trips', colour: '#2563eb', value: ({ perSecond }) => perSecond }],
  },
  {
    title: 'latency, ms',
    curves: [
      { name: 'p99', colour: '#dc2626', value: ({ p99 }) => p99 },
      { name: 'p50', colour: '#16a34a', value: ({ p50 }) => p50 },
    ],
  },
  {
    title: 'processor time of an event, µs',
    curves: [
      { name: 'engine', colour: '#ea580c', value: ({ engineUs }) => engineUs },
      { name: 'PostgreSQL', colour: '#0891b2', value: ({ databaseUs }) => databaseUs },
    ],
  },
  {
    title: 'memory of the engine (RSS), MB',
    curves: [{ name: 'RSS', colour: '#7c3aed', value: ({ rssMb }) => rssMb }],
  },
];

/** Panels below each other, each from zero: what is flat looks flat. */
export function plot(title: string, moments: readonly Moment[]): string {
  const height = TOP + PANELS.length * (PANEL_HEIGHT + GAP);
  const end = moments.at(-1)?.minute ?? 1;
  const panels = PANELS.map((panel, at) => {
    const top = TOP + at * (PANEL_HEIGHT + GAP);
    return panelOf(panel, moments, end, top + 20);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}: answered per second, latency, processor time and resident memory</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15" font-weight="bold">${title}</text>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

/** The database's µs of an event in the cheapest and in the dearest part of it, by their medians. */
export function drift(moments: readonly Moment[]): string {
  const size = Math.max(1, Math.ceil(moments.length / PARTS));
  const parts: number[] = [];
  for (let at = 0; at < moments.length; at += size) {
    parts.push(median(moments.slice(at, at + size).map(({ databaseUs }) => databaseUs)));
  }
  const [least, most] = [Math.min(...parts), Math.max(...parts)];
  const apart = Math.round((most / least - 1) * 100);
  return `${least.toFixed(0)}–${most.toFixed(0)} in medians of ${parts.length} parts, ${apart} % apart`;
}

function panelOf(
  { title, curves }: (typeof PANELS)[number],
  moments: readonly Moment[],
  end: number,
  top: number,
): string {
  const most = roundUp(Math.max(1, ...curves.flatMap(({ value }) => moments.map(value))));
  const right = WIDTH - RIGHT;
  const x = (minute: number) => LEFT + (minute / end) * (right - LEFT);
  const y = (value: number) => top + PANEL_HEIGHT * (1 - value / most);
  const lines = [0, 0.5, 1].map((share) => {
    const at = y(most * share).toFixed(1);
    return `<line x1="${LEFT}" x2="${right}" y1="${at}" y2="${at}" stroke="#e5e7eb"/><text x="${LEFT - 8}" y="${Number(at) + 4}" text-anchor="end">${most * share}</text>`;
  });
  const minutes = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(end * share).toFixed(1)}" y="${top + PANEL_HEIGHT + 16}" text-anchor="middle">${Math.round(end * share)} min</text>`,
  );
  const drawn = curves.map(({ name, colour, value }, at) => {
    const points = moments.map(
      (moment) => `${x(moment.minute).toFixed(1)},${y(value(moment)).toFixed(1)}`,
    );
    const legend = `<text x="${right - 60 * (curves.length - at - 1)}" y="${top - 8}" text-anchor="end" fill="${colour}">${name}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>${legend}`;
  });
  const heading = `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${title}</text>`;
  return [heading, ...lines, ...minutes, ...drawn].join('\n');
}

/** To one, two or five and noughts. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}
