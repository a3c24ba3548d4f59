import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which the tests may create databases. */
    postgresUrl: string;
  }
}

/**
 * vitest globalSetup: one real PostgreSQL for the whole run, on a free port and in a temporary
 * folder. `TEST_DATABASE_URL` names a server to use instead; its user must be allowed to create
 * databases. Tests get their own database from `postgres.ts`.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    project.provide('postgresUrl', given);
    return async () => {};
  }
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return async () => server[Symbol.asyncDispose]();
}
