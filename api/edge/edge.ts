/** What stands between the server and the world outside. */
import type { Certificate } from './certificate.ts';
import type { LimitOptions } from './limits.ts';
import type { TrustedProxies } from './proxies.ts';

export interface EdgeOptions {
  /** Null: plain HTTP. */
  certificate: Certificate | null;
  /** Null: nobody's word counts for where a request comes from. */
  trustedProxies: TrustedProxies | null;
  /** The address that people know the server by. Null: that on which it listens. */
  publicUrl: string | null;
  /** The origins of web pages that may use the API, beside our own. */
  origins: readonly string[];
  limits: LimitOptions;
}

/** Whether people reach the server by HTTPS: here, or at a proxy before it. */
export function isSecure({ certificate, publicUrl }: EdgeOptions): boolean {
  return certificate !== null || (publicUrl?.startsWith('https:') ?? false);
}
