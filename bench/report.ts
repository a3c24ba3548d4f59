import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { PACKAGE_ROOT } from '../engine/testing/package-root.ts';
import { type Figure, isMet, type Measurement } from './measurement.ts';

/** What one measurement found, when and on what. */
export interface Found {
  title: string;
  date: string;
  machine: string;
  rounds: number;
  figures: Figure[];
}

const FOLDER = new URL('bench/results/', PACKAGE_ROOT);
const LATEST = new URL('latest.json', FOLDER);
const DOCUMENT = new URL('docs/benchmarks.md', PACKAGE_ROOT);
const BEGIN = '<!-- figures: written by npm run bench -->';
const END = '<!-- end of figures -->';

/** The latest findings by name of the measurement, in the order in which they are told. */
export class Report {
  readonly #found: Record<string, Found>;
  readonly #order: readonly string[];

  constructor(measurements: readonly Measurement[]) {
    this.#order = measurements.map(({ name }) => name);
    this.#found = existsSync(LATEST) ? JSON.parse(readFileSync(LATEST, 'utf8')) : {};
  }

  /** Takes the place of what the same measurement found before; the file and the document follow. */
  add({ name, title }: Measurement, rounds: number, figures: Figure[]): void {
    const date = new Date().toISOString().slice(0, 10);
    this.#found[name] = { title, date, machine: machine(), rounds, figures };
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(LATEST, `${JSON.stringify(this.#found, null, 2)}\n`);
    const text = readFileSync(DOCUMENT, 'utf8');
    const begin = text.indexOf(BEGIN);
    const end = text.indexOf(END);
    if (begin < 0 || end < begin) throw new Error(`docs/benchmarks.md lacks "${BEGIN}" … "${END}"`);
    const head = text.slice(0, begin + BEGIN.length);
    writeFileSync(DOCUMENT, `${head}\n\n${this.#tables()}\n${text.slice(end)}`);
  }

  #tables(): string {
    return this.#order
      .flatMap((name) => {
        const found = this.#found[name];
        return found ? [section(found)] : [];
      })
      .join('\n');
  }
}

function section({ title, date, machine: on, rounds, figures }: Found): string {
  const rows = figures.map((figure) => {
    const spread = figure.rounds ? `${range(figure.rounds)}` : '';
    return `| ${figure.what} | ${shown(figure.value)} ${figure.unit} | ${spread} | ${wanted(figure)} |`;
  });
  return [
    `### ${title}`,
    '',
    `${date}; ${on}; median of ${rounds} rounds where a range is given.`,
    '',
    '| what | figure | range | target |',
    '| --- | --: | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function wanted(figure: Figure): string {
  const { target, unit } = figure;
  if (!target) return '';
  const bound = 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
  return `${bound} ${unit}: ${isMet(figure) ? 'met' : '**not met**'}`;
}

function range(rounds: readonly number[]): string {
  return `${shown(Math.min(...rounds))} – ${shown(Math.max(...rounds))}`;
}

function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** The machine on which it was measured. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${cpu?.model.trim()}, ${memory}, Linux ${release()}, Node ${process.versions.node}, ${mosquitto()}`;
}

function mosquitto(): string {
  try {
    const said = execFileSync('/usr/sbin/mosquitto', ['-h'], { encoding: 'utf8' });
    return /mosquitto version (\S+)/.exec(said)?.[0] ?? 'mosquitto';
  } catch (error) {
    // It says its version and ends with an error, as it does for every question for help
    return /mosquitto version (\S+)/.exec(String((error as { stdout?: string }).stdout))?.[0] ?? '';
  }
}
