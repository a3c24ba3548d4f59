import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../engine/testing/free-port.ts';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';

export const TOKEN = 'token-of-the-tests-1234';

const LOOK_MS = 25;

/** The pause between two looks at a server that is at work: looking without a pause takes a processor from it. */
export const beforeNextLook = (): Promise<void> => sleep(LOOK_MS);

/** A Homeostat as an operator runs it: its own process, configured by the environment. */
export class HomeostatProcess implements AsyncDisposable {
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly folder: string;
  /** The environment of the process, for programs that a test starts beside it. */
  readonly environment: Record<string, string>;
  /** Another main script in place of the shipped one; it takes orders through {@link ask}. */
  readonly #script: string | null;
  /** The checkout whose built program it is. */
  checkout = PACKAGE_ROOT;
  /** Options for Node itself on top of those of `npm start`, such as `--cpu-prof`. */
  nodeOptions: readonly string[] = [];
  #child: ChildProcess | null = null;
  #output = '';
  #listeners = new Set<() => void>();

  private constructor(
    folder: string,
    ports: { http: number; mqtt: number },
    environment: Record<string, string>,
    script: string | null,
  ) {
    this.#script = script;
    this.folder = folder;
    this.httpPort = ports.http;
    this.mqttPort = ports.mqtt;
    this.environment = {
      PATH: process.env.PATH ?? '',
      DATA_DIR: folder,
      HTTP_PORT: String(ports.http),
      ADMIN_TOKEN: TOKEN,
      DEMO: 'off',
      TIMEZONE: 'Europe/Berlin',
      // Tests read a path again and again until it is as wanted
      LIMIT_SIGN_IN_PER_MINUTE: '0',
      LIMIT_REQUESTS_PER_MINUTE: '0',
      LIMIT_HOOK_REQUESTS_PER_MINUTE: '0',
      LIMIT_HOME_REQUESTS_PER_MINUTE: '0',
      // An external broker has ports of its own
      ...(environment.MQTT_URL === undefined && { MQTT_PORT: String(ports.mqtt) }),
      ...environment,
    };
  }

  /** @param environment on top of a folder and ports of its own; an empty value unsets */
  static async start(environment: Record<string, string> = {}): Promise<HomeostatProcess> {
    const started = await HomeostatProcess.prepare(environment);
    await started.start();
    return started;
  }

  static async prepare(
    environment: Record<string, string> = {},
    script: string | null = null,
  ): Promise<HomeostatProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'homeostat-e2e-'));
    const ports = { http: await freePort(), mqtt: await freePort() };
    return new HomeostatProcess(folder, ports, environment, script);
  }

  get url(): string {
    return `http://127.0.0.1:${this.httpPort}`;
  }
  get mqttUrl(): string {
    return this.environment.MQTT_URL ?? `mqtt://127.0.0.1:${this.mqttPort}`;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get output(): string {
    return this.#output;
  }

  /** Starts it, or starts it again on the same data. Resolves when it says that it runs. */
  async start(): Promise<void> {
    const from = this.#output.length;
    const main = fileURLToPath(new URL('dist/api/main.js', this.checkout));
    const program = this.#script === null ? [main, 'start'] : [this.#script];
    const options = [...startOptions(this.checkout), ...this.nodeOptions];
    const child = spawn(process.execPath, [...options, ...program], {
      env: this.environment,
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe', ...(this.#script === null ? [] : (['ipc'] as const))],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
        for (const look of this.#listeners) look();
      });
    }
    await Promise.race([
      this.says('Homeostat is running', from),
      once(child, 'exit').then(([code]) => {
        throw new Error(`ended with ${String(code)}:\n${this.#output.slice(from)}`);
      }),
    ]);
  }

  /** Resolves when the output holds the text, after position `from`. */
  says(text: string, from = 0): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.#output.slice(from).includes(text)) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** Gives an order to a script that takes some. Resolves with its answer, one order at a time. */
  async ask<Answer>(order: object): Promise<Answer> {
    const child = this.#child;
    if (!child) throw new Error('it does not run');
    const either = new AbortController();
    const ended = once(child, 'exit', either).then(() => {
      throw new Error('it ended before it answered');
    });
    const answered = once(child, 'message', either) as Promise<[Answer]>;
    child.send(order, () => {}); // a child that has just ended is noticed by its exit
    try {
      return (await Promise.race([answered, ended]))[0];
    } finally {
      either.abort();
    }
  }

  /** Resolves when it has ended, for whatever reason. */
  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const child = this.#child;
    if (!child) return { code: null, signal: null };
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return { code: child.exitCode, signal: child.signalCode };
  }

  /** Stops it as a debugger or an overcommitted host does. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** Ends it as an operator does. @returns the exit code */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Ends it as a power cut does. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null)
      return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** @throws Error for an answer that is not 2xx, with its body */
  async get<T = Record<string, unknown>>(path: string): Promise<T> {
    return this.request<T>('GET', path);
  }

  async request<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<T> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** Reads a path again and again until it is as wanted. */
  async until<T = Record<string, unknown>>(
    path: string,
    wanted: (answer: T) => boolean,
  ): Promise<T> {
    for (;;) {
      try {
        const answer = await this.get<T>(path);
        if (wanted(answer)) return answer;
      } catch (error) {
        // Not there yet: the twin comes into being with its first message
        if (!(error instanceof Error && /: (404|503) /.test(error.message))) throw error;
      }
      await beforeNextLook();
    }
  }
}

/** What `npm start` gives Node. */
function startOptions(checkout: URL): string[] {
  const text = readFileSync(new URL('package.json', checkout), 'utf8');
  const { scripts } = JSON.parse(text) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
