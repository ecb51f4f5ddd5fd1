/** An abort signal that fires when what is awaited does not happen in time; the reason says what that was. */
export class Patience {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #total: NodeJS.Timeout;
  #current: NodeJS.Timeout | undefined;

  constructor(outer: AbortSignal, totalMs: number, complaint: string) {
    this.signal = AbortSignal.any([outer, this.#controller.signal]);
    this.#total = setTimeout(() => this.#controller.abort(new Error(complaint)), totalMs);
  }

  /** Starts waiting for the next thing to happen; replaces what was awaited before. */
  expect(withinMs: number, complaint: string): void {
    clearTimeout(this.#current);
    this.#current = setTimeout(() => this.#controller.abort(new Error(complaint)), withinMs);
  }

  end(): void {
    clearTimeout(this.#current);
    clearTimeout(this.#total);
  }
}
