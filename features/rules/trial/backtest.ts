/**
 * A draft of a rule on what has happened: what it would have done, and what the version that is live would
 * have. Both are run anew, on the same record; nothing is sent, and nothing that they do changes the record.
 */
import {
  type AnyEffect,
  type Pause,
  pauseOf,
  type Reader,
  SoloTwin,
} from '../../../engine/index.ts';
import type { EventData, Facts, Json, JsonObject, Read } from '../../../engine/kind.ts';
import type { Context } from '../kind/context.ts';
import { onObserved } from '../kind/observing.ts';
import { type Program, programOf } from '../kind/program.ts';
import { rule } from '../kind/rule.ts';
import type { Definition } from '../rule-definition.ts';
import { historyOf, type Span } from './history.ts';
import { watchedBy } from './watched.ts';

/** Something that a rule did. */
export interface Deed {
  /** Epoch ms. */
  at: number;
  type: 'set' | 'release' | 'command' | 'send' | 'alert' | 'clear' | 'notify' | 'webhook';
  /** What was done, in one line, such as `lamp {"on":true}`. */
  what: string;
}

export interface Verdict {
  /** Runs that started. */
  runs: number;
  failed: number;
  deeds: Deed[];
}

export interface Backtest {
  span: Span;
  /** Turns of the past that the rule watched. */
  turns: number;
  draft: Verdict;
  /** The verdict of the version that is live; null: there is none. */
  live: Verdict | null;
  /** What the draft does and the live version does not, and the other way round. */
  more: Deed[];
  fewer: Deed[];
}

/**
 * @param live the definition that is live now; null: none is
 * @throws EngineError `state-unreadable` where the journal does not reach back so far
 */
export async function backtest(
  reader: Reader,
  given: { home: string; timezone: string; draft: Definition; live: Definition | null; span: Span },
): Promise<Backtest> {
  const { home, timezone, draft, live, span } = given;
  const trials = [draft, ...(live ? [live] : [])].map(
    (definition) => new Trial(reader, definition, { home, timezone, now: span.from }),
  );
  const twins = new Set<string>();
  for (const { program } of trials) {
    for (const twin of await watchedBy(reader, home, draft.rule, program)) twins.add(twin);
  }
  let turns = 0;
  for await (const happening of historyOf(reader, home, [...twins].sort(), span)) {
    turns++;
    for (const trial of trials) {
      await trial.passTo(happening.seen.receivedAt, happening.factsBefore);
      trial.see(happening.seen, happening.facts);
    }
  }
  const verdicts: Verdict[] = [];
  for (const trial of trials) verdicts.push(await trial.end(span.to));
  const [verdict, ofLive] = verdicts as [Verdict, Verdict?];
  return {
    span,
    turns,
    draft: verdict,
    live: ofLive ?? null,
    more: ofLive ? without(verdict.deeds, ofLive.deeds) : verdict.deeds,
    fewer: ofLive ? without(ofLive.deeds, verdict.deeds) : [],
  };
}

/** No twin of the record has such an id: what recorded rules caused is not taken for this one's. */
const TRIAL_TWIN = 'trial~';

/** A rule that lives through a record. */
class Trial {
  readonly program: Program;
  readonly #pause: Pause;
  readonly #solo: SoloTwin;
  readonly #deeds: Deed[] = [];
  #facts: (reads: readonly Read[]) => Facts = () => ({});

  constructor(
    reader: Reader,
    definition: Definition,
    where: { home: string; timezone: string; now: number },
  ) {
    this.#pause = pauseOf(reader);
    this.program = programOf(definition);
    const made = { ...where, twin: `${TRIAL_TWIN}${definition.rule}`, room: null };
    this.#solo = new SoloTwin(rule, made, ({ journal }) => {
      this.#deeds.push(...deedsOf(journal.effects, journal.receivedAt));
    });
    this.#solo.facts = () => this.#facts(this.program.reads);
    const event = { type: 'rule.defined', definition: definition as unknown as Json, source: null };
    this.#solo.send(event, { source: 'engine' });
  }

  /** Lets time pass; clocks and waits come to their moment. */
  async passTo(at: number, facts: (reads: readonly Read[]) => Facts): Promise<void> {
    this.#facts = facts;
    await this.#advanceTo(at);
    this.#confirm();
  }

  see(seen: Parameters<typeof onObserved>[1], facts: (reads: readonly Read[]) => Facts): void {
    this.#facts = facts;
    const event = onObserved(this.#context, seen, () => facts(this.program.reads));
    if (event === null) return;
    this.#solo.send(event, { source: 'engine' });
    this.#confirm();
  }

  async end(at: number): Promise<Verdict> {
    await this.#advanceTo(at - 1);
    const { runs, failures } = this.#context.reported;
    return { runs, failed: failures, deeds: this.#deeds };
  }

  async #advanceTo(at: number): Promise<void> {
    while (this.#solo.advanceToDue(at)) await this.#pause();
  }

  get #context(): Context {
    return this.#solo.twin.snapshot.context as unknown as Context;
  }

  /** Commands that were never sent are taken to be confirmed at once. */
  #confirm(): void {
    for (let waiting = this.#awaited(); waiting.length > 0; waiting = this.#awaited()) {
      const event: EventData = { type: 'observed', twin: '', turn: '', outcomes: waiting };
      this.#solo.send(event, { source: 'engine' });
    }
  }

  #awaited(): JsonObject[] {
    return this.#context.memory.runs.flatMap((run) =>
      run.threads.flatMap(({ id, waiting }) =>
        waiting?.type === 'command'
          ? Array.from({ length: waiting.open }, () => ({
              run: run.id,
              thread: id,
              status: 'confirmed',
            }))
          : [],
      ),
    );
  }
}

/** What effects of a rule amount to. */
export function deedsOf(effects: readonly AnyEffect[], at: number): Deed[] {
  return effects.flatMap((effect): Deed[] => {
    switch (effect.type) {
      case 'withheld':
        return deedsOf([effect.effect], at);
      case 'tell': {
        const { type, ...data } = effect.event;
        const to = String(effect.to);
        if (type === 'desired.changed')
          return [{ at, type: 'set', what: `${to} ${JSON.stringify(data)}` }];
        if (type === 'desired.released') return [{ at, type: 'release', what: to }];
        if (type === 'command.requested') {
          return [
            {
              at,
              type: 'command',
              what: `${to} ${String(data.name)} ${JSON.stringify(data.args)}`,
            },
          ];
        }
        return [{ at, type: 'send', what: `${to} ${type} ${JSON.stringify(data)}` }];
      }
      case 'alert':
        return [
          effect.state === 'raised'
            ? { at, type: 'alert', what: `${effect.key}: ${effect.message}` }
            : { at, type: 'clear', what: effect.key },
        ];
      case 'notify':
        return [{ at, type: 'notify', what: `${effect.title}: ${effect.message}` }];
      case 'webhook': {
        const { method, url, body } = effect;
        const what = `${method} ${url}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
        return [{ at, type: 'webhook', what }];
      }
      default:
        return [];
    }
  });
}
/** Those of `some` that have no counterpart among `others`; each counterpart counts once. */
function without(some: readonly Deed[], others: readonly Deed[]): Deed[] {
  const counts = new Map<string, number>();
  for (const deed of others) counts.set(keyOf(deed), (counts.get(keyOf(deed)) ?? 0) + 1);
  return some.filter((deed) => {
    const left = counts.get(keyOf(deed)) ?? 0;
    if (left === 0) return true;
    counts.set(keyOf(deed), left - 1);
    return false;
  });
}

function keyOf({ at, type, what }: Deed): string {
  return `${at} ${type} ${what}`;
}
