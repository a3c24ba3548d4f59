import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { homesOfTemplates } from './template-homes.ts';

const template = (name: string, home: string) =>
  `- {name: ${name}, topic: "{site}/${name}/{device}", home: "${home}", twin: "{device}", kind: sensor, passthrough: .}`;

it('names the homes of a template file, and not those that topics name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-templates-'));
  const file = join(folder, 'templates.yaml');
  const all = [template('a', 'ware.house'), template('b', 'site-{site}'), template('c', '{site}')];
  await writeFile(file, `templates:\n${all.join('\n')}\n`);
  const isNamed = await homesOfTemplates(file);
  expect(['ware.house', 'site-7'].map(isNamed)).toEqual([true, true]);
  expect(['warehouse', 'wareXhouse', 'site-', 'my-site-7', 'nest'].map(isNamed)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
  await rm(folder, { recursive: true });
});
