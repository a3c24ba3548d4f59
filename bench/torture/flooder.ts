import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';

const MAIN = fileURLToPath(new URL('dist-bench/bench/torture/flooder-main.js', PACKAGE_ROOT));

/** The device that floods (flooder-main.ts), from outside. */
export class Flooder implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(url: string, topic: string, samples: number) {
    this.#child = fork(MAIN, [url, topic, String(samples)]);
  }

  /** Resolves when it has sent everything, with the number of its samples that were acknowledged. */
  async acknowledged(): Promise<number> {
    const either = new AbortController();
    const said = once(this.#child, 'message', either) as Promise<[number]>;
    const ended = once(this.#child, 'exit', either).then(([code]) => {
      throw new Error(`the flooding device ended with ${String(code)}`);
    });
    try {
      return (await Promise.race([said, ended]))[0];
    } finally {
      either.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
