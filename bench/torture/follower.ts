import { TOKEN } from '../../api/e2e/homeostat-process.ts';
import { type StreamDoor, type StreamMessage, StreamReader } from '../stream-reader.ts';
import type { World } from './world.ts';

/** What a stream has told, in its order. */
export interface Followed {
  door: StreamDoor;
  home: string;
  told: StreamMessage[];
}

/** A stream of a home that goes on whenever it is cut off. */
export class Follower implements Followed, AsyncDisposable {
  readonly door: StreamDoor;
  readonly home: string;
  readonly told: StreamMessage[];
  readonly #reader: StreamReader;
  /** Of each twin, the last revision that was told. */
  readonly #revisions: ReadonlyMap<string, number>;

  private constructor(
    { door, home, told }: Followed,
    reader: StreamReader,
    revisions: ReadonlyMap<string, number>,
  ) {
    this.door = door;
    this.home = home;
    this.told = told;
    this.#reader = reader;
    this.#revisions = revisions;
  }

  static async open(world: World, door: StreamDoor, home: string): Promise<Follower> {
    const told: StreamMessage[] = [];
    const revisions = new Map<string, number>();
    const reader = await StreamReader.open({
      ...{ door, home, token: TOKEN },
      url: () => world.engine.url,
      onMessage: (message) => {
        told.push(message);
        if (message.event !== 'twin') return;
        revisions.set(String(message.data['id']), Number(message.data['revision']));
      },
    });
    return new Follower({ door, home, told }, reader, revisions);
  }

  revision(twin: string): number {
    return this.#revisions.get(twin) ?? -1;
  }

  cut(): void {
    this.#reader.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }
}
