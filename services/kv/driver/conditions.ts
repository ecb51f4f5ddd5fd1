import type { ServiceError } from '../../../kit/errors.ts';

interface Waiting {
  readonly condition: () => boolean;
  readonly deadlineMs: number;
  readonly atDeadline: () => ServiceError;
  readonly resolve: () => void;
  readonly reject: (error: ServiceError) => void;
}

/** Waits for things that nobody announces: each condition is looked at once a tick. */
export class Conditions {
  readonly #now: () => number;
  #waiting: Waiting[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves when the condition holds; rejects with `atDeadline` when it is too late. */
  until(condition: () => boolean, deadlineMs: number, atDeadline: () => ServiceError): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ condition, deadlineMs, atDeadline, resolve, reject });
    });
  }

  tick(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#now();
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.condition()) waiting.resolve();
      else if (now >= waiting.deadlineMs) waiting.reject(waiting.atDeadline());
      else return true;
      return false;
    });
  }

  /** Ends all waiting, each with its error. */
  close(): void {
    for (const { reject, atDeadline } of this.#waiting) reject(atDeadline());
    this.#waiting = [];
  }
}
