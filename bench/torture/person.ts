import { setTimeout as sleep } from 'node:timers/promises';
import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import type { Address } from '../../engine/index.ts';
import type { Model } from './model.ts';

const AGAIN_MS = 50;

/** An app that steers over REST and asks again, under the same key, until it has an answer. */
export class Person {
  /** Where the engine is just now. */
  readonly #url: () => string;
  readonly #model: Model;
  readonly #name: string;
  #count = 0;
  #given = false;

  constructor(url: () => string, model: Model, name: string) {
    this.#url = url;
    this.#model = model;
    this.#name = name;
  }

  /** Resolves when the engine has said that it is stored. */
  async toggle({ home, twin }: Address): Promise<void> {
    const key = `${this.#name}.${++this.#count}`;
    this.#model.sent({ home, twin }, key);
    while (!this.#given) {
      const status = await this.#post(`/v1/homes/${home}/twins/${twin}/events`, key, {
        type: 'toggle',
      });
      if (status !== null && status >= 400 && status < 500 && status !== 429) {
        throw new Error(`toggle of ${home}/${twin}: ${status}`);
      }
      if (status === 200) {
        this.#model.acknowledge(key);
        return;
      }
      await sleep(AGAIN_MS);
    }
  }

  /** One after the other, until {@link giveUp}. */
  async keepToggling(next: () => Address): Promise<void> {
    while (!this.#given) {
      await this.toggle(next());
      await sleep(AGAIN_MS);
    }
  }

  giveUp(): void {
    this.#given = true;
  }

  /** @returns null when there was no answer */
  async #post(path: string, key: string, body: object): Promise<number | null> {
    try {
      const answer = await fetch(this.#url() + path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return null; // not there just now
    }
  }
}
