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
  /** The ids of the events whose turns were told. */
  readonly #eventIds: ReadonlySet<string>;

  private constructor(
    { door, home, told }: Followed,
    reader: StreamReader,
    eventIds: ReadonlySet<string>,
  ) {
    this.door = door;
    this.home = home;
    this.told = told;
    this.#reader = reader;
    this.#eventIds = eventIds;
  }

  static async open(world: World, door: StreamDoor, home: string): Promise<Follower> {
    const told: StreamMessage[] = [];
    const eventIds = new Set<string>();
    const reader = await StreamReader.open({
      ...{ door, home, token: TOKEN },
      url: () => world.engine.url,
      onMessage: (message) => {
        told.push(message);
        if (message.event === 'twin') eventIds.add(String(message.data['eventId']));
      },
    });
    return new Follower({ door, home, told }, reader, eventIds);
  }

  /** Whether it was told what a twin made of an event. */
  has(eventId: string): boolean {
    return this.#eventIds.has(eventId);
  }

  cut(): void {
    this.#reader.cut();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }
}
