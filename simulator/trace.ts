import { StreamHash } from '../kit/hash.ts';
import type { Micros, RunOptions } from './types.ts';

/** What happened: a hash over every event, and on request the last ones as text. */
export class Trace {
  readonly #hash = new StreamHash();
  readonly #keep: number;
  readonly #onTrace: ((line: string) => void) | null;
  readonly #lines: string[] = [];

  constructor(options: RunOptions) {
    this.#keep = options.traceLines ?? 0;
    this.#onTrace = options.onTrace ?? null;
  }

  /** Whether anybody reads the text. */
  get isReadable(): boolean {
    return this.#keep > 0 || this.#onTrace !== null;
  }

  get hash(): string {
    return this.#hash.toString();
  }

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keep);
  }

  event(at: Micros, kind: number, node: number, digest: number): void {
    this.#hash.add(at);
    this.#hash.add((kind << 16) | node);
    this.#hash.add(digest);
  }

  say(at: Micros, text: string): void {
    const line = `${(at / 1000).toFixed(3).padStart(11)} ms  ${text}`;
    this.#onTrace?.(line);
    if (this.#keep === 0) return;
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#keep) this.#lines.splice(0, this.#lines.length - this.#keep);
  }
}
