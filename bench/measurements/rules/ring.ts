import type { HomeostatProcess } from '../../../api/e2e/homeostat-process.ts';
import { MAX_QUICK_OF_ONE } from '../../../features/rules/work/threads.ts';
import { atOnce } from '../../at-once.ts';

/** Rules of a home, each of which sets off the next and the last the first; any report of a sensor sets off all. */
export class Ring {
  readonly #engine: HomeostatProcess;
  readonly #home: string;
  readonly #rules: number;

  /** @param home its path */
  constructor(engine: HomeostatProcess, home: string, rules: number) {
    this.#engine = engine;
    this.#home = home;
    this.#rules = rules;
  }

  /** The lamps that the rules switch: nobody answers for them. */
  async furnish(): Promise<void> {
    await atOnce(MAX_QUICK_OF_ONE, this.#rules, async (n) => {
      const id = `lamp${n}`;
      await this.#engine.request('POST', `${this.#home}/twins`, { id, kind: 'relay' });
      await this.#engine.request('PATCH', `${this.#home}/twins/${id}/desired`, { on: false });
    });
  }

  /** Makes the rules live; each has all its 60 runs at once before it. */
  async define(): Promise<void> {
    await atOnce(MAX_QUICK_OF_ONE, this.#rules, async (n) => {
      const next = `lamp${(n + 1) % this.#rules}`;
      const definition = {
        rule: `ring${n}`,
        triggers: [
          { kind: 'sensor', path: 'reported.temperature' },
          { twin: `lamp${n}`, path: 'desired.on' },
        ],
        actions: [{ set: { twin: next, desired: { on: `\${!twins.${next}.desired.on}` } } }],
      };
      await this.#engine.request('PUT', `${this.#home}/rules/ring${n}`, { definition });
    });
  }

  async forget(): Promise<void> {
    await atOnce(MAX_QUICK_OF_ONE, this.#rules, async (n) => {
      await this.#engine.request('DELETE', `${this.#home}/rules/ring${n}`);
    });
  }

  /** How often all its rules have run since they were made live. */
  async runs(): Promise<number> {
    const { items } = await this.#engine.get<{ items: { runs: number }[] }>(
      `${this.#home}/rules?limit=${this.#rules}`,
    );
    return items.reduce((sum, { runs }) => sum + runs, 0);
  }
}
