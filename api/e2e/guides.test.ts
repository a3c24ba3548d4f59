/** What the README and the guides tell people to type does what they say: each command is run, or says why not. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';
import { type Step, stepsOf } from '../testing/guide-page.ts';
import { HomeostatProcess, TOKEN } from './homeostat-process.ts';

const ROOT = fileURLToPath(PACKAGE_ROOT);
const PROGRAMS = ['bash', 'curl', 'jq', 'mosquitto_pub', 'openssl', 'sqlite3'];
const missing = PROGRAMS.filter((program) => !isThere(program));
const why = missing.length > 0 ? ` (not installed: ${missing.join(', ')})` : '';

const all = ['README.md', ...readdir('docs'), ...readdir('docs/cookbook')];
const withCommands = all.filter((page) => stepsOf(read(page)).some((step) => step.do === 'run'));

/** On this machine the server has other ports, and what it keeps lies elsewhere. */
const PRELUDE = `set -euo pipefail
curl() { command curl --fail-with-body --max-time 20 "$@"; echo; }
mosquitto_pub() { command mosquitto_pub -p "$MQTT_PORT" "$@"; }
mosquitto_sub() { command mosquitto_sub -p "$MQTT_PORT" "$@"; }
npx() { shift; node "$MAIN" "$@"; }
`;

test.skipIf(missing.length > 0).each(withCommands)(
  `the commands of %s do what it says${why}`,
  async (page) => {
    await using homeostat = await HomeostatProcess.prepare({ DEMO: 'on', DATA_DIR: 'data' });
    const data = join(homeostat.folder, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'admin-token'), TOKEN);
    await homeostat.start();
    const steps = stepsOf(read(page));
    for (const step of steps) {
      if (step.do === 'write') writeFileSync(join(homeostat.folder, step.file), step.text);
    }
    const script = PRELUDE + steps.map((step) => textOf(step, homeostat)).join('\n');
    const ran = spawn('bash', ['-c', script], {
      cwd: homeostat.folder,
      // With what it leaves in the background, it is ended as a group
      detached: true,
      env: {
        ...homeostat.environment,
        MQTT_PORT: String(homeostat.mqttPort),
        MAIN: join(ROOT, 'dist/api/main.js'),
        HOMEOSTAT_URL: homeostat.url,
        HOME: homeostat.folder,
      },
    });
    let said = '';
    for (const stream of [ran.stdout, ran.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    }
    const [code] = (await once(ran, 'exit')) as [number];
    endGroup(ran.pid);
    expect(code, said.slice(-3_000)).toBe(0);
  },
  60_000,
);

test('commands stand in blocks of sh, and in no other, where nobody would run them', () => {
  expect(withCommands).toContain('README.md');
  const others = all.flatMap((page) => [...read(page).matchAll(/^```(bash|shell|console|zsh)$/gm)]);
  expect(others).toEqual([]);
});

function textOf(step: Step, { url }: HomeostatProcess): string {
  if (step.do !== 'run' && step.do !== 'prepare') return '';
  const text = step.text.replaceAll('http://127.0.0.1:3000', url);
  return `echo '── line ${step.line}'\n${text}`;
}

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader);
  } catch {
    // It has left nothing behind
  }
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

function readdir(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder)).filter((file) => file.endsWith('.md'));
  return files.map((file) => `${folder}/${file}`);
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}
