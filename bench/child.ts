import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { programFile } from '../engine/program-file.ts';
import type { FollowOrder, FollowResult } from './load/followers.ts';
import type { Order, Result } from './load/protocol.ts';
import type { ReadOrder, ReadResult } from './load/reader.ts';
import type { ResumeOrder, ResumeResult } from './load/resuming.ts';

type Answer = { type: 'done'; result: unknown } | { type: 'failed'; error: string };

/** One of our own programs as a process of its own, which ends with us. */
abstract class Child implements AsyncDisposable {
  readonly #process: ChildProcess;

  protected constructor(program: string, args: readonly string[] = []) {
    this.#process = fork(programFile(`bench/${program}`), args, { stdio: 'inherit' });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  /** @throws Error when it ends before it says something */
  protected async message(): Promise<unknown> {
    const either = new AbortController();
    const ended = once(this.#process, 'exit', either).then(([code]) => {
      throw new Error(`${this.#process.spawnargs[1]} ended with ${String(code)}`);
    });
    try {
      const said = once(this.#process, 'message', either);
      return ((await Promise.race([said, ended])) as unknown[])[0];
    } finally {
      either.abort();
      ended.catch(() => {}); // aborted, or thrown already
    }
  }

  /** @throws Error with what went wrong there */
  protected async obey(order: object): Promise<unknown> {
    const answered = this.message();
    this.#process.send(order);
    const answer = (await answered) as Answer;
    if (answer.type === 'failed') throw new Error(`${this.constructor.name}: ${answer.error}`);
    return answer.result;
  }
}

/** Plays a fleet of devices. */
export class LoadGenerator extends Child {
  static start(): LoadGenerator {
    return new LoadGenerator('load/generator');
  }

  async order(order: Exclude<Order, { type: 'run' }>): Promise<void> {
    await this.obey(order);
  }

  async run(order: Omit<Order & { type: 'run' }, 'type'>): Promise<Result> {
    return (await this.obey({ type: 'run', ...order })) as Result;
  }
}

/** Asks over HTTP. */
export class Reader extends Child {
  static start(): Reader {
    return new Reader('load/reader');
  }

  async read(order: ReadOrder): Promise<ReadResult> {
    return (await this.obey(order)) as ReadResult;
  }
}

/** Follow a home over WebSocket. */
export class Followers extends Child {
  static async start(order: Omit<FollowOrder & { type: 'follow' }, 'type'>): Promise<Followers> {
    const followers = new Followers('load/followers');
    await followers.obey({ type: 'follow', ...order });
    return followers;
  }

  async count(seconds: number): Promise<FollowResult> {
    return (await this.obey({ type: 'count', seconds })) as FollowResult;
  }
}

/** Follow a home, one over each door, are cut off, and go on where they were. */
export class ResumingClients extends Child {
  static async start(
    order: Omit<ResumeOrder & { type: 'follow' }, 'type'>,
  ): Promise<ResumingClients> {
    const clients = new ResumingClients('load/resuming');
    await clients.obey({ type: 'follow', ...order });
    return clients;
  }

  async cut(everyMs: number, seconds: number): Promise<void> {
    await this.obey({ type: 'cut', everyMs, seconds });
  }

  /** @throws Error when they are not told up to these revisions in time */
  async count(revisions: Record<string, number>, withinSeconds: number): Promise<ResumeResult[]> {
    return (await this.obey({ type: 'count', revisions, withinSeconds })) as ResumeResult[];
  }
}

/** The MQTT.js client that the engine is held against. */
export class EchoClient extends Child {
  static async start(url: string): Promise<EchoClient> {
    const client = new EchoClient('peers/echo-client', [url]);
    await client.message();
    return client;
  }
}
