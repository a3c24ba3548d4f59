/** `homeostat new kind`: a kind to begin with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, isKindName } from '../../engine/index.ts';
import { builtInKinds } from '../kinds/built-in.ts';
import { kindSource, testSource } from './kind-template.ts';

/**
 * Writes `<dir>/<name>/<name>.ts` and its test; overwrites nothing.
 * @throws EngineError `bad-input` for the name, `conflict` where the folder is there already
 */
export function newKind(name: string, { dir, js }: { dir: string; js: boolean }): void {
  assertKindName(name);
  const folder = join(dir, name);
  const template = { name, isTyped: !js };
  const ending = js ? 'mjs' : 'ts';
  const module = `${name}.${ending}`;
  const test = `${name}.test.${ending}`;
  mkdirSync(dir, { recursive: true });
  try {
    mkdirSync(folder);
  } catch (cause) {
    throw new EngineError('conflict', `${folder} cannot be made: there is something already`, {
      hint: 'Choose another name, or another folder with --dir.',
      cause,
    });
  }
  writeFileSync(join(folder, module), kindSource(template), { flag: 'wx' });
  writeFileSync(join(folder, test), testSource(template, module), { flag: 'wx' });
  const runner = js ? 'node --test' : 'node --import jiti/register --test';
  const lines = [
    `Made ${join(folder, module)} and ${join(folder, test)}. Change them to what your device is; then:`,
    '',
    `  try it        ${runner} ${join(folder, test)}`,
    `  start it      KINDS_DIR=${dir} npx homeostat start`,
    '  make a twin   curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\',
    `                  http://127.0.0.1:3000/v1/homes/<home>/twins -d '{"id": "my-${name}", "kind": "${name}"}'`,
    `  or let it in  mosquitto_pub -q 1 -t homeostat/<home>/${name}/my-${name}/telemetry -m '{"on": true}'`,
    '',
    'Outside of Homeostat’s own folder its test and your editor want these installed beside it:',
    '  npm install --save-dev <Homeostat’s folder> xstate zod jiti',
    'docs/kinds.md is the guide.',
    '',
  ];
  process.stdout.write(lines.join('\n'));
}

function assertKindName(name: string): void {
  if (!isKindName(name)) {
    throw new EngineError('bad-input', `"${name}" is no name of a kind`, {
      hint: 'Lower-case letters, digits and "-", beginning with a letter: door-bell.',
    });
  }
  if (name === 'index' || builtInKinds.some(({ kind }) => kind === name)) {
    throw new EngineError('bad-input', `a kind of yours cannot be called "${name}"`, {
      hint: `These names are taken: ${builtInKinds.map(({ kind }) => kind).join(', ')}, index.`,
    });
  }
}
