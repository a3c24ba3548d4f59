import type { Clock } from './clock.ts';

interface Alarm {
  at: number;
  callback: () => void;
  /** Waits for time to pass, not for an hour. */
  elapses: boolean;
}

/** A clock that stands still until its owner moves it: for tests, and for trying what is yet to come. */
export class ManualClock implements Clock {
  #now: number;
  #alarms = new Set<Alarm>();

  constructor(start = Date.parse('2026-01-05T00:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  schedule(at: number, callback: () => void): Disposable {
    return this.#add({ at, callback, elapses: false });
  }

  delay(ms: number, callback: () => void): Disposable {
    return this.#add({ at: this.#now + ms, callback, elapses: true });
  }

  /** Moves time forward and calls what falls due on the way, each at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: Alarm | undefined;
      for (const alarm of this.#alarms) {
        if (alarm.at <= end && (!next || alarm.at < next.at)) next = alarm;
      }
      if (!next) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Sets the clock as an operator or NTP would: no time passes, and nothing is called for a jump back. */
  jump(to: number): void {
    for (const alarm of this.#alarms) if (alarm.elapses) alarm.at += to - this.#now;
    if (to >= this.#now) this.advance(to - this.#now);
    else this.#now = to;
  }

  #add(alarm: Alarm): Disposable {
    this.#alarms.add(alarm);
    return { [Symbol.dispose]: () => this.#alarms.delete(alarm) };
  }
}
