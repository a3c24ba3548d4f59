/**
 * Databases store no lone surrogates, and PostgreSQL no NUL: JavaScript strings may hold both, and
 * senders do send them. Refused, one of them would make its whole batch fail for ever; so they are
 * written in an escape and read back exactly. The escape begins with U+E000 (private use), as does
 * that character itself. Texts of everyday life are stored as they are.
 */
const MARK = '\ue000';

// with the flag u, a surrogate matches only where it stands alone
const FORBIDDEN = `[\\0${MARK}\\ud800-\\udfff]`;
const NEEDS_ESCAPE = new RegExp(FORBIDDEN, 'u');
const ESCAPE = new RegExp(FORBIDDEN, 'gu');
const ESCAPED = /\ue000([0-9a-f]{4})/g;

/** A text as a column holds it. */
export function toStored(text: string): string {
  return NEEDS_ESCAPE.test(text)
    ? text.replaceAll(ESCAPE, (character) => escaped(character))
    : text;
}

export function fromStored(text: string): string {
  if (!text.includes(MARK)) return text;
  return text.replaceAll(ESCAPED, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

// `\\.` steps over other escapes, so that the text of an escaped backslash and "u0000" is left alone
const JSON_ESCAPE = /\\u(0000|d[89a-f][0-9a-f]{2})|\\.|\ue000/g;

/** JSON text (or several, concatenated) as a JSON column holds it. */
export function toStoredJson(json: string): string {
  if (!json.includes('\\u0000') && !json.includes('\\ud') && !json.includes(MARK)) return json;
  return json.replaceAll(JSON_ESCAPE, (all, code: string | undefined) => {
    if (code !== undefined) return MARK + code;
    return all === MARK ? escaped(MARK) : all;
  });
}

export function fromStoredJson(json: string): unknown {
  return json.includes(MARK) ? unescaped(JSON.parse(json)) : JSON.parse(json);
}

/** Keys may hold what values may. */
function unescaped(value: unknown): unknown {
  if (typeof value === 'string') return fromStored(value);
  if (Array.isArray(value)) return value.map(unescaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [fromStored(key), unescaped(member)]),
  );
}

function escaped(character: string): string {
  return MARK + character.charCodeAt(0).toString(16).padStart(4, '0');
}
