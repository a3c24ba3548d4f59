import { expect, test } from 'vitest';
import { permissionsPage } from './permissions-page.ts';

test('the page in the documentation shows the table as it is', async () => {
  await expect(permissionsPage()).toMatchFileSnapshot('../docs/permissions.md');
});
