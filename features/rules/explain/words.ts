/** Explanations as sentences, in English and German. */
import type { Verdict } from '../conditions/judge.ts';
import type { OperandValue } from '../expressions/expression.ts';
import type { Overruling } from '../kind/reaction.ts';
import { formatDuration } from '../language/duration.ts';
import { type Language, shown } from '../language/languages.ts';
import { wordsOf } from '../triggers/index.ts';
import type { Account } from './account.ts';
import type { Link } from './chain.ts';
import type { Explanation, Near } from './explain.ts';
import { inGerman } from './german.ts';

interface Words {
  /** A moment in the home's timezone. */
  locale: string;
  ran(rule: string, at: string, why: string): string;
  refused(rule: string, at: string, why: string, reason: string): string;
  ended(outcome: string, reason: string | undefined): string;
  /** A run after a wait. */
  wentOn(at: string): string;
  checked(verdict: string): string;
  did(what: string): string;
  /** Turns before the last that are told. */
  earlier(count: number): string;
  waits(what: string): string;
  overruled(what: Overruling, until: string | null): string;
  /** The engine has disabled it. */
  stopped(rule: string, reason: string): string;
  held(text: string): string;
  failed(text: string): string;
  unknown(text: string, why: string): string;
  nothing(rule: string): string;
  never(rule: string, seen: number): string;
  disabled(rule: string): string;
  undefined(rule: string): string;
  near(index: number, near: Near, at: string): string;
  link(link: Link, at: string): string;
  because: string;
  /** What a rule says of itself in a trace. */
  phrase(text: string): string;
  outcomes: Record<string, string>;
}

const EN: Words = {
  locale: 'en-GB',
  ran: (rule, at, why) => `"${rule}" ran at ${at} because ${why}.`,
  refused: (rule, at, why, reason) =>
    `"${rule}" was set off at ${at} because ${why}, but did not run: ${reason}.`,
  ended: (outcome, reason) =>
    `The run ${EN.outcomes[outcome] ?? outcome}${reason ? `: ${reason}` : ''}.`,
  wentOn: (at) => `It went on at ${at}.`,
  checked: (verdict) => `It checked: ${verdict}.`,
  did: (what) => `It did: ${what}.`,
  earlier: (count) => `What it did before (${times(count, 'once', 'times')}) is left out.`,
  waits: (what) => `It waits: ${what}.`,
  overruled: ({ twin, keys, by }, until) =>
    `What it wants of ${twin} (${keys.join(', ')}) does not count: ${nameOf(by)} prevails${until === null ? '' : ` until ${until}`}.`,
  stopped: (rule, reason) =>
    `"${rule}" was disabled, as it cost too much again and again: ${reason}.`,
  held: (text) => `${text} was true`,
  failed: (text) => `${text} was false`,
  unknown: (text, why) => `${text} was not known (${why})`,
  nothing: (rule) =>
    `"${rule}" did nothing in this time, as none of the twins that it watches changed.`,
  never: (rule, seen) =>
    `"${rule}" did not run in this time. The twins that it watches changed ${times(seen, 'once', 'times')}.`,
  disabled: (rule) => `"${rule}" is disabled.`,
  undefined: (rule) => `"${rule}" has no definition.`,
  near: (index, near, at) =>
    `Trigger ${index + 1} did not fire: ${
      near.heldMs === undefined ? near.reason : `it held for ${formatDuration(near.heldMs)} only`
    } (${near.twin}, ${at}${near.times > 1 ? `; ${near.times} such changes` : ''}).`,
  link: ({ twin, event, principal, source }, at) =>
    `at ${at} ${twin} got "${String(event.type)}"${source.includes('/') ? ` from ${source.split('/')[1]}` : ` (${source}, ${principal})`}`,
  because: 'because',
  phrase: (text) => text,
  outcomes: {
    finished: 'finished',
    stopped: 'was stopped',
    failed: 'failed',
    restarted: 'was ended by a new one',
    replaced: 'was ended, as the rule was defined anew',
  },
};

const DE: Words = {
  locale: 'de-DE',
  ran: (rule, at, why) => `„${rule}“ lief um ${at}, weil ${why}.`,
  refused: (rule, at, why, reason) =>
    `„${rule}“ wurde um ${at} ausgelöst, weil ${why}, lief aber nicht: ${reason}.`,
  ended: (outcome, reason) =>
    `Der Lauf ${DE.outcomes[outcome] ?? outcome}${reason ? `: ${reason}` : ''}.`,
  wentOn: (at) => `Weiter ging es um ${at}.`,
  checked: (verdict) => `Geprüft: ${verdict}.`,
  did: (what) => `Getan: ${what}.`,
  earlier: (count) => `Was vorher war (${times(count, 'einmal', 'mal')}), ist ausgelassen.`,
  waits: (what) => `Gewartet wird: ${what}.`,
  overruled: ({ twin, keys, by }, until) =>
    `Was sie von ${twin} will (${keys.join(', ')}), gilt nicht: ${nameOf(by)} hat Vorrang${until === null ? '' : ` bis ${until}`}.`,
  stopped: (rule, reason) =>
    `„${rule}“ wurde ausgeschaltet, da sie immer wieder zu viel gekostet hat: ${reason}.`,
  held: (text) => `${text} war wahr`,
  failed: (text) => `${text} war falsch`,
  unknown: (text, why) => `${text} war nicht bekannt (${why})`,
  nothing: (rule) =>
    `„${rule}“ tat in dieser Zeit nichts: keiner der beobachteten Zwillinge änderte sich.`,
  never: (rule, seen) =>
    `„${rule}“ lief in dieser Zeit nicht. Die beobachteten Zwillinge änderten sich ${times(seen, 'einmal', 'mal')}.`,
  disabled: (rule) => `„${rule}“ ist ausgeschaltet.`,
  undefined: (rule) => `„${rule}“ hat keine Definition.`,
  near: (index, near, at) =>
    `Auslöser ${index + 1} löste nicht aus: ${
      near.heldMs === undefined ? inGerman(near.reason) : `hielt nur ${formatDuration(near.heldMs)}`
    } (${near.twin}, ${at}${near.times > 1 ? `; ${near.times} solche Änderungen` : ''}).`,
  link: ({ twin, event, principal, source }, at) =>
    `um ${at} bekam ${twin} „${String(event.type)}“${source.includes('/') ? ` von ${source.split('/')[1]}` : ` (${source}, ${principal})`}`,
  because: 'weil',
  phrase: inGerman,
  outcomes: {
    finished: 'kam zu seinem Ende',
    stopped: 'wurde beendet',
    failed: 'schlug fehl',
    restarted: 'wurde von einem neuen abgelöst',
    replaced: 'wurde beendet, da die Regel neu bestimmt wurde',
  },
};

const WORDS: Record<Language, Words> = { en: EN, de: DE };
/** How a turn begins that does not go on with a run. */
const OPENINGS = new Set(['started', 'refused', 'overruled']);
/** Turns that are told of a span; all of them are in its accounts. */
const MAX_TOLD = 20;

/** What a rule did in a turn, in sentences. */
export function tellAccount(
  rule: string,
  { trace, at }: Account,
  language: Language,
  timezone: string,
): string {
  const words = WORDS[language];
  const when = moment(at, words, timezone);
  const goesOn = trace.length > 0 && !trace.some(({ type }) => OPENINGS.has(type));
  const sentences = goesOn ? [words.wentOn(when)] : [];
  let verdicts: string[] = [];
  const tell = (sentence: string) => {
    sentences.push(...verdicts.map(words.checked), sentence);
    verdicts = [];
  };
  for (const step of trace) {
    switch (step.type) {
      case 'condition':
        verdicts.push(tellVerdict(step.verdict, words));
        break;
      case 'started':
        sentences.push(
          words.ran(rule, when, [wordsOf(step.hit, language), ...verdicts].join(', ')),
        );
        verdicts = [];
        break;
      case 'refused':
        sentences.push(
          words.refused(
            rule,
            when,
            wordsOf(step.hit, language),
            verdicts.at(-1) ?? words.phrase(step.reason),
          ),
        );
        verdicts = [];
        break;
      case 'overruled': {
        const until = step.until === null ? null : moment(step.until, words, timezone);
        sentences.push(words.overruled(step, until));
        break;
      }
      case 'done':
        tell(words.did(step.what));
        break;
      case 'waits':
        tell(words.waits(words.phrase(step.what)));
        break;
      case 'ended':
        tell(words.ended(step.outcome, step.reason && words.phrase(step.reason)));
        break;
      case 'disabled':
        tell(words.stopped(rule, words.phrase(step.reason)));
        break;
    }
  }
  return sentences.join(' ');
}

/** One sentence or a few that answer "why", or "why not". */
export function tellExplanation(
  explanation: Explanation,
  language: Language,
  timezone: string,
): string {
  const words = WORDS[language];
  const { rule, definition, enabled, accounts, near, seen } = explanation;
  if (!definition) return words.undefined(rule);
  const told = accounts
    .slice(-MAX_TOLD)
    .map((account) => tellAccount(rule, account, language, timezone));
  if (accounts.length > MAX_TOLD) told.unshift(words.earlier(accounts.length - MAX_TOLD));
  const misses = near.map((one) => words.near(one.trigger, one, moment(one.at, words, timezone)));
  const started = accounts.some(({ trace }) => trace.some(({ type }) => type === 'started'));
  return [
    ...(enabled ? [] : [words.disabled(rule)]),
    ...told,
    ...(started || !enabled
      ? []
      : told.length > 0
        ? []
        : [seen === 0 ? words.nothing(rule) : words.never(rule, seen)]),
    ...(started ? [] : misses),
  ].join(' ');
}

/** A chain as one sentence: the effect, because of this, because of that. */
export function tellChain(links: readonly Link[], language: Language, timezone: string): string {
  const words = WORDS[language];
  const told = links.map((link) => words.link(link, moment(link.at, words, timezone)));
  return `${capital(told.join(`, ${words.because} `))}.`;
}

function tellVerdict(verdict: Verdict, words: Words): string {
  const { text, isTrue, unknown, operands, of } = verdict;
  if (of) return of.map((one) => tellVerdict(one, words)).join(', ');
  const values = operands.filter(({ value }) => value !== undefined).map(tellOperand);
  const said = words.phrase(text);
  const detailed = values.length > 0 ? `${said} (${values.join(', ')})` : said;
  if (unknown !== undefined) return words.unknown(said, words.phrase(unknown));
  return isTrue ? words.held(detailed) : words.failed(detailed);
}

function tellOperand({ text, value }: OperandValue): string {
  return `${text.split('.').at(-1)}: ${shown(value)}`;
}

function moment(at: number, { locale }: Words, timezone: string): string {
  return new Intl.DateTimeFormat(locale, {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(at);
}

/** The twin in `home/twin`. */
function nameOf(holder: string): string {
  return holder.split('/')[1] ?? holder;
}

function times(count: number, once: string, many: string): string {
  return count === 1 ? once : `${count} ${many}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
