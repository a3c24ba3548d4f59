/** What is shown once and stored as its hash: tokens, keys, device secrets, codes. */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** 256 bits: nothing to guess, so a fast hash will do. */
const SECRET_BYTES = 32;
/** The alphabet of codes, without letters that look like others. */
const CODE_LETTERS = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

/** @param prefix says what it is to people, and to tools that look for leaked secrets */
export function newSecret(prefix: string): string {
  return `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** A code for people to type: six figures. */
export function newShortCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** A code for people to read out or scan: groups of four. */
export function newLongCode(groups: number): string {
  const group = () =>
    Array.from({ length: 4 }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join('');
  return Array.from({ length: groups }, group).join('-');
}

/** Reads a code as a person types it. */
export function readLongCode(text: string): string {
  const letters = text.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
  return letters.match(/.{1,4}/g)?.join('-') ?? '';
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Compares in the same time, whatever is given. */
export function isSecret(given: string, hash: string): boolean {
  const [one, other] = [Buffer.from(hashOf(given)), Buffer.from(hash)];
  return one.length === other.length && timingSafeEqual(one, other);
}
