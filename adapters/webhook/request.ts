/** One request to a service outside: to an address that has been looked at, within a time, without going elsewhere. */
import { lookup } from 'node:dns/promises';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Reach, Resolved } from './reach.ts';

export interface OutgoingRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string | null;
}

export interface Answer {
  status: number;
  /** `Retry-After`, as it came. */
  retryAfter: string | null;
  /** How its body begins. */
  excerpt: string;
}

/** The host leads to an address that rules may not reach; which one, is not for who wrote the rule. */
export class OutOfReach extends Error {}

const EXCERPT_BYTES = 500;

/**
 * @param signal ends it
 * @throws OutOfReach, and whatever the network throws
 */
export async function send(
  { method, url, headers, body }: OutgoingRequest,
  reach: Reach,
  signal: AbortSignal,
): Promise<Answer> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const resolved = await within(signal, resolve(host));
  const [address] = resolved.filter((one) => reach.may(url.hostname, port, one));
  if (!address) {
    throw new OutOfReach(`${url.host} leads to an address that rules may not reach`);
  }
  return await new Promise<Answer>((done, failed) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(
      {
        ...{ method, host, port, path: `${url.pathname}${url.search}`, signal },
        headers: {
          ...headers,
          host: url.host,
          ...(body !== null && { 'content-length': Buffer.byteLength(body) }),
        },
        // A connection of its own, to the address that was looked at: nobody can name another meanwhile
        agent: false,
        lookup: pinned(address),
      },
      (response) => {
        const { statusCode: status = 0, headers: said } = response;
        const chunks: Buffer[] = [];
        let size = 0;
        const finish = () => {
          const excerpt = Buffer.concat(chunks).toString('utf8', 0, EXCERPT_BYTES);
          done({ status, retryAfter: said['retry-after'] ?? null, excerpt: printable(excerpt) });
          // What else it says is not read
          response.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size >= EXCERPT_BYTES) finish();
        });
        // The status has come, and that is what counts
        for (const end of ['end', 'error', 'close']) response.on(end, finish);
      },
    );
    request.on('error', failed);
    request.end(body ?? undefined);
  });
}

async function resolve(host: string): Promise<Resolved[]> {
  const version = isIP(host);
  if (version !== 0) return [{ address: host, family: version as 4 | 6 }];
  const found = await lookup(host, { all: true });
  return found.map(({ address, family }) => ({ address, family: family as 4 | 6 }));
}

function pinned({ address, family }: Resolved): LookupFunction {
  return (_host, options, callback) => {
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

/** The resolver cannot be ended. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
}
