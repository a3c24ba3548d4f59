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

/** Whether the destinations of effects can be reached. */
export class Reach {
  #isAway = false;
  #onReturn: (() => void)[] = [];

  get isAway(): boolean {
    return this.#isAway;
  }

  set(areAway: boolean): void {
    this.#isAway = areAway;
    if (!areAway) for (const wake of this.#onReturn) wake();
  }

  onReturn(wake: () => void): void {
    this.#onReturn.push(wake);
  }
}

export function breakingDoors(doom: Doom, clock: SkewedClock, reach: Reach): Doors {
  return {
    clock,
    openStorage: async (...given) => breakingStorage(await openStorage(...given), doom),
    startMqtt: (options) =>
      startMqtt({ ...options, engine: withBreakingSinks(options.engine, doom, reach) }),
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
    async park(epoch, rows) {
      await storage.park(epoch, rows);
      doom.pass('after-parking');
    },
  };
}

function withBreakingSinks(engine: Engine, doom: Doom, reach: Reach): Engine {
  return {
    ...engine,
    addSink(sink) {
      reach.onReturn(() => engine.wakeSink(sink.name));
      return engine.addSink(breakingSink(sink, doom, reach));
    },
  };
}

function breakingSink(sink: Sink, doom: Doom, reach: Reach): Sink {
  return {
    ...sink,
    async deliver(rows, behind) {
      if (reach.isAway) {
        return rows.map(() => ({ status: 'retry', error: 'is away', scope: 'destination' }));
      }
      if (doom.comes('after-acknowledge')) {
        for (let turn = 0; turn < TURNS_TO_LEAVE; turn++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        die();
      }
      const outcomes = await sink.deliver(rows, behind);
      doom.pass('after-publish');
      return outcomes;
    },
  };
}

/** As a power cut does: no handler runs, no buffer is written. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
