import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../engine/testing/package-root.ts';
import { configurationPage, environmentFile } from './config-reference.ts';
import { GROUPS } from './config-schema.ts';

const at = (path: string) => fileURLToPath(new URL(path, PACKAGE_ROOT));

test('each variable says what it means', () => {
  const all = GROUPS.flatMap(({ variables }) => Object.entries(variables));
  for (const [name, schema] of all) expect(schema.meta()?.description, name).toMatch(/^.{12,}\.$/s);
});

// `npx vitest run api/config-reference.test.ts -u` writes both anew
test('the page of the guide is made of the schema', async () => {
  await expect(configurationPage()).toMatchFileSnapshot(at('docs/configuration.md'));
});

test('the file to start from is made of the schema', async () => {
  await expect(environmentFile()).toMatchFileSnapshot(at('.env.example'));
});
