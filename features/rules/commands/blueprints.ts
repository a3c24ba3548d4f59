/** `homeostat rules blueprint …` at a server. */
import { readFileSync } from 'node:fs';
import { ask, lineOf, type Server, say, type Told } from '../../contract/at-server.ts';
import { parseText } from '../language/yaml.ts';

interface Blueprint {
  id: string;
  edition: number;
  rules: object[];
  problems: Told[];
}

export async function putBlueprint(file: string, server: Server): Promise<void> {
  const source = readFileSync(file, 'utf8');
  const id = idIn(source, 'blueprint') ?? 'unnamed';
  const put = await ask<Blueprint>(server, 'PUT', `blueprints/${id}`, { source });
  for (const problem of put.problems) say(lineOf(file, problem));
  say(`${put.id} is in ${server.home} (edition ${put.edition}, ${put.rules.length} rules)`);
}

export async function listBlueprints(server: Server): Promise<void> {
  const { items } = await ask<{ items: Blueprint[] }>(server, 'GET', 'blueprints?limit=200');
  for (const { id } of items) {
    const { edition, rules } = await ask<Blueprint>(server, 'GET', `blueprints/${id}`);
    say(`${id}  edition ${edition}  ${rules.length} rules`);
  }
}

export async function removeBlueprint(
  id: string,
  { detach, ...server }: Server & { detach: boolean },
): Promise<void> {
  await ask(server, 'DELETE', `blueprints/${encodeURIComponent(id)}?detach=${detach}`);
  say(`${id} is gone from ${server.home}`);
}

/** What a text calls itself; what else it is the server says. */
function idIn(source: string, key: string): string | null {
  const { value } = parseText(source);
  const given = value?.given;
  if (typeof given !== 'object' || given === null) return null;
  const id = (given as Record<string, unknown>)[key];
  return typeof id === 'string' ? encodeURIComponent(id) : null;
}
