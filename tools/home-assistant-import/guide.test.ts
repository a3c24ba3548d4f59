import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { importAutomations } from './home-assistant.ts';

it('the guide shows what really comes out', () => {
  const guide = readFileSync(
    new URL('../../docs/migrate-from-home-assistant.md', import.meta.url),
    'utf8',
  );
  const blocks = (language: string) =>
    [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
      ([, text]) => text ?? '',
    );
  const [automations = '', entities = '', rule] = blocks('yaml');
  const [first, second] = blocks('text');
  const files = [{ name: 'automations.yaml', text: automations }];
  expect(importAutomations(files).report).toBe(first);
  const mapped = importAutomations(files, { name: 'entities.yaml', text: entities });
  expect(mapped.report).toBe(second);
  expect(mapped.rules.find(({ file }) => file === 'evening.yaml.incomplete')?.text).toBe(rule);
});
