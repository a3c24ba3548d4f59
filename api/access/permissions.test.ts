import { expect, test } from 'vitest';
import { permissions } from './permissions.ts';
import { permissionsPage } from './permissions-page.ts';

test('the page in the documentation shows the table as it is', async () => {
  await expect(permissionsPage(permissions)).toMatchFileSnapshot('../../docs/permissions.md');
});
