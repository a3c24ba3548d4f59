/** Somebody who registers at a server, as the internet sends them. */
import type { HomeostatProcess } from './homeostat-process.ts';

export interface Person {
  token: string;
  /** @returns status and body, whatever they are */
  ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** Registers with the code of the letter that the server prints. */
export async function register(homeostat: HomeostatProcess, email: string): Promise<Person> {
  const from = homeostat.output.length;
  const at = asking(homeostat, null);
  const password = 'correct horse battery staple';
  const { body } = await at('POST', '/v1/auth/register', { email, password, name: 'Somebody' });
  await homeostat.says('Your code is ', from);
  const code = /Your code is (\d{6})/.exec(homeostat.output.slice(from))?.[1];
  const { registration } = body;
  const verified = await at('POST', '/v1/auth/verify', { registration, code });
  const token = (verified.body.tokens as { accessToken: string }).accessToken;
  return { token, ask: asking(homeostat, token) };
}

function asking({ url }: HomeostatProcess, token: string | null): Person['ask'] {
  return async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) };
  };
}
