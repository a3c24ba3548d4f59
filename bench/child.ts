import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Order, Result } from './load/protocol.ts';

/** One of our own programs as a process of its own, which ends with us. */
abstract class Child implements AsyncDisposable {
  protected readonly process: ChildProcess;

  protected constructor(program: string, args: readonly string[]) {
    this.process = fork(new URL(program, import.meta.url), args, { stdio: 'inherit' });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** @throws Error when it ends before it says something */
  protected async message(): Promise<unknown> {
    const ended = once(this.process, 'exit').then(([code]) => {
      throw new Error(`${this.process.spawnargs[1]} ended with ${String(code)}`);
    });
    const [said] = (await Promise.race([once(this.process, 'message'), ended])) as unknown[];
    return said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }
}

/** A load generator that takes orders. */
export class LoadGenerator extends Child {
  static start(): LoadGenerator {
    return new LoadGenerator('load/generator.js', []);
  }

  /** @throws Error with what went wrong there */
  async order(order: Order): Promise<Result | null> {
    const answered = this.message();
    this.process.send(order);
    const answer = (await answered) as Answer;
    if (answer.type === 'failed') throw new Error(`load generator: ${answer.error}`);
    return answer.result;
  }

  async run(order: Omit<Order & { type: 'run' }, 'type'>): Promise<Result> {
    const result = await this.order({ type: 'run', ...order });
    if (!result) throw new Error('the load generator gave no result');
    return result;
  }
}

/** The MQTT.js client that the engine is held against. */
export class EchoClient extends Child {
  static async start(url: string): Promise<EchoClient> {
    const client = new EchoClient('peers/echo-client.js', [url]);
    await client.message();
    return client;
  }
}
