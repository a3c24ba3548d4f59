import { expect, test } from 'vitest';
import { permissions } from './permissions.ts';
import { permissionsPage } from './permissions-page.ts';

test('the page in the documentation shows the table as it is', async () => {
  await expect(
    permissionsPage(permissions),
    'npx vitest run api/access/permissions.test.ts -u writes the page anew',
  ).toMatchFileSnapshot('../../docs/permissions.md');
});
