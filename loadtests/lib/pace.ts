/**
 * When the next operation of a closed load begins: at once; spread over a duration, so that the load lasts as long as the faults of
 * its scenario; or in bursts. A client that is late begins at once, and nothing is dropped. Pure: clock and counters are given.
 */
import type { ClosedLoad } from './environment.ts';

export interface PaceOptions {
  readonly closed: ClosedLoad;
  /** The operations are spread over so long; 0 for no pace. */
  readonly durationSeconds: number;
  /** Seconds since any fixed moment. */
  readonly now: () => number;
  readonly sleep: (seconds: number) => void;
  /** Operations that have ended, of all clients. */
  readonly completed: () => number;
}

/** How often a client looks whether the burst before its own has ended. */
const LOOK_SECONDS = 0.005;

export class Pace {
  readonly #options: PaceOptions;
  /** First operation of the burst that this client has waited for. */
  #entered = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /**
   * Returns when the operation may begin.
   * @param iteration its number, from 0, among those of all clients
   * @param start when the load began, on the clock of `now`
   */
  wait(iteration: number, start: number): void {
    const { closed, durationSeconds, now, sleep, completed } = this.#options;
    const { size, pauseSeconds } = closed.burst ?? { size: 1, pauseSeconds: 0 };
    const first = iteration - (iteration % size);
    if (closed.burst !== undefined && first > this.#entered) {
      this.#entered = first;
      while (completed() < first) sleep(LOOK_SECONDS);
      if (pauseSeconds > 0) sleep(pauseSeconds);
    }
    const due = start + (durationSeconds * first) / closed.count;
    const wait = due - now();
    if (wait > 0) sleep(wait);
  }
}
