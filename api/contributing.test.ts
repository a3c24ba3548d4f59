/** CONTRIBUTING.md names what there is. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const TEXT = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8');

it('says why there is each dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const all = [...Object.keys(dependencies), ...Object.keys(devDependencies)];
  const own = all.filter((name) => !name.startsWith('@types/'));
  expect(
    own.filter((name) => !TEXT.includes(`\`${name}\``)),
    'each has a line in the table "Dependencies"',
  ).toEqual([]);
});

it('names each feature in the picture of the house', () => {
  const [line = ''] = /^features\/ .*$/m.exec(TEXT) ?? [];
  const folders = readdirSync(new URL('../features', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'contract')
    .map(({ name }) => name);
  expect(folders.filter((name) => !line.includes(`${name}/`))).toEqual([]);
});
