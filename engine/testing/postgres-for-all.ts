import { randomUUID } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { openPostgres } from '../storage/postgres/open.ts';
import { runOn } from './postgres.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which the tests may create databases. */
    postgresUrl: string;
    /** A database on it that is up to date, to be copied: only tests of the migrations run them. */
    postgresTemplate: string;
  }
}

/**
 * vitest globalSetup: one real PostgreSQL for the whole run, on a free port and in a temporary
 * folder. `TEST_DATABASE_URL` names a server to use instead; its user must be allowed to create
 * databases. Tests get their own database from `postgres.ts`.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { url: given } : await startPostgres();
  const template = `homeostat_template_${randomUUID().replaceAll('-', '')}`;
  await runOn(server.url, `CREATE DATABASE ${template} ENCODING 'UTF8' TEMPLATE template0`);
  const url = new URL(server.url);
  url.pathname = `/${template}`;
  const storage = await openPostgres(url.href, { deadLettersPerHome: 1 });
  await storage[Symbol.asyncDispose]();
  project.provide('postgresUrl', server.url);
  project.provide('postgresTemplate', template);
  return async () => {
    await runOn(server.url, `DROP DATABASE ${template} WITH (FORCE)`);
    if (Symbol.asyncDispose in server) await server[Symbol.asyncDispose]();
  };
}
