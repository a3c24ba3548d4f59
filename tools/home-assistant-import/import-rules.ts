/** `homeostat rules import`: automations of Home Assistant as files of rules, without a server. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from '../../features/contract/at-server.ts';
import { importAutomations, type SourceFile } from './home-assistant.ts';

interface Given {
  entities?: string;
  writeEntities?: string;
  out?: string;
  force: boolean;
}

/** Exit code 1 when something was not translated. */
export function importRules(files: readonly string[], given: Given): void {
  const imported = importAutomations(
    files.map(read),
    given.entities === undefined ? undefined : read(given.entities),
  );
  process.stdout.write(imported.report);
  if (given.writeEntities !== undefined) {
    if (existsSync(given.writeEntities) && !given.force) throw inTheWay([given.writeEntities]);
    writeFileSync(given.writeEntities, imported.entities);
    say(`wrote ${given.writeEntities}: change what is wrong in it, and give it to --entities`);
  }
  if (given.out === undefined) say('nothing was written: --out <folder> writes the rules');
  else writeRules(given.out, imported.rules, given.force);
  if (!imported.isComplete) process.exitCode = 1;
}

function writeRules(
  folder: string,
  rules: readonly { file: string; text: string }[],
  force: boolean,
): void {
  const forms = (file: string) => {
    const whole = join(folder, file.replace(/\.incomplete$/, ''));
    return [whole, `${whole}.incomplete`];
  };
  // Somebody may have worked on it since
  const there = rules.flatMap(({ file, text }) => {
    const path = join(folder, file);
    return forms(file).filter(
      (one) => existsSync(one) && !(one === path && readFileSync(one, 'utf8') === text),
    );
  });
  if (there.length > 0 && !force) throw inTheWay(there);
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of rules) {
    for (const form of forms(file)) rmSync(form, { force: true });
    writeFileSync(join(folder, file), text);
  }
  say(`wrote ${rules.length} ${rules.length === 1 ? 'file' : 'files'} to ${folder}`);
}

function inTheWay(paths: readonly string[]): Error {
  return Object.assign(new Error(`already there: ${paths.join(', ')}`), {
    code: 'already-there',
    hint: 'Nothing was overwritten. --force does so; another folder leaves them as they are.',
  });
}

function read(name: string): SourceFile {
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (cause) {
    throw Object.assign(new Error(`${name} cannot be read`, { cause }), {
      code: 'unreadable',
      hint: cause instanceof Error ? cause.message : String(cause),
    });
  }
}
