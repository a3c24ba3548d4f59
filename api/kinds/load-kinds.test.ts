import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kindSource } from '../cli/kind-template.ts';
import { builtInKinds } from './built-in.ts';
import { kindModulesIn } from './kind-modules.ts';
import { loadKinds } from './load-kinds.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'homeostat-kinds-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
}
const typed = (name: string) => kindSource({ name, isTyped: true });
const untyped = (name: string) => kindSource({ name, isTyped: false });
const namesOf = async () =>
  (await loadKinds(folder)).custom.map(({ kind, file }) => `${kind.kind} of ${file}`);
const refusal = () =>
  loadKinds(folder).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );

describe('the modules of a folder', () => {
  it('are its files, and the doors of the folders in it', () => {
    write({
      ...{ 'a.ts': '', 'b.mts': '', 'c.js': '', 'd.mjs': '', 'e.txt': '', 'f.cjs': '' },
      ...{ '_a.ts': '', '.b.ts': '', 'a.test.ts': '', 'a.spec.mjs': '', 'a.d.ts': '' },
      ...{ 'x/index.ts': '', 'x/x.ts': '', 'y/y.mjs': '', 'y/z.ts': '' },
      ...{ 'node_modules/m/index.js': '', '_s/index.ts': '', 'lost/found.ts': '' },
    });
    expect(kindModulesIn(folder)).toEqual({
      files: ['a.ts', 'b.mts', 'c.js', 'd.mjs', 'x/index.ts', 'y/y.mjs'],
      doorless: ['lost'],
    });
  });
});

describe('kinds of an operator’s own', () => {
  it('are none without a folder', async () => {
    expect(await loadKinds(null)).toEqual({ all: builtInKinds, custom: [], warnings: [] });
  });

  it('are loaded from TypeScript and JavaScript, whichever way they are exported', async () => {
    write({
      'fan.ts': typed('fan'),
      'pump/pump.mjs': untyped('pump'),
      '_lamp.mjs': untyped('lamp'),
      '_oven.ts': typed('oven'),
      'more.ts':
        "import l from './_lamp.mjs'; import o from './_oven.js'; export const all = [l, o];",
      'named.ts': "export { default as fan } from './fan.ts'; export const other: number = 1;",
    });
    expect(await namesOf()).toEqual([
      ...['fan of fan.ts', 'lamp of more.ts', 'oven of more.ts', 'pump of pump/pump.mjs'],
    ]);
    const { all } = await loadKinds(folder);
    expect(all.slice(0, builtInKinds.length)).toEqual(builtInKinds);
  });

  it('are warned of where nothing is loaded', async () => {
    write({ 'lost/found.ts': '' });
    expect((await loadKinds(folder)).warnings).toEqual([
      expect.stringContaining('nothing is loaded from lost/: it has no index.ts and no lost.ts'),
      expect.stringContaining(`there is no kind in ${folder}, which KINDS_DIR names`),
    ]);
  });

  it('are refused with all that is wrong, by file', async () => {
    write({ 'fan.ts': typed('fan'), 'a.ts': 'export const x = {;', 'b.ts': 'export const x = 1;' });
    const message = await refusal();
    expect(message).toContain(`The kinds in ${folder} cannot be used:\n  - a.ts: does not load`);
    expect(message).toContain('  - b.ts: exports no kind');
    expect(message).not.toContain('fan.ts');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'no TypeScript',
      { 'a.ts': '\nexport const x = {;' },
      /a.ts: does not load: ParseError: .*\(a.ts:2:18\)/,
    ],
    [
      'something that throws',
      { 'a.ts': "\n\nthrow new TypeError('mine');" },
      /a.ts: does not load: TypeError: mine \(a.ts:3\)/,
    ],
    [
      'a package that is not there',
      { 'a.ts': "import { q } from 'no-such-package'; export const x = q;" },
      /a.ts: Cannot find module 'no-such-package'\. It may import homeostat\/kind, xstate, zod/,
    ],
    [
      'a file that another is missing',
      { 'a.ts': "import './_b.ts';", '_b.ts': "import './_c.ts';" },
      /a.ts: Cannot find module '.\/_c.ts' \(imported by _b.ts\)/,
    ],
    [
      'a copy that nobody has checked',
      { '_a.ts': typed('fan'), 'b.ts': "import f from './_a.ts'; export default { ...f };" },
      /b.ts: exports no kind. Export what defineKind\(\) returns/,
    ],
    [
      'a name of Homeostat’s',
      { 'a.ts': typed('relay') },
      /a.ts: there is a kind "relay" already, which comes with Homeostat. Choose another name/,
    ],
    [
      'a name twice',
      { 'a.ts': typed('fan'), 'b.mjs': untyped('fan') },
      /b.mjs: there is a kind "fan" already, in a.ts. Choose another name/,
    ],
    [
      'a machine that may not be',
      { 'a.ts': typed('fan').replace('version: 1', 'version: 0') },
      /a.ts: kind "fan" cannot be a durable twin:\n {6}- its version must be 1, 2, 3/,
    ],
    [
      'a machine that cannot begin',
      { 'a.mjs': untyped('fan').replace('reported: {}', 'reported: {}, at: 1n') },
      /a.mjs: kind "fan" cannot be a durable twin:\n {6}- context.at is a bigint/,
    ],
    [
      'a context that is found out when a twin is made',
      {
        'a.mjs': untyped('fan').replace(
          /context: (\{.*\}),/,
          'context: () => ({ ...$1, at: new Date(0) }),',
        ),
      },
      /a.mjs: no twin of it can be made: .*context.at is a Date/,
    ],
  ])('are refused for %s', async (_what, files, message) => {
    write(files);
    expect(await refusal()).toMatch(message);
  });
});
