import { type HomeostatProcess, TOKEN } from '../api/e2e/homeostat-process.ts';

/** A number that the engine tells about itself; 0 while it tells none of this name. */
export async function gauge(engine: HomeostatProcess, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${engine.url}/metrics`, { headers });
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await answer.text())?.[1] ?? 0);
}
