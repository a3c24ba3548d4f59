/** When and how often open commands were sent: the outbox knows it, their twins do not. */
import type { IntentRow, IntentWrite } from '../model/rows.ts';

export interface Send {
  /** Its destination had taken it before the engine started: when and how often is not known. */
  isOld?: true;
  /** When its destination had taken it. Null: not yet, or not known, as it was before the engine started. */
  sentAt: number | null;
  /** When it was last handed to its destination; null: it did not take it. */
  handedAt: number | null;
  attempts: number;
}

export const SENT_BEFORE: Send = { sentAt: null, handedAt: null, attempts: 0, isOld: true };
export const NOT_YET: Send = { sentAt: null, handedAt: null, attempts: 0 };

/** What became of a command, as the row of an ended one has it. */
export function sendOfRow({ sentAt, attempts }: IntentRow): Send {
  return { sentAt, handedAt: sentAt, attempts };
}

/** Beyond so many, those whose time is over are looked for: each time that there are twice as many as were left. */
const MANY = 10_000;
/** How long a command whose time is over is remembered: until its row is written. */
const GRACE_MS = 60_000;

export class Sends {
  readonly #sends = new Map<string, Send & { expiresAt: number }>();
  #sweepAt = MANY;

  of(id: string): Send {
    return this.#sends.get(id) ?? NOT_YET;
  }

  /** Whether something is known of it: this engine had it under way. */
  has(id: string): boolean {
    return this.#sends.has(id);
  }

  /** It has expired before it could leave. */
  dropped(id: string, expiresAt: number): void {
    if (this.#sends.size >= this.#sweepAt) this.#forgetOver(expiresAt);
    if (!this.#sends.has(id)) this.#sends.set(id, { ...NOT_YET, expiresAt });
  }

  /** It is handed to its destination for the `attempts`-th time. */
  sending(id: string, attempts: number, at: number, expiresAt: number): void {
    if (this.#sends.size >= this.#sweepAt) this.#forgetOver(at);
    this.#sends.set(id, { sentAt: null, handedAt: at, attempts, expiresAt });
  }

  sent(id: string, at: number): void {
    const send = this.#sends.get(id);
    if (send) send.sentAt = at;
  }

  /** It has not left the house. */
  unsent(id: string): void {
    const send = this.#sends.get(id);
    if (send) send.handedAt = null;
  }

  forget(ids: Iterable<string>): void {
    for (const id of ids) this.#sends.delete(id);
  }

  /** Forgets the commands of a twin, or of a home, that has been deleted. */
  forgetOf({ home, twin }: { home: string; twin?: string }): void {
    const prefix = twin === undefined ? `${home}/` : `${home}/${twin}@`;
    for (const id of this.#sends.keys()) if (id.startsWith(prefix)) this.#sends.delete(id);
  }

  #forgetOver(at: number): void {
    for (const [id, { expiresAt }] of this.#sends) {
      if (expiresAt + GRACE_MS < at) this.#sends.delete(id);
    }
    this.#sweepAt = Math.max(MANY, this.#sends.size * 2);
  }
}

/** An intent as it is told and stored: with what the outbox knows of it. */
export function shown(intent: IntentWrite, send: Send): IntentRow {
  // Its device has it, although its destination has not said so yet
  const sentAt = send.sentAt ?? (intent.ackedAt === null ? null : send.handedAt);
  const isSent = sentAt !== null || send.isOld === true;
  const status = intent.status === 'pending' && isSent ? 'sent' : intent.status;
  return { ...intent, status, sentAt, attempts: send.attempts };
}
