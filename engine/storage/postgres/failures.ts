import { EngineError, messageOf } from '../../model/errors.ts';

const FULL = new Set(['53100']);
/** The server cannot now: shutting down, starting, out of connections or memory, a standby, too slow. */
const UNAVAILABLE = new Set([
  ...[
    '53000',
    '53200',
    '53300',
    '53400',
    '57014',
    '57P01',
    '57P02',
    '57P03',
    '57P05',
    '58000',
    '58030',
  ],
  ...['25006', '25P03', '40001', '40P01', '55P03'],
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ERR_STREAM_DESTROYED'],
]);
const MISCONFIGURED = new Set(['28P01', '28000', '3D000']);
/** Errors of the driver itself, which carry no code. */
const CONNECTION_LOST =
  /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|The server does not support SSL)/;

/** What a driver's error means to the engine: try later, or a bug, thrown as it came. */
export function postgresFailure(thrown: unknown): unknown {
  if (thrown instanceof EngineError) return thrown;
  const code = codeOf(thrown);
  if (FULL.has(code)) {
    return new EngineError('storage-full', 'the disk of the database is full', {
      cause: thrown,
      hint: 'Free some space on the database server; the engine goes on by itself.',
    });
  }
  if (UNAVAILABLE.has(code) || code.startsWith('08') || CONNECTION_LOST.test(messageOf(thrown))) {
    return new EngineError('storage-unavailable', `PostgreSQL: ${describe(thrown, code)}`, {
      cause: thrown,
      hint: 'Look whether the database server runs and can be reached; the engine goes on by itself.',
    });
  }
  if (MISCONFIGURED.has(code)) {
    return new EngineError('bad-input', `PostgreSQL refuses the connection: ${messageOf(thrown)}`, {
      cause: thrown,
      hint: 'Look at the user, password and database name in DATABASE_URL.',
    });
  }
  return thrown;
}

/** Two transactions got into each other's way and this one was undone: doing it again is safe. */
export function isCollision(thrown: unknown): boolean {
  return ['40P01', '40001'].includes(codeOf(thrown));
}

export function isLockTimeout(thrown: unknown): boolean {
  return codeOf(thrown) === '55P03';
}

/** A row of the journal for whose week there is no partition. */
export function lacksPartition(thrown: unknown): boolean {
  return codeOf(thrown) === '23514' && messageOf(thrown).startsWith('no partition of relation');
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
}

function describe(thrown: unknown, code: string): string {
  // Node reports several refused addresses as one error without a message
  const message = messageOf(thrown) || 'cannot connect';
  return code && !message.includes(code) ? `${message} (${code})` : message;
}
