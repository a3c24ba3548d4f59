/** Kinds of an operator's own: written, tested by their author, loaded by the whole program, and gone again. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';
import { run } from './command-line.ts';
import { Device } from './device.ts';
import { HomeostatProcess } from './homeostat-process.ts';

interface Twin {
  revision: number;
  reported: Record<string, unknown>;
  desired: Record<string, unknown>;
}

const root = fileURLToPath(PACKAGE_ROOT);
const COOL = `rule: cool
triggers: [{ twin: fan, path: reported.power, above: 100 }]
actions: [{ set: { twin: fan, desired: { on: false } } }]
`;
const fan = '/v1/homes/flat/twins/fan';
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeostat-author-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What `npm install --save-dev <Homeostat's folder> xstate zod jiti` leaves. */
function install(): void {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'homeostat'));
  for (const name of ['xstate', 'zod', 'jiti']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
}

/** The author's own tests, by Node's runner. @throws where one fails */
async function runTests(file: string): Promise<string> {
  const loader = file.endsWith('.ts') ? ['--import', 'jiti/register'] : [];
  const { stdout } = await promisify(execFile)(process.execPath, [...loader, '--test', file], {
    cwd: folder,
    env: { PATH: process.env.PATH },
  });
  return stdout;
}

describe.each([
  { language: 'TypeScript', options: [], file: 'fan.ts', tests: 'fan.test.ts' },
  { language: 'JavaScript', options: ['--js'], file: 'fan.mjs', tests: 'fan.test.mjs' },
])('a kind in $language that the command line has written', ({ options, file, tests }) => {
  const make = () => run(['new', 'kind', 'fan', '--dir', join(folder, 'kinds'), ...options]);

  test('passes its own tests', async () => {
    expect(await make()).toMatchObject({ code: 0 });
    install();
    expect(await runTests(join('kinds', 'fan', tests))).toMatch(/pass 3\n(.*\n)*.*fail 0/);
  });

  test('is loaded, listed, turned, and followed by rules; nothing of it has to be installed', async () => {
    const { output } = await make();
    expect(output).toContain(join('kinds', 'fan', file));
    const kinds = join(folder, 'kinds');
    await using homeostat = await HomeostatProcess.start({ KINDS_DIR: kinds });
    expect(homeostat.output).toMatch(`"kind":"fan","version":1,"file":"fan/${file}"`);
    expect(await homeostat.get('/v1/kinds/fan')).toMatchObject({
      builtIn: false,
      version: 1,
      settings: { properties: { offAfterMs: {} } },
    });
    const { items } = await homeostat.get<{ items: { kind: string; builtIn: boolean }[] }>(
      '/v1/kinds',
    );
    expect(items.filter(({ builtIn }) => !builtIn).map(({ kind }) => kind)).toEqual(['fan']);

    await homeostat.request('POST', '/v1/homes', { id: 'flat' });
    await homeostat.request('POST', '/v1/homes/flat/twins', { id: 'fan', kind: 'fan' });
    const wrong = COOL.replace('path: reported.power, above: 100', 'event: bang');
    expect(
      await homeostat.request('POST', '/v1/homes/flat/rules/check', { source: wrong }),
    ).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining('a fan knows no event "bang"') }],
    });
    await homeostat.request('PUT', '/v1/homes/flat/rules/cool', { source: COOL });

    await using device = await Device.connect(homeostat.mqttUrl);
    await device.publish('homeostat/flat/fan/fan/telemetry', { on: true, power: 120 });
    await homeostat.until<Twin>(fan, ({ desired }) => desired.on === false);
    await homeostat.request('POST', `${fan}/events`, { type: 'telemetry', on: false, power: 0 });
    expect(await homeostat.get(fan)).toMatchObject({ reported: { on: false, power: 0 } });
    const intents = await homeostat.get<{ items: object[] }>('/v1/homes/flat/intents?twin=fan');
    expect(intents.items).toMatchObject([{ name: 'switch', status: 'confirmed' }]);
    expect(await homeostat.get(`${fan}/replay`)).toMatchObject({ ok: true });
  });
});

test('a rule’s tests know kinds of one’s own', async () => {
  const kinds = join(folder, 'kinds');
  await run(['new', 'kind', 'fan', '--dir', kinds]);
  const tests = join(folder, 'cool.test.yaml');
  writeFileSync(join(folder, 'cool.yaml'), COOL);
  writeFileSync(
    tests,
    'rules: [cool.yaml]\ntests:\n  - test: it cools\n    twins: { fan: { kind: fan, reported: { on: true, power: 1 } } }\n' +
      '    steps: [{ report: { fan: { power: 101 } } }, { expect: { runs: { cool: 1 } } }]\n',
  );
  expect(await run(['rules', 'test', tests], { KINDS_DIR: kinds })).toMatchObject({
    code: 0,
    output: expect.stringContaining('1 passed, 0 failed'),
  });
  expect(await run(['rules', 'test', tests])).toMatchObject({ code: 1 });
  expect(await run(['rules', 'test', tests], { KINDS_DIR: '/nowhere' })).toMatchObject({
    code: 1,
    output: expect.stringContaining('KINDS_DIR: there is no folder /nowhere'),
  });
});

test('without its kind a twin waits, refuses and loses nothing; with it, it goes on', async () => {
  const kinds = join(folder, 'kinds');
  await run(['new', 'kind', 'fan', '--dir', kinds]);
  await using homeostat = await HomeostatProcess.start({ KINDS_DIR: kinds });
  const report = async (power: number) => {
    await using device = await Device.connect(homeostat.mqttUrl);
    await device.publish('homeostat/flat/fan/fan/telemetry', { on: true, power });
  };
  await report(5);
  await homeostat.stop();

  homeostat.environment.KINDS_DIR = '';
  await homeostat.start();
  expect(await homeostat.get(fan)).toMatchObject({ kind: 'fan', revision: 1, reported: {} });
  await expect(
    homeostat.request('PATCH', fan, { settings: { offAfterMs: 5_000 } }),
  ).rejects.toThrow(/state-unreadable.*KINDS_DIR/);
  await report(6);
  const letters = await homeostat.until<{ items: { id: string; code: string }[] }>(
    '/v1/homes/flat/dead-letters',
    ({ items }) => items.length > 1,
  );
  await homeostat.stop();
  expect(await run(['replay'], { DATA_DIR: homeostat.folder })).toMatchObject({
    code: 1,
    output: expect.stringMatching(/flat\/fan: there is no kind "fan"\. .*KINDS_DIR.*\n1 twins/),
  });

  homeostat.environment.KINDS_DIR = kinds;
  await homeostat.start();
  expect(await homeostat.get(fan)).toMatchObject({ revision: 1, reported: { power: 5 } });
  for (const { id } of letters.items) {
    await homeostat.request('POST', `/v1/homes/flat/dead-letters/${id}/retry`);
  }
  expect(await homeostat.get(fan)).toMatchObject({
    reported: { power: 6 },
    settings: { offAfterMs: 5_000 },
  });
  await homeostat.stop();
  const replayed = await run(['replay'], { DATA_DIR: homeostat.folder, KINDS_DIR: kinds });
  expect(replayed).toMatchObject({ code: 0 });
});

test('a start with a kind that cannot be used says all that is wrong, and touches nothing', async () => {
  writeFileSync(join(folder, 'a.ts'), 'export const x = {;');
  writeFileSync(join(folder, 'b.mjs'), 'export const x = 1;');
  const data = join(folder, '_data');
  const { code, output } = await run(['start'], { KINDS_DIR: folder, DATA_DIR: data });
  expect(code).toBe(1);
  expect(output).toContain('a.ts: does not load: ParseError');
  expect(output).toContain('b.mjs: exports no kind');
  expect(output).not.toContain('    at ');
  expect(() => readFileSync(join(data, 'admin-token'))).toThrow('ENOENT');
});

test('the command line makes no kind over another, nor of a wrong name', async () => {
  const make = (name: string) => run(['new', 'kind', name, '--dir', folder]);
  expect(await make('fan')).toMatchObject({ code: 0 });
  const before = readFileSync(join(folder, 'fan', 'fan.ts'), 'utf8');
  const again = { code: 1, output: expect.stringContaining('there is something already') };
  expect(await make('fan')).toMatchObject(again);
  expect(readFileSync(join(folder, 'fan', 'fan.ts'), 'utf8')).toBe(before);
  for (const name of ['Fan', '../fan', 'relay', 'index', '']) {
    expect(await make(name)).toMatchObject({ code: 1 });
  }
});

describe('the guide', () => {
  const guide = readFileSync(join(root, 'docs', 'kinds.md'), 'utf8');
  const blocks = [...guide.matchAll(/```ts\n\/\/ (kinds\/\S+)\n([\s\S]*?)```/g)];

  test('has an example that passes its tests, is loaded, and does what is told of it', async () => {
    expect(blocks.map(([, file]) => file)).toEqual([
      'kinds/blind/blind.ts',
      'kinds/blind/blind.test.ts',
    ]);
    for (const [, file = '', text = ''] of blocks) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    await using homeostat = await HomeostatProcess.start({ KINDS_DIR: join(folder, 'kinds') });
    await using device = await Device.connect(homeostat.mqttUrl);
    await device.publish('homeostat/flat/blind/front/telemetry', { position: 40 });
    await device.publish('homeostat/flat/blind/front/event', { type: 'wind', speed: 20 });
    await homeostat.until<Twin>('/v1/homes/flat/twins/front', ({ revision }) => revision >= 2);
    const { items } = await homeostat.get<{ items: object[] }>('/v1/homes/flat/alerts');
    expect(items).toMatchObject([
      { key: 'storm', message: 'went up, as the wind blows at 20 m/s' },
    ]);
    install();
    expect(await runTests('kinds/blind/blind.test.ts')).toMatch(/pass 4\n(.*\n)*.*fail 0/);
  });

  test('and what is written have types that hold', async () => {
    for (const [, file = '', text = ''] of blocks) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    await run(['new', 'kind', 'fan', '--dir', join(folder, 'kinds')]);
    install();
    mkdirSync(join(folder, 'node_modules', '@types'));
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] },
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const checked = promisify(execFile)(process.execPath, [tsc, '-p', folder]);
    await expect(checked.catch(({ stdout }: { stdout: string }) => stdout)).resolves.toMatchObject({
      stdout: '',
    });
  });
});
