/** The doors of a program that is to die at a certain point. Nothing else about them is different. */
import { startMqtt } from '../../adapters/mqtt/index.ts';
import type { Doors } from '../../api/compose.ts';
import { type Engine, openStorage, type Sink, type Storage } from '../../engine/index.ts';
import type { KillPoint } from './orders.ts';
import type { SkewedClock } from './skewed-clock.ts';

/** Event loop turns in which what was acknowledged leaves through its sockets. */
const TURNS_TO_LEAVE = 3;

/** Where this process is to die. */
export class Doom {
  #point: KillPoint | null = null;
  #passes = 0;

  set(point: KillPoint, passes: number): void {
    this.#point = point;
    this.#passes = passes;
  }

  /** Whether the passing that begins here is the last. */
  comes(point: KillPoint): boolean {
    return this.#point === point && --this.#passes === 0;
  }

  pass(point: KillPoint): void {
    if (this.comes(point)) die();
  }
}

export function breakingDoors(doom: Doom, clock: SkewedClock): Doors {
  return {
    clock,
    openStorage: async (...given) => breakingStorage(await openStorage(...given), doom),
    startMqtt: (options) =>
      startMqtt({ ...options, engine: withBreakingSinks(options.engine, doom) }),
  };
}

function breakingStorage(storage: Storage, doom: Doom): Storage {
  return {
    ...storage,
    async commit(commit) {
      doom.pass('before-commit');
      await storage.commit(commit);
      doom.pass('after-commit');
    },
    async saveCursors(epoch, cursors) {
      doom.pass('before-cursor');
      await storage.saveCursors(epoch, cursors);
    },
    async park(rows) {
      await storage.park(rows);
      doom.pass('after-parking');
    },
  };
}

function withBreakingSinks(engine: Engine, doom: Doom): Engine {
  return { ...engine, addSink: (sink) => engine.addSink(breakingSink(sink, doom)) };
}

function breakingSink(sink: Sink, doom: Doom): Sink {
  return {
    ...sink,
    async deliver(rows) {
      if (doom.comes('after-acknowledge')) {
        for (let turn = 0; turn < TURNS_TO_LEAVE; turn++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        die();
      }
      const outcomes = await sink.deliver(rows);
      doom.pass('after-publish');
      return outcomes;
    },
  };
}

/** As a power cut does: no handler runs, no buffer is written. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
