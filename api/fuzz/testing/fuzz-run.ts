/** One life of a world: requests and the passing of time, each answer held against the document. */
import fc from 'fast-check';
import { FORM } from '../../http/form-body.ts';
import type { FuzzWorld } from './fuzz-world.ts';
import type { HostileRequest } from './hostile-request.ts';
import type { GivenAnswer, OpenApiDocument } from './open-api-document.ts';
import { flawOfProblem } from './problem-rules.ts';

export type Step = { ask: HostileRequest } | { passMs: number };

export function stepsOf(request: fc.Arbitrary<HostileRequest>, most: number): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    { weight: 12, arbitrary: request.map((ask) => ({ ask })) },
    { weight: 1, arbitrary: fc.constantFrom(1, 61_000, 7_200_000).map((passMs) => ({ passMs })) },
  );
  return fc.array(step, { minLength: 1, maxLength: most, size: 'max' });
}

/** @throws what is wrong with an answer, or afterwards with the world */
export async function live(
  world: FuzzWorld,
  document: OpenApiDocument,
  steps: readonly Step[],
): Promise<void> {
  for (const step of steps) await take(world, document, step);
  await world.assertWhole();
}

/** @throws what is wrong with the answer */
async function take(world: FuzzWorld, document: OpenApiDocument, step: Step): Promise<void> {
  if ('passMs' in step) {
    world.bench.clock.advance(step.passMs);
    await world.bench.engine.idle();
    return;
  }
  const { ask } = step;
  const url = await world.urlOf(ask);
  const answer = await world.send(ask, url);
  const flaw = flawOf(document, ask, answer) ?? (await flawOfNextPage(world, url, ask, answer));
  if (flaw === null) return;
  const { operation, headers, body } = ask;
  const asked = JSON.stringify({ headers, body }).slice(0, 2_000);
  throw new Error(`${operation.method} ${url}\n${asked}\n→ ${flaw}`);
}

function flawOf(
  document: OpenApiDocument,
  request: HostileRequest,
  answer: GivenAnswer,
): string | null {
  const { operation, head } = request;
  if (answer.status >= 500) return `${answer.status}: ${answer.text}`;
  return (
    document.flawOf(operation, answer, head) ??
    (head ? null : flawOfProblem(answer)) ??
    flawOfBodyCheck(document, request, answer)
  );
}

/** The server must refuse the bodies that the document refuses, and no others. */
function flawOfBodyCheck(
  document: OpenApiDocument,
  { operation, body }: HostileRequest,
  answer: GivenAnswer,
): string | null {
  // What a GET carries is not read, and a form is no JSON
  if (!body || body.text === '' || operation.method === 'GET' || body.type === FORM) return null;
  const value = parsed(body.text);
  if (value === undefined) return answer.status < 400 ? 'a body that is no JSON was taken' : null;
  const allowed = document.allowsBody(operation, body.type, value);
  if (allowed === false && answer.status < 400) return 'the document refuses this body';
  const { errors = [] } = answer.status === 400 ? (JSON.parse(answer.text) as Refused) : {};
  const refused = errors.find(({ path }) => path === 'body' || path.startsWith('body.'));
  return allowed === true && refused ? `the document allows this body: ${answer.text}` : null;
}

interface Refused {
  errors?: { path: string; message: string }[];
}

function parsed(text: string): unknown {
  try {
    // RFC 8259 §8.1 lets a reader ignore a byte order mark
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

/** A cursor that a page gave out must lead on. */
async function flawOfNextPage(
  world: FuzzWorld,
  url: string,
  request: HostileRequest,
  { status, text }: GivenAnswer,
): Promise<string | null> {
  if (request.head || status !== 200 || !text.includes('"nextCursor"')) return null;
  const { nextCursor } = JSON.parse(text) as { nextCursor: string | null };
  if (nextCursor === null) return null;
  const path = url.split('?')[0] as string;
  const next = `${path}?limit=200&cursor=${encodeURIComponent(nextCursor)}`;
  const answer = await world.send({ ...request, head: false, body: null }, next);
  return answer.status === 200 ? null : `its nextCursor gives ${answer.text}`;
}
