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
    for (const kind of kinds) {
      const settings = Object.keys(kind.events['settings.changed']?.shape ?? {});
      const words = [
        kind.kind,
        ...Object.keys(kind.events),
        ...Object.keys(kind.commands),
        ...settings,
      ];
      for (const word of words) expect(readme, `${kind.kind}: ${word}`).toContain(`\`${word}\``);
    }
  });
});
