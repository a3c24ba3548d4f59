/** What commands that work at a server have in common: their options, how it is asked, and how it refuses. */
import { type Command, Option } from 'commander';

export interface Server {
  home: string;
  url: string;
  token: string;
}

/** A command below another that works in a home of a server; its action is given a {@link Server}. */
export function atServer(above: Command, name: string, description: string): Command {
  return above
    .command(name)
    .description(description)
    .requiredOption('--home <home>')
    .addOption(
      new Option('--url <url>', 'of the server')
        .env('HOMEOSTAT_URL')
        .default('http://127.0.0.1:3000'),
    )
    .addOption(
      new Option('--token <token>', 'an API key').env('HOMEOSTAT_TOKEN').makeOptionMandatory(),
    );
}

/** What is wrong with a text. */
export interface Told {
  severity: string;
  message: string;
  path: string;
  line?: number;
  column?: number;
  blueprint?: string;
}

interface Refused {
  detail?: string;
  hint?: string;
  errors?: { path: string; message: string }[];
}

/** @throws Error with what the server says is wrong */
export async function ask<Answer>(
  { url, home, token }: Server,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const answer = await fetch(`${url}/v1/homes/${encodeURIComponent(home)}/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw refusal(
      `${url} does not answer`,
      'Is the server running there? --url names another one.',
      cause,
    );
  });
  const text = await answer.text();
  const said = (text === '' ? {} : JSON.parse(text)) as Answer & Refused;
  if (answer.ok) return said;
  const { detail = `the server answers ${answer.status}`, hint = '', errors = [] } = said;
  const lines = errors.map((one) => `${one.path}: ${one.message}`);
  throw refusal(detail, [hint, ...lines].join('\n  '), null);
}

function refusal(message: string, hint: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: 'refused', hint });
}

export function lineOf(file: string, told: Told): string {
  const { severity, message, path, line, column, blueprint } = told;
  const text = blueprint === undefined ? file : `blueprint ${blueprint}`;
  const place = line === undefined ? text : `${text}:${line}:${column}`;
  return `${place}: ${severity}: ${path === '' ? '' : `${path}: `}${message}`;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
