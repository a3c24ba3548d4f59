/** Who did what. */
import { z } from 'zod';
import { iso, Moment } from '../../features/contract/moment.ts';
import { listOf } from '../../features/contract/pages.ts';
import { HomePath, QueryText } from '../../features/contract/parameters.ts';
import type { AuditEntry } from '../../identity/index.ts';
import { always, json, notFound } from '../http/answers.ts';
import type { App, RouteContext } from '../http/app.ts';
import { Refusal } from '../problem.ts';

const TAGS = ['Audit'];

const AuditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Items on a page.'),
  cursor: QueryText.optional().describe('`nextCursor` of the former page.'),
  who: QueryText.optional().describe('Only theirs: `person:<id>`, `key:<id>`, `admin`.'),
  action: QueryText.optional().describe('Only these, as docs/permissions.md names them.'),
});
const Entry = z
  .object({
    id: z.string(),
    at: Moment,
    home: z.string().nullable(),
    who: z.string(),
    address: z.string().nullable().describe('From where.'),
    action: z.string(),
    target: z.string().nullable().describe('What it was done to.'),
    outcome: z.enum(['done', 'refused', 'failed', 'alert']),
    detail: z.record(z.string(), z.unknown()).nullable(),
    correlation: z.string().describe('The id of the request in the log.'),
  })
  .meta({ id: 'AuditEntry', description: 'Something that somebody did, or was refused.' });

export function auditRoutes(app: App, { identity }: RouteContext): void {
  const list = async (home: string | null, query: z.infer<typeof AuditQuery>) => {
    const { limit, cursor, who, action } = query;
    const items = await identity.audit.list(
      home,
      { who, action },
      { limit: limit + 1, before: cursor === undefined ? null : positionOf(cursor) },
    );
    const page = items.slice(0, limit);
    const last = page.at(-1);
    const nextCursor = items.length > limit && last ? String(last.position) : null;
    return { items: page.map(toEntry), nextCursor };
  };
  const listed = { 200: json('A page of entries.', listOf(Entry)), ...always };

  app.get(
    '/audit',
    {
      config: { action: 'platform.read' },
      schema: {
        operationId: 'readWholeAudit',
        tags: TAGS,
        summary: 'Read the audit of the platform and all homes',
        description: 'Newest first.',
        querystring: AuditQuery,
        response: listed,
      },
    },
    ({ query }) => list(null, query),
  );

  app.get(
    '/homes/:home/audit',
    {
      config: { action: 'audit.read' },
      schema: {
        operationId: 'readAudit',
        tags: TAGS,
        summary: 'Read the audit of a home',
        description: 'Newest first.',
        params: HomePath,
        querystring: AuditQuery,
        response: { ...listed, ...notFound },
      },
    },
    ({ params, query }) => list(params.home, query),
  );
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new Refusal('malformed', 'this is no cursor of ours', {
    hint: 'Pass `nextCursor` of the former page, unchanged.',
  });
}

function toEntry({ position, at, ...entry }: AuditEntry): z.infer<typeof Entry> {
  return { ...entry, id: String(position), at: iso(at) };
}
