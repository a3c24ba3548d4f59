/** Comma-separated values, as RFC 4180 has them, for answers that are tables. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Json } from '../../engine/index.ts';

export type Cell = string | number | boolean | null;

/** An answer as CSV, beside its JSON. */
export const csvContent = { 'text/csv': { schema: z.string() } };

/** Whether who asks would rather have CSV than JSON. */
export function asksForCsv({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const { accept = '' } = headers;
  return weightOf(accept, 'text/csv') > weightOf(accept, 'application/json');
}

/** An answer that is a table with its head. */
export function csvOf(
  reply: Pick<FastifyReply, 'type'>,
  head: readonly string[],
  rows: Iterable<readonly Cell[]>,
): string {
  reply.type('text/csv; charset=utf-8');
  return [head, ...rows].map((row) => `${row.map(textOf).join(',')}\r\n`).join('');
}

/** A value of any shape as one cell. */
export function cellOf(value: Json): Cell {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** How much somebody wants a media type that is named as such, from 0 (not at all) to 1. */
function weightOf(accept: string, type: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const wanted = weight === undefined ? 1 : Number(weight.slice(2));
    return Number.isFinite(wanted) ? wanted : 0;
  }
  return 0;
}

/** A text that a spreadsheet would take for a formula is marked as a text: devices may say anything. */
function textOf(cell: Cell): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell);
  const text = /^[=+\-@\t\r\n＝＋－＠]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
