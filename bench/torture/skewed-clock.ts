import { type Clock, clockOf } from '../../engine/model/clock.ts';

/** The system's clock, set forward or back while it goes. */
export class SkewedClock implements Clock {
  #offsetMs = 0;
  readonly #clock = clockOf(() => Date.now() + this.#offsetMs);
  readonly now = this.#clock.now;
  readonly schedule = this.#clock.schedule;
  readonly delay = this.#clock.delay;

  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}
