import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kinds } from './catalogue.ts';
import { describeKind } from './kinds.contract.ts';

for (const kind of kinds) describeKind(kind);

describe('the catalogue', () => {
  it('holds each kind once', () => {
    const names = kinds.map(({ kind }) => kind);
    expect(new Set(names).size).toBe(names.length);
  });

  it('is documented: the README names every event, command and setting', () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    const sections = readme.split('\n## ');
    const ofAll = sections.find((text) => text.startsWith('What devices have in common')) ?? '';
    const missing = kinds.flatMap((kind) => {
      const own = sections.find((text) => text.startsWith(`\`${kind.kind}\``));
      if (own === undefined) return [`twins/README.md needs a section "## \`${kind.kind}\`"`];
      const settings = Object.keys(kind.events['settings.changed']?.shape ?? {});
      return [...Object.keys(kind.events), ...Object.keys(kind.commands), ...settings]
        .filter((word) => !`${own}${ofAll}`.includes(`\`${word}\``))
        .map((word) => `the section "${kind.kind}" of twins/README.md does not name \`${word}\``);
    });
    expect(missing).toEqual([]);
  });
});
