const SILENCE_MS = 3_600_000;
const LIMIT = 1_000;

/** Which unknown topics have been reported: a chatty stranger must not fill the dead letters. */
export class UnknownTopics {
  /** Topic → when it was last reported, oldest first. */
  #reported = new Map<string, number>();

  /** Whether to report the topic: not within an hour of the last time. */
  isNews(topic: string, now: number): boolean {
    const last = this.#reported.get(topic);
    if (last !== undefined && now - last < SILENCE_MS) return false;
    this.#reported.delete(topic);
    this.#reported.set(topic, now);
    for (const oldest of this.#reported.keys()) {
      if (this.#reported.size <= LIMIT) break;
      this.#reported.delete(oldest);
    }
    return true;
  }
}
