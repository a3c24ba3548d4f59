/** A kit in the whole program, which is killed while it installs and while it removes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../engine/testing/postgres.ts';
import { run } from './command-line.ts';
import { HomeostatProcess, TOKEN } from './homeostat-process.ts';

const LAMPS = Array.from({ length: 100 }, (_, n) => `lamp-${String(n).padStart(3, '0')}`);
const KIT = `kit: many
version: "1"
inputs: { door: { type: twin, kind: sensor } }
twins:
${LAMPS.map((id) => `  ${id}: { kind: relay, name: "Lamp ${id}", settings: { overloadWatts: 500 } }`).join('\n')}
scenes:
  all-on: { entries: { ${LAMPS.slice(0, 50)
    .map((id) => `${id}: { on: true }`)
    .join(', ')} } }
rules:
  - rule: welcome
    triggers: [{ twin: !input door, path: reported.contact, to: false }]
    actions: [{ scene: all-on }]
`;
const at = '/v1/homes/flat/kits/many';

interface Kit {
  phase: string;
  parts: { id: string; state: string }[];
}
interface Listed {
  items: { id: string; kind: string }[];
  nextCursor: string | null;
}

const STORES = [
  { name: 'SQLite', open: async () => ({ env: {}, close: async () => {} }) },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await createTestDatabase();
      return { env: { DATABASE_URL: database.url }, close: () => database[Symbol.asyncDispose]() };
    },
  },
];

async function twins(homeostat: HomeostatProcess): Promise<object[]> {
  const { items, nextCursor } = await homeostat.get<Listed>('/v1/homes/flat/twins?limit=200');
  expect(nextCursor).toBeNull();
  return items.map(({ id, kind }) => ({ id, kind }));
}

/** Asks for something, and cuts the power once the kit is seen to be in the phase. */
async function killedIn(homeostat: HomeostatProcess, phase: string, ask: () => Promise<unknown>) {
  const answer = ask().then(
    () => 'answered',
    () => 'cut off',
  );
  await homeostat.until<Kit>(at, (kit) => kit.phase === phase);
  await homeostat.kill();
  expect(await answer).toBe('cut off');
  await homeostat.start();
}

describe.each(STORES)('a kit on $name', ({ open }) => {
  const opened = async () => {
    const store = await open();
    const homeostat = await HomeostatProcess.start(store.env);
    await homeostat.request('POST', '/v1/homes', { id: 'flat' });
    await homeostat.request('POST', '/v1/homes/flat/twins', { id: 'door', kind: 'sensor' });
    return {
      homeostat,
      install: () => homeostat.request('PUT', at, { source: KIT, inputs: { door: 'door' } }),
      async [Symbol.asyncDispose]() {
        await homeostat.stop();
        await store.close();
        await homeostat[Symbol.asyncDispose]();
      },
    };
  };

  test('that is killed while it installs goes on by itself', async () => {
    await using here = await opened();
    const { homeostat, install } = here;
    await killedIn(homeostat, 'installing', install);
    const kit = await homeostat.until<Kit>(at, ({ phase }) => phase === 'installed');
    expect(kit.parts).toHaveLength(LAMPS.length + 2);
    expect(kit.parts.filter(({ state }) => state !== 'there')).toEqual([]);
    await homeostat.says('a kit that was left half done is complete now');
    expect(await homeostat.get('/v1/homes/flat/rules/welcome')).toMatchObject({ enabled: true });
    expect(await homeostat.get('/v1/homes/flat/twins/many/replay')).toMatchObject({ ok: true });
  });

  test('that is killed while it is removed goes on by itself', async () => {
    await using here = await opened();
    const { homeostat, install } = here;
    const before = await twins(homeostat);
    await install();
    await killedIn(homeostat, 'removing', () => homeostat.request('DELETE', at));
    await homeostat.until<Listed>('/v1/homes/flat/kits', ({ items }) => items.length === 0);
    expect(await twins(homeostat)).toEqual(before);
  });
});

const BLUEPRINT = `blueprint: follow
inputs: { leader: { type: twin }, follower: { type: twin } }
rule:
  triggers: [{ twin: !input leader, path: reported.contact, to: false }]
  actions: [{ set: { twin: !input follower, desired: { on: true } } }]
`;
const SMALL = `kit: small
version: "1"
inputs: { door: { type: twin }, watts: { type: number, default: 5 } }
twins: { pump: { kind: relay, settings: { overloadWatts: !input watts } } }
rules:
  - rule: pumping
    triggers: [{ twin: !input door, path: reported.contact, to: false }]
    actions: [{ set: { twin: pump, desired: { on: true } } }]
`;

/** A home with a door and a lamp, and the command line beside its server. */
async function operator() {
  const homeostat = await HomeostatProcess.start();
  await homeostat.request('POST', '/v1/homes', { id: 'flat' });
  await homeostat.request('POST', '/v1/homes/flat/twins', { id: 'door', kind: 'sensor' });
  await homeostat.request('POST', '/v1/homes/flat/twins', { id: 'lamp', kind: 'relay' });
  return {
    homeostat,
    async write(name: string, text: string) {
      const file = join(homeostat.folder, name);
      await writeFile(file, text);
      return file;
    },
    atFlat: (...args: string[]) =>
      run([...args, '--home', 'flat', '--url', homeostat.url], { HOMEOSTAT_TOKEN: TOKEN }),
    [Symbol.asyncDispose]: () => homeostat[Symbol.asyncDispose](),
  };
}

test('an operator puts blueprints at the command line', async () => {
  await using here = await operator();
  const { write, atFlat } = here;
  const follow = await write('follow.yaml', BLUEPRINT);
  expect(await atFlat('rules', 'blueprint', 'put', follow)).toMatchObject({
    code: 0,
    output: 'follow is in flat (edition 1, 0 rules)\n',
  });
  const rule = await write(
    'door-lamp.yaml',
    'rule: door-lamp\nblueprint: follow\ninputs: { leader: door, follower: lamp }\n',
  );
  expect(await atFlat('rules', 'put', rule)).toMatchObject({ code: 0 });
  await write('follow.yaml', BLUEPRINT.replace('on: true', 'no: true'));
  const broken = await atFlat('rules', 'blueprint', 'put', follow);
  expect(broken).toMatchObject({
    code: 1,
    output: expect.stringMatching(
      /it would break the rule "door-lamp"\n.*\n.*rules.door-lamp: .*takes no "no"/,
    ),
  });
  expect(await atFlat('rules', 'blueprint', 'list')).toMatchObject({
    output: 'follow  edition 1  1 rules\n',
  });
  expect(await atFlat('rules', 'blueprint', 'remove', 'follow')).toMatchObject({ code: 1 });
  expect(await atFlat('rules', 'blueprint', 'remove', 'follow', '--detach')).toMatchObject({
    code: 0,
    output: 'follow is gone from flat\n',
  });
});

test('an operator installs kits at the command line', async () => {
  await using here = await operator();
  const { homeostat, write, atFlat } = here;
  const small = await write('small.yaml', SMALL);
  expect(await atFlat('kit', 'check', small)).toMatchObject({
    code: 1,
    output: expect.stringContaining(`${small}:3:11: error: inputs.door: is missing: door (twin)`),
  });
  expect(await atFlat('kit', 'check', small, '--input', 'door=door')).toMatchObject({
    code: 0,
    output: `${small}: it could be installed: pump, pumping\n`,
  });
  const installed = await atFlat(
    'kit',
    'install',
    small,
    '--input',
    'door=door',
    '--input',
    'watts=70',
  );
  expect(installed).toMatchObject({
    code: 0,
    output: 'small 1 is installed in flat\n  pump (relay): there\n  pumping (rule): there\n',
  });
  expect(await homeostat.get('/v1/homes/flat/twins/pump')).toMatchObject({
    settings: { overloadWatts: 70 },
  });
  expect(await atFlat('kit', 'list')).toMatchObject({ output: 'small  1  installed\n' });
  expect(await atFlat('kit', 'remove', 'small')).toMatchObject({
    code: 0,
    output: 'small is gone from flat\n',
  });
  expect(await atFlat('kit', 'list')).toMatchObject({ output: '' });
});
