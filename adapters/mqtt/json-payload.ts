import type { Json, JsonObject } from '../../engine/index.ts';

/** A payload read, or what is wrong with it and what the device should send instead. */
export type Read<T> = { ok: true; value: T } | { ok: false; error: string; hint: string };

const MAX_PAYLOAD_BYTES = 256 * 1024;
const MAX_DEPTH = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A JSON object of at most `limit` bytes that every part of the engine can store. */
export function readObject(payload: Buffer, limit = MAX_PAYLOAD_BYTES): Read<JsonObject> {
  const read = readJson(payload, limit);
  if (!read.ok) return read;
  const { value } = read;
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return { ok: true, value };
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return bad(`the payload is ${what}, not a JSON object`, 'Send an object: {"temperature": 21.5}.');
}

/** Any JSON value, under the same limits. */
export function readJson(payload: Buffer, limit = MAX_PAYLOAD_BYTES): Read<Json> {
  if (payload.length > limit) {
    return bad(
      `the payload has ${payload.length} bytes, more than ${limit}`,
      'Send measurements, not files; split what is larger.',
    );
  }
  if (payload.length === 0)
    return bad('the payload is empty', 'Send a JSON object: {"temperature": 21.5}.');
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch {
    return bad(
      'the payload is not UTF-8',
      'Send JSON text; binary formats need a codec of their own.',
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return bad(`the payload is not JSON: ${(error as SyntaxError).message}`, hintFor(text));
  }
  const complaint = findUnstorable(parsed, 1);
  if (complaint) return { ok: false, ...complaint };
  return { ok: true, value: parsed as Json };
}

/**
 * Removes `__proto__` members and says what the engine could not store or replay: PostgreSQL
 * refuses NUL and lone surrogates in jsonb, and 1e999 parses as Infinity, which JSON cannot hold.
 */
function findUnstorable(value: unknown, depth: number): { error: string; hint: string } | null {
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? null
      : {
          error: 'a number is too large',
          hint: 'Numbers go up to 1.7e308; leave the field out instead.',
        };
  }
  if (typeof value === 'string') {
    return /\0|\p{Surrogate}/u.test(value)
      ? {
          error: 'a text holds NUL or half a character',
          hint: 'Send valid UTF-8 text without \\u0000.',
        }
      : null;
  }
  if (value === null || typeof value !== 'object') return null;
  if (depth > MAX_DEPTH) {
    return {
      error: `the payload is nested deeper than ${MAX_DEPTH} levels`,
      hint: 'Send flat objects.',
    };
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') {
      Reflect.deleteProperty(value, key);
      continue;
    }
    const complaint = findUnstorable(key, depth + 1) ?? findUnstorable(member, depth + 1);
    if (complaint) return complaint;
  }
  return null;
}

function hintFor(text: string): string {
  if (/\b(NaN|-?Infinity)\b/.test(text)) {
    return 'JSON knows no NaN or Infinity: leave the field out while the sensor has no value.';
  }
  if (/^\s*\{\s*'/.test(text) || /\b(True|False|None)\b/.test(text)) {
    return 'This looks like a printed Python dict: send json.dumps(…).';
  }
  if (/,\s*[}\]]/.test(text)) return 'Remove the comma before the closing bracket.';
  if (/^\s*[{[]/.test(text)) return 'Check for missing quotes or a message that was cut off.';
  return 'Send a JSON object: {"temperature": 21.5}.';
}

function bad(error: string, hint: string): { ok: false; error: string; hint: string } {
  return { ok: false, error, hint };
}
