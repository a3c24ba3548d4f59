import { spawn } from 'node:child_process';
import { once } from 'node:events';

const MAIN = new URL('../../dist/api/main.js', import.meta.url).pathname;

/** Runs the command line to its end, by its own name as `npx homeostat` does. */
export async function run(args: string[], environment: Record<string, string> = {}) {
  const child = spawn(MAIN, args, {
    env: { PATH: process.env.PATH ?? '', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}
