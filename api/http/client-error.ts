import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problemOf, Refusal } from '../problem.ts';

const STATUS: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const DETAIL: Record<number, string> = {
  431: 'the address and the headers together are larger than this server reads',
  408: 'the request did not arrive in time',
};

/** Errors of clients that have no connection (any more) over which to answer. */
const UNREACHABLE = /^(ECONNRESET|ERR_(SSL|TLS)_)/;

/** Answers bytes that are no HTTP request, for which there is no route and no reply yet. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (UNREACHABLE.test(error.code ?? '') || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS[error.code ?? ''] ?? 400;
  const refusal = new Refusal('malformed', DETAIL[status] ?? 'this is no HTTP request', { status });
  const { headers, body } = problemOf(refusal, { method: '', url: '' });
  const text = JSON.stringify(body);
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}
