import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { importRules } from './import-rules.ts';

const WHOLE = `- alias: Lamp
  triggers: [{ trigger: time, at: "07:00" }]
  actions: [{ action: light.turn_on, entity_id: light.kitchen }]
`;
const HALF = WHOLE.replace('light.turn_on', 'script.x');

let folder: string;
let said: string;
const at = (name: string) => join(folder, name);
const run = (text: string, more: object = {}) => {
  writeFileSync(at('a.yaml'), text);
  importRules([at('a.yaml')], { force: false, ...more });
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
  said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
  rmSync(folder, { recursive: true });
});

describe('rules import', () => {
  it('only reports, until it is told where to write', () => {
    run(WHOLE);
    expect(said).toContain('1 of 1 automation translated completely; nothing is left to do');
    expect(said).toContain('--out <folder>');
    expect(readdirSync(folder)).toEqual(['a.yaml']);
    expect(process.exitCode ?? 0).toBe(0);
  });

  it('ends with 1 when something was not translated', () => {
    run(HALF);
    expect(process.exitCode).toBe(1);
  });

  it('writes the map of entities, and takes it back', () => {
    run(WHOLE, { writeEntities: at('e.yaml') });
    expect(() => run(WHOLE, { writeEntities: at('e.yaml') })).toThrow('already there');
    writeFileSync(
      at('e.yaml'),
      readFileSync(at('e.yaml'), 'utf8').replace('twin: kitchen', 'twin: lamp'),
    );
    run(WHOLE, { entities: at('e.yaml'), out: at('rules') });
    expect(readFileSync(at('rules/lamp-rule.yaml'), 'utf8')).toContain('twin: lamp');
  });

  it('overwrites only when it is told to, and then leaves no former version', () => {
    run(HALF, { out: at('rules') });
    run(HALF, { out: at('rules') });
    expect(() => run(WHOLE, { out: at('rules') })).toThrow('already there');
    expect(readdirSync(at('rules'))).toEqual(['lamp.yaml.incomplete']);
    run(WHOLE, { out: at('rules'), force: true });
    expect(readdirSync(at('rules'))).toEqual(['lamp.yaml']);
  });
});
