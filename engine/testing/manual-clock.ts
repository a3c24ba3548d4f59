import type { Clock } from '../clock.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  #scheduled = new Set<{ at: number; callback: () => void }>();

  constructor(start = Date.parse('2026-01-05T00:00:00Z')) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  schedule(at: number, callback: () => void): Disposable {
    const entry = { at, callback };
    this.#scheduled.add(entry);
    return { [Symbol.dispose]: () => this.#scheduled.delete(entry) };
  }

  /** Moves time forward and calls what falls due on the way, each at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: { at: number; callback: () => void } | undefined;
      for (const entry of this.#scheduled) {
        if (entry.at <= end && (!next || entry.at < next.at)) next = entry;
      }
      if (!next) break;
      this.#scheduled.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  /** Sets the clock as an operator or NTP would: nothing is called for a jump back. */
  jump(to: number): void {
    if (to >= this.#now) this.advance(to - this.#now);
    else this.#now = to;
  }
}
