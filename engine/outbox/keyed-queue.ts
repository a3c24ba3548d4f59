/** Items of one key, oldest first. */
interface Line<T> {
  items: T[];
  /** One of its items has been taken, and is not done. */
  isBusy: boolean;
  isHeld: boolean;
}

/**
 * Items in order per key. One item of a key is under way at a time, so that order holds even where one of them has to
 * be tried again; keys that can go on have their turns one after another. Holds no clock and does nothing by itself.
 */
export class KeyedQueue<T> {
  readonly #lines = new Map<string, Line<T>>();
  /** Keys whose first item can be taken, the one that has waited longest first. */
  readonly #ready = new Set<string>();
  #size = 0;
  #held = 0;

  /** Items that wait; those that are under way are not among them. */
  get size(): number {
    return this.#size;
  }

  /** How many of them can be taken sooner or later without {@link release}. */
  get unheld(): number {
    return this.#size - this.#held;
  }

  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** Items of a key that wait. */
  of(key: string): readonly T[] {
    return this.#lines.get(key)?.items ?? [];
  }

  *all(): Generator<T> {
    for (const { items } of this.#lines.values()) yield* items;
  }

  keys(): IterableIterator<string> {
    return this.#lines.keys();
  }

  isHeld(key: string): boolean {
    return this.#lines.get(key)?.isHeld ?? false;
  }

  /** Adds an item behind the others of its key. */
  push(key: string, item: T): void {
    this.#add(key, (items) => items.push(item));
  }

  /** Puts back an item that was taken: it is the first of its key again. */
  putBack(key: string, item: T): void {
    this.#add(key, (items) => items.unshift(item));
  }

  /** Takes the first item of each of up to `most` keys. Their keys are busy until {@link done}. */
  take(most: number): T[] {
    const taken: T[] = [];
    for (const key of this.#ready) {
      if (taken.length === most) break;
      this.#ready.delete(key);
      const line = this.#lines.get(key);
      const item = line?.items.shift();
      if (!line || item === undefined) continue;
      line.isBusy = true;
      this.#size--;
      taken.push(item);
    }
    return taken;
  }

  /** The item of a key that was taken has been dealt with. */
  done(key: string): void {
    const line = this.#lines.get(key);
    if (!line) return;
    line.isBusy = false;
    this.#settle(key, line);
  }

  /** Takes nothing of a key until it is released. */
  hold(key: string): void {
    const line = this.#lines.get(key);
    if (!line || line.isHeld) return;
    line.isHeld = true;
    this.#held += line.items.length;
    this.#ready.delete(key);
  }

  release(key: string): void {
    const line = this.#lines.get(key);
    if (!line?.isHeld) return;
    line.isHeld = false;
    this.#held -= line.items.length;
    this.#settle(key, line);
  }

  /** Takes out the items of a key that match. @returns them */
  remove(key: string, matches: (item: T) => boolean = () => true): T[] {
    const line = this.#lines.get(key);
    if (!line) return [];
    const removed = line.items.filter(matches);
    if (removed.length === 0) return removed;
    line.items = line.items.filter((item) => !matches(item));
    this.#size -= removed.length;
    if (line.isHeld) this.#held -= removed.length;
    this.#settle(key, line);
    return removed;
  }

  #add(key: string, put: (items: T[]) => void): void {
    let line = this.#lines.get(key);
    if (!line) {
      line = { items: [], isBusy: false, isHeld: false };
      this.#lines.set(key, line);
    }
    put(line.items);
    this.#size++;
    if (line.isHeld) this.#held++;
    this.#settle(key, line);
  }

  #settle(key: string, line: Line<T>): void {
    if (line.items.length === 0) {
      this.#ready.delete(key);
      if (!line.isBusy && !line.isHeld) this.#lines.delete(key);
    } else if (!line.isBusy && !line.isHeld) this.#ready.add(key);
  }
}
