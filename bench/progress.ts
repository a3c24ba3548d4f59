/** A line that says what is going on; on a terminal it is written over. */
export class Progress {
  readonly #out = process.stdout;
  readonly #began = performance.now();

  say(text: string): void {
    const seconds = Math.round((performance.now() - this.#began) / 1_000);
    const line = `${String(seconds).padStart(5)} s  ${text}`;
    if (this.#out.isTTY) this.#out.write(`\r\u001b[2K${line}`);
    else this.#out.write(`${line}\n`);
  }

  /** A line that stays. */
  note(text: string): void {
    this.#out.write(`${this.#out.isTTY ? '\r\u001b[2K' : ''}${text}\n`);
  }
}
