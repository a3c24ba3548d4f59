/** How devices say common things: when, under which id, whether they are there. */
import type { Json } from '../../engine/index.ts';
import { readJson } from './json-payload.ts';

const ISO_WITH_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/**
 * Device time in epoch ms from an ISO text with a zone or a number of ms. Anything else is no time:
 * an ISO text without a zone could be off by hours, so the receive time is nearer to the truth.
 */
export function deviceTime(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !ISO_WITH_ZONE.test(value)) return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

const MAX_ID_LENGTH = 200;

/** A sender's id as text; undefined when it gave none, null when it gave one that cannot be used. */
export function senderId(value: Json | undefined): string | undefined | null {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const id = String(value);
  return id.length <= MAX_ID_LENGTH ? id : null;
}

/** `online`/`offline` as text or as `{"state": …}` or `{"online": …}`; null for anything else. */
export function readOnline(payload: Buffer): boolean | null {
  const read = readJson(payload);
  if (!read.ok) return ofWord(payload.toString('utf8').trim());
  const { value } = read;
  if (typeof value === 'string') return ofWord(value);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  if (typeof value.online === 'boolean') return value.online;
  return typeof value.state === 'string' ? ofWord(value.state) : null;
}

function ofWord(word: string): boolean | null {
  const lower = word.toLowerCase();
  return lower === 'online' ? true : lower === 'offline' ? false : null;
}

/** `ON`/`off`/true as a boolean; undefined for anything else. */
export function onOff(value: Json | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const lower = value.toLowerCase();
  return lower === 'on' ? true : lower === 'off' ? false : undefined;
}
