/** Runs a file of tests, each in a home of its own. */
import { type AnyKind, messageOf } from '../../../engine/index.ts';
import type { EventData, Json, JsonObject } from '../../../engine/kind.ts';
import { readBlueprint, readInstance } from '../blueprints/blueprint-text.ts';
import { expand, type KnownBlueprint } from '../blueprints/expand.ts';
import { checkRule } from '../check/check.ts';
import { formatDuration } from '../language/duration.ts';
import { type Problem, printProblem } from '../language/problem.ts';
import { readText } from '../language/read.ts';
import {
  type Expectation,
  type Step,
  type TestCase,
  type TestFile,
  testFile,
} from '../language/test-file.ts';
import { type Definition, readRule } from '../rule-definition.ts';
import { Rehearsal } from './rehearsal.ts';

export interface TestOutcome {
  test: string;
  /** Null: it passed. */
  failure: string | null;
}

/** A winter's evening, when a test does not say otherwise. */
const START = '2026-01-05 12:00';
const DAY_MINUTES = 24 * 60;

/**
 * @param text of the file
 * @param load the text of a rule file that it names; throws where there is none
 */
export async function runTests(
  text: string,
  load: (path: string) => string,
  kinds: readonly AnyKind[],
): Promise<TestOutcome[]> {
  const { value: file, problems } = readText(text, testFile);
  if (!file) return [{ test: 'the file', failure: problems.map(printProblem).join('\n') }];
  const outcomes: TestOutcome[] = [];
  for (const one of file.tests) {
    outcomes.push({ test: one.test, failure: await failureOf(one, file, load, kinds) });
  }
  return outcomes;
}

async function failureOf(
  test: TestCase,
  file: TestFile,
  load: (path: string) => string,
  kinds: readonly AnyKind[],
): Promise<string | null> {
  const start = momentOf(test.at ?? START, file.timezone);
  await using home = await Rehearsal.open(kinds, file.timezone, start);
  try {
    await home.furnish({ ...file.twins, ...test.twins });
    const flaws = await define(file, home, load);
    if (flaws.length > 0) return flaws.join('\n');
    await home.takeDeeds();
    for (const [at, step] of test.steps.entries()) {
      const failure = await take(step, home, file.timezone);
      if (failure !== null) {
        const passed = formatDuration(home.clock.now() - start);
        return `step ${at + 1}, ${passed} after the start: ${failure}`;
      }
    }
    return null;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** Makes the rules of the file live. @returns what is wrong with them */
async function define(
  { blueprints: paths, rules }: TestFile,
  home: Rehearsal,
  load: (path: string) => string,
): Promise<string[]> {
  const blueprints = new Map<string, KnownBlueprint>();
  for (const path of paths) {
    const { value, locate, problems } = readBlueprint(load(path));
    if (!value) return problems.filter(isError).map((one) => `${path}:${printProblem(one)}`);
    blueprints.set(value.blueprint, { definition: value, edition: 1, locate });
  }
  for (const path of rules) {
    const source = load(path);
    const { definition, problems } = await readAmong(source, blueprints, home);
    const wrong = problems.filter(isError);
    if (wrong.length > 0) return wrong.map((one) => `${path}:${printProblem(one)}`);
    if (definition) await home.define(definition, source);
  }
  return [];
}

async function readAmong(
  source: string,
  blueprints: ReadonlyMap<string, KnownBlueprint>,
  home: Rehearsal,
): Promise<{ definition: Definition | null; problems: Problem[] }> {
  const snapshot = await home.snapshot();
  const made = readInstance(source);
  if (made?.value) return expand(made.value, blueprints, snapshot, made.locate);
  const { value, problems, locate } = made ?? readRule(source);
  if (!value) return { definition: null, problems };
  return { definition: value, problems: checkRule(value, snapshot, locate) };
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

async function take(step: Step, home: Rehearsal, timezone: string): Promise<string | null> {
  if ('report' in step) {
    for (const [twin, report] of Object.entries(step.report))
      await home.report(twin, report as JsonObject);
  } else if ('desire' in step) {
    for (const [twin, desired] of Object.entries(step.desire))
      await home.desire(twin, desired as JsonObject);
  } else if ('event' in step) {
    const { twin, ...event } = step.event;
    await home.event(twin, event as unknown as EventData);
  } else if ('pass' in step) await home.pass(step.pass);
  else if ('until' in step) await home.pass(msUntil(step.until, home.clock.now(), timezone));
  else if ('webhook' in step) {
    const { hook, body } = step.webhook;
    await home.message({ type: 'webhook.called', hook, body: body as Json });
  } else if ('start' in step) await home.message({ type: 'engine.started' });
  else if ('run' in step) await home.event(step.run, { type: 'run' });
  else return await differenceFrom(step.expect, home);
  return null;
}

async function differenceFrom(wanted: Expectation, home: Rehearsal): Promise<string | null> {
  const found: string[] = [];
  for (const [twin, aspects] of Object.entries(wanted.twins ?? {})) {
    const reading = await home.reading(twin);
    for (const [aspect, value] of Object.entries(aspects)) {
      const is = reading[aspect as keyof typeof reading];
      if (!holds(is, value as Json))
        found.push(`${aspect} of ${twin} is ${show(is)}, expected ${show(value)}`);
    }
  }
  for (const [rule, runs] of Object.entries(wanted.runs ?? {})) {
    const { reported } = await home.reading(rule);
    if (reported.runs !== runs)
      found.push(`${rule} has run ${show(reported.runs)} times, expected ${runs}`);
  }
  const deeds = await home.takeDeeds();
  for (const word of ['did', 'commands'] as const) {
    const expected = wanted[word];
    if (expected && show(expected) !== show(deeds[word])) {
      found.push(`${word} ${list(deeds[word])}, expected ${list(expected)}`);
    }
  }
  if (wanted.alerts) {
    const alerts = await home.alerts();
    if (show(alerts) !== show([...wanted.alerts].sort()))
      found.push(`alerts are ${list(alerts)}, expected ${list(wanted.alerts)}`);
  }
  return found.length === 0 ? null : found.join('; ');
}

/** Whether a value is as wanted; of objects only the wanted members count. */
function holds(is: Json | undefined, wanted: Json): boolean {
  if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
    return (
      typeof is === 'object' &&
      is !== null &&
      !Array.isArray(is) &&
      Object.entries(wanted).every(([key, value]) => holds(is[key], value))
    );
  }
  return show(is) === show(wanted);
}

/** Epoch ms of a local time. */
function momentOf(text: string, timezone: string): number {
  const asUtc = Date.parse(`${text.replace(' ', 'T')}:00Z`);
  // Of the offset before and after, one is right
  const offset = (at: number) => {
    const parts = new Intl.DateTimeFormat('sv-SE', {
      timeZone: timezone,
      dateStyle: 'short',
      timeStyle: 'medium',
    }).format(at);
    return Date.parse(`${parts.replace(' ', 'T')}Z`) - at;
  };
  const first = asUtc - offset(asUtc);
  return asUtc - offset(first);
}

function msUntil(time: string, now: number, timezone: string): number {
  const local = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
  }).format(now);
  const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
  const ahead = (minutes(time) - minutes(local) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  return ahead * 60_000 - (now % 60_000);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? 'nothing' : texts.join(', ');
}
