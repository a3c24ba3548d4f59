import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { type Clock, messageOf } from '../../engine/index.ts';
import type { AccountBook, BrokerAccount } from './authenticator.ts';
import {
  type AccountCommand,
  deletion,
  permission,
  provision,
  USERS,
} from './dynamic-security-commands.ts';
import type { MqttListener } from './signals.ts';

export interface DynamicSecurityOptions {
  /** Connects to the broker once more, apart from what devices say, under this client id. */
  connect: IClientOptions & { clientId: string };
  url: string;
  root: string;
  book: AccountBook;
  clock: Clock;
  signal: MqttListener;
}

/** What Mosquitto answers to one command. */
interface Response {
  error?: string;
  data?: unknown;
}

/** The responses, or why there are none. */
type Answer = Response[] | 'late' | 'disconnected';

const CONTROL = '$CONTROL/dynamic-security/v1';
const ANSWER_MS = 5_000;

/**
 * Keeps the accounts of Mosquitto’s dynamic security plugin like ours: one client and one role for
 * whoever speaks MQTT. A password is told when it is made, as nobody knows it later; rights and
 * deletions are put right at every connection, so that what happened while the broker was away holds.
 */
export class DynamicSecurity implements AsyncDisposable {
  readonly #options: DynamicSecurityOptions;
  readonly #client: MqttClient;
  readonly #listening: Disposable;
  /** Requests that wait for their answer, by correlation. */
  #waiting = new Map<string, (answer: Answer) => void>();
  #requests = 0;
  /** Told to the broker, and not yet known to count: no comparison may take them for gone. */
  #fresh = new Set<string>();
  #ready = false;
  /** One after the other: later rights must not be overtaken by earlier ones. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DynamicSecurityOptions) {
    this.#options = options;
    this.#client = connect(options.url, {
      ...options.connect,
      ...{ protocolVersion: 5, clean: true, queueQoSZero: false },
      // A broker that refuses us while its accounts are mended must not lose us for good: without this connection
      // no secret can be made, and no revocation reaches it
      reconnectOnConnackError: true,
    });
    this.#client.on('connect', () => this.#begin());
    this.#client.on('close', () => this.#end());
    // The engine's own connection tells what is wrong with the broker
    this.#client.on('error', () => {});
    this.#client.on('message', (_topic, payload) => this.#answered(payload));
    this.#listening = options.book.subscribe((username) =>
      this.#inTurn(`account ${username}`, () => this.#follow(username)),
    );
  }

  /**
   * Makes an account, or gives it a new password, which ends its connections.
   * @throws Error when the broker cannot be told, or refuses
   */
  async put(account: BrokerAccount, secret: string): Promise<void> {
    const { username } = account;
    const done = this.#last.then(async () => {
      this.#fresh.add(username);
      try {
        await this.#must(provision(this.#options.root, account, secret));
      } catch (error) {
        // Its secret will not count: what the broker may have made of it all the same goes with the next comparison
        this.#fresh.delete(username);
        throw error;
      }
    });
    this.#last = done.catch(() => {});
    await done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    this.#end();
    await this.#client.endAsync(true);
  }

  #begin(): void {
    this.#client.subscribe(`${CONTROL}/response`, { qos: 1 }, (error) => {
      if (error) return this.#failed('subscription', error);
      this.#ready = true;
      this.#inTurn('accounts', () => this.#reconcile());
    });
  }

  #end(): void {
    this.#ready = false;
    for (const answer of [...this.#waiting.values()]) answer('disconnected');
  }

  /** Whoever is gone here goes there, and gateways get the rights that they have now. */
  async #reconcile(): Promise<void> {
    const { book, root, signal } = this.#options;
    const found = await this.#must([...USERS.make, USERS.list]);
    const there = new Set(usernamesIn(found.at(-1)?.data));
    const ours = await book.all();
    const names = new Set(ours.map(({ username }) => username));
    for (const username of there) {
      const isGone = !names.has(username) && !this.#fresh.has(username);
      if (isGone) await this.#must(deletion(username));
    }
    for (const account of ours) {
      // Its password is known to nobody any more but to itself
      if (!there.has(account.username)) signal('account.missing', { username: account.username });
      else await this.#must(permission(root, account));
    }
    signal('accounts.right', { accounts: ours.length });
  }

  /** What has changed here holds there. */
  async #follow(username: string): Promise<void> {
    this.#fresh.delete(username);
    if (!this.#ready) {
      // What is not told now is put right when the connection is back; until then the broker has it as it was
      this.#failed(`account ${username}`, new Error('the broker cannot be told now'));
      return;
    }
    const { book, root, signal } = this.#options;
    const account = await book.find(username);
    await this.#must(account ? permission(root, account) : deletion(username));
    signal('account.told', { username });
  }

  #inTurn(task: string, work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => this.#failed(task, error));
  }

  #failed(task: string, error: unknown): void {
    this.#options.signal('background.failed', { task: `dynamic security: ${task}`, error });
  }

  /** @throws Error for the first refusal, but for what is to go and is not there */
  async #must(commands: readonly AccountCommand[]): Promise<Response[]> {
    const responses = await this.#ask(commands);
    for (const [index, { error }] of responses.entries()) {
      const command = commands[index];
      if (error === undefined || command?.mayFail?.test(error)) continue;
      throw new Error(`the broker refuses ${command?.command}: ${error}`);
    }
    return responses;
  }

  async #ask(commands: readonly AccountCommand[]): Promise<Response[]> {
    if (!this.#ready) throw notConnected();
    const correlationData = String(++this.#requests);
    const said = commands.map(({ mayFail: _, ...command }) => ({ ...command, correlationData }));
    const answered = new Promise<Answer>((resolve) => {
      const late = this.#options.clock.delay(ANSWER_MS, () => resolve('late'));
      this.#waiting.set(correlationData, (answer) => {
        late[Symbol.dispose]();
        resolve(answer);
      });
    });
    // The answer is what acknowledges it. At QoS 1 it would be sent again after a reconnection, when nobody waits for it
    this.#client.publish(CONTROL, JSON.stringify({ commands: said }), { qos: 0 });
    const answer = await answered;
    this.#waiting.delete(correlationData);
    if (answer === 'disconnected') throw notConnected();
    if (answer === 'late')
      throw new Error('the broker has not answered; is its dynamic security plugin loaded?');
    return answer;
  }

  #answered(payload: Buffer): void {
    try {
      const { responses } = JSON.parse(payload.toString('utf8')) as {
        responses: (Response & { correlationData?: string })[];
      };
      this.#waiting.get(responses[0]?.correlationData ?? '')?.(responses);
    } catch (error) {
      this.#failed('answer', messageOf(error));
    }
  }
}

function notConnected(): Error {
  return new Error('not connected to the broker');
}

function usernamesIn(data: unknown): string[] {
  const { group } = (data ?? {}) as { group?: { clients?: { username: string }[] } };
  return (group?.clients ?? []).map(({ username }) => username);
}
