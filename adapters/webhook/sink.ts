import {
  type Clock,
  type Delivery,
  type DeliveryOutcome,
  type DeliveryRow,
  type Json,
  messageOf,
  type Sink,
} from '../../engine/index.ts';
import type { Reach } from './reach.ts';
import { type Answer, type OutgoingRequest, OutOfReach, send } from './request.ts';

export interface SinkOptions {
  clock: Clock;
  reach: Reach;
  /** @returns null for a secret that the home does not have */
  secretOf: (home: string, name: string) => Promise<string | null>;
  /** Ends what is under way. */
  stopping: AbortSignal;
}

type Webhook = Delivery & { type: 'webhook' };

const SINK_NAME = 'webhook';
/** One row at a time, so that a rule's requests stay in order and a slow service holds up its own rule only. */
const PACE = { atOnce: 64, rows: 1 };
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;
const LONGEST_PAUSE_MS = 60 * 60_000;
const SECRET = /\$\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,63})\s*\}/g;
const FORM = 'application/x-www-form-urlencoded';

/** Requests of twins on their way to services outside. */
export function webhookSink(options: SinkOptions): Sink {
  return {
    name: SINK_NAME,
    takes: ['webhook'],
    pace: PACE,
    deliver: (rows) => Promise.all(rows.map((row) => deliver(row, options))),
  };
}

async function deliver(row: DeliveryRow, options: SinkOptions): Promise<DeliveryOutcome> {
  const { delivery } = row;
  if (delivery.type !== 'webhook') return refused('is no request');
  const made = await requestOf(row, delivery, options);
  if ('status' in made) return made;
  const { clock, reach, stopping } = options;
  const late = new AbortController();
  const timeoutMs = delivery.timeoutMs ?? TIMEOUT_MS;
  const alarm = clock.delay(timeoutMs, () =>
    late.abort(new Error(`no answer within ${timeoutMs / 1_000} s`)),
  );
  const signal = AbortSignal.any([late.signal, stopping]);
  try {
    const answer = await send(made, reach, signal);
    return outcomeOf(answer, delivery, clock.now());
  } catch (error) {
    if (error instanceof OutOfReach) {
      return refused(
        error.message,
        'Requests go to public addresses only. The operator names others in WEBHOOK_ALLOW; then retry this dead letter.',
      );
    }
    if (isUnsayable(error)) return refused(messageOf(error), 'Change the rule’s headers.');
    const reason = signal.aborted ? messageOf(signal.reason) : flawOf(error);
    return { status: 'retry', error: `${made.url.host}: ${reason}` };
  } finally {
    alarm[Symbol.dispose]();
  }
}

/** The request, or why there is none. */
async function requestOf(
  { home, id }: DeliveryRow,
  { method, url, headers, secretHeaders = {}, body }: Webhook,
  { secretOf }: SinkOptions,
): Promise<OutgoingRequest | DeliveryOutcome> {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (!target || !/^https?:$/.test(target.protocol) || target.username + target.password !== '') {
    return refused(
      `"${url}" is no address to call`,
      'It begins with http:// or https://, and has no name and password.',
    );
  }
  const said = { ...headers };
  for (const [name, text] of Object.entries(secretHeaders)) {
    const names = [...text.matchAll(SECRET)].map(([, secret]) => String(secret));
    const values = new Map<string, string>();
    for (const secret of names) {
      const value = await secretOf(home, secret);
      if (value === null) {
        return refused(
          `the home has no secret "${secret}", or it cannot be opened any more`,
          `PUT /v1/homes/${home}/secrets/${secret} sets it; then retry this dead letter.`,
        );
      }
      values.set(secret, value);
    }
    said[name] = text.replaceAll(SECRET, (_, secret: string) => values.get(secret) ?? '');
  }
  const type = Object.entries(said).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  const text = body === undefined ? null : textOf(body, type);
  if (text !== null && Buffer.byteLength(text) > MAX_BYTES) {
    return refused(`its body has more than ${MAX_BYTES / 1024} KiB`, 'Let the rule send less.');
  }
  return {
    method,
    url: target,
    headers: {
      'user-agent': 'Homeostat',
      accept: '*/*',
      ...(text !== null &&
        type === undefined && {
          'content-type':
            typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json',
        }),
      ...said,
      'idempotency-key': id,
    },
    body: text,
  };
}

function textOf(body: Json, type: string | undefined): string {
  if (typeof body === 'string') return body;
  const isForm =
    type?.startsWith(FORM) && typeof body === 'object' && body !== null && !Array.isArray(body);
  if (!isForm) return JSON.stringify(body);
  const fields = Object.entries(body).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return new URLSearchParams(fields).toString();
}

function outcomeOf(
  { status, retryAfter, excerpt }: Answer,
  { expect, url, secretHeaders }: Webhook,
  now: number,
): DeliveryOutcome {
  const isGood = expect ? expect.includes(status) : status >= 200 && status < 300;
  if (isGood) return { status: 'delivered' };
  // What has been sent to it may stand in its answer
  const words = excerpt !== '' && !secretHeaders ? `: ${excerpt}` : '';
  const error = `${new URL(url).host} answered ${status}${words}`;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { status: 'retry', error, afterMs: pauseOf(retryAfter, now) };
  }
  return refused(
    error,
    status >= 300 && status < 400
      ? 'Redirects are not followed: give the address that it leads to.'
      : 'Mend the rule or the service; then retry this dead letter.',
  );
}

function pauseOf(retryAfter: string | null, now: number): number {
  if (retryAfter === null) return 0;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now;
  return Math.min(LONGEST_PAUSE_MS, Math.max(0, ms || 0));
}

/**
 * What went wrong, without what the network said of it: that may name hosts and addresses behind the one that the
 * rule names, and the home's keepers read it.
 */
function flawOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return FLAWS[code] ?? (/^[A-Z][A-Z0-9_]*$/.test(code) ? `it failed (${code})` : 'it failed');
}

const FLAWS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host (ENOTFOUND)',
  EAI_AGAIN: 'the name cannot be looked up now (EAI_AGAIN)',
  ECONNREFUSED: 'it refused the connection (ECONNREFUSED)',
  ECONNRESET: 'it ended the connection (ECONNRESET)',
  ETIMEDOUT: 'it did not answer (ETIMEDOUT)',
};

/** Node refuses header values with signs that no header has. */
function isUnsayable(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error;
}

function refused(error: string, hint?: string): DeliveryOutcome {
  return { status: 'refused', error, ...(hint !== undefined && { hint }) };
}
