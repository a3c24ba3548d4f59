/** Whose word counts for where a request comes from: `X-Forwarded-For` is written by anybody. */
import { isIP } from 'node:net';

export type TrustedProxies =
  /** So many in a row, whoever they are: only where nobody reaches the port past them. */
  | { hops: number }
  /** Addresses, or ranges of them: `10.0.0.0/8`. */
  | { addresses: readonly string[] };

const EVERYBODY = /^(true|yes|on|all|any|\*|.*\/0+)$/i;

export function readProxies(text: string): TrustedProxies {
  return /^\d+$/.test(text.trim())
    ? { hops: Number(text) }
    : { addresses: text.split(/[\s,]+/).filter(Boolean) };
}

/** Anybody could choose the address that the audit writes down and the limits count. */
export function includesEverybody(proxies: TrustedProxies): boolean {
  return 'addresses' in proxies && proxies.addresses.some((address) => EVERYBODY.test(address));
}

export function areAddresses(proxies: TrustedProxies): boolean {
  return 'hops' in proxies || proxies.addresses.every(isRange);
}

/** The setting as Fastify takes it. Fastify ignores a bare number of hops, so that nobody trusts them unawares. */
export function trustOf(
  proxies: TrustedProxies | null,
): false | string[] | ((address: string, hop: number) => boolean) {
  if (proxies === null) return false;
  return 'hops' in proxies ? (_address, hop) => hop < proxies.hops : [...proxies.addresses];
}

function isRange(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (!text.includes('/')) return true;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
