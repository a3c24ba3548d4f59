/** `homeostat kit …` at a server. */
import { readFileSync } from 'node:fs';
import { ask, lineOf, type Server, say, type Told } from '../../contract/at-server.ts';
import { parseText } from '../language/yaml.ts';

interface Given extends Server {
  /** `name=value`, each. */
  input: string[];
}
interface Checked {
  ok: boolean;
  kit: string | null;
  problems: Told[];
  parts: { id: string }[];
}
interface Kit {
  id: string;
  version: string | null;
  phase: string;
  parts: { id: string; kind: string; state: string }[];
}

export async function checkKit(file: string, given: Given): Promise<void> {
  const { ok, parts } = await checked(file, given);
  if (ok) say(`${file}: it could be installed: ${parts.map(({ id }) => id).join(', ')}`);
}

export async function installKit(file: string, given: Given): Promise<void> {
  const { ok, kit } = await checked(file, given);
  if (!ok || kit === null) return;
  const put = await ask<Kit>(given, 'PUT', `kits/${kit}`, bodyOf(file, given));
  say(`${put.id} ${put.version} is installed in ${given.home}`);
  for (const { id, kind, state } of put.parts) say(`  ${id} (${kind}): ${state}`);
}

export async function removeKit(
  id: string,
  { force, ...server }: Server & { force: boolean },
): Promise<void> {
  await ask(server, 'DELETE', `kits/${encodeURIComponent(id)}?force=${force}`);
  say(`${id} is gone from ${server.home}`);
}

export async function listKits(server: Server): Promise<void> {
  const { items } = await ask<{ items: Kit[] }>(server, 'GET', 'kits?limit=200');
  for (const { id, version, phase } of items) say(`${id}  ${version}  ${phase}`);
}

/** Exit code 1 for a kit that cannot be installed. */
async function checked(file: string, given: Given): Promise<Checked> {
  const answer = await ask<Checked>(given, 'POST', 'kits/check', bodyOf(file, given));
  for (const problem of answer.problems) say(lineOf(file, problem));
  if (!answer.ok) process.exitCode = 1;
  return answer;
}

function bodyOf(file: string, { input }: Given): object {
  return { source: readFileSync(file, 'utf8'), inputs: inputsIn(input) };
}

/** Values are YAML: `damp=70` is a number, `lamps=[a, b]` a list. */
function inputsIn(given: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    given.map((text): [string, unknown] => {
      const [name = '', ...rest] = text.split('=');
      const value = rest.join('=');
      return [name, parseText(value).value?.given ?? value];
    }),
  );
}
