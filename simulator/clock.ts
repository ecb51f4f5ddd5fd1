import type { ClockWeather, Micros } from './types.ts';

/** A node's clock: it drifts at `rate`, and shows another time of day than others by `offsetUs`. */
export class NodeClock {
  #rate: number;
  #offsetUs: Micros;
  /** Where the present rate began, in virtual and in local time. */
  #since: Micros = 0;
  #elapsedThen = 0;

  constructor(weather: ClockWeather | undefined) {
    this.#rate = weather?.rate ?? 1;
    this.#offsetUs = weather?.offsetUs ?? 0;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Time by the node's monotonic clock, at virtual time `now`; not rounded. */
  monotonic(now: Micros): number {
    return this.#elapsedThen + (now - this.#since) * this.#rate;
  }

  /** Time of day by the node's clock; may jump. */
  wall(now: Micros): number {
    return this.monotonic(now) + this.#offsetUs;
  }

  /** How long a stretch of the node's time takes; at least one microsecond. */
  virtual(localUs: Micros): Micros {
    return Math.max(1, Math.round(localUs / this.#rate));
  }

  /** From now on the clock runs at another rate. */
  change(now: Micros, rate: number): void {
    this.#elapsedThen = this.monotonic(now);
    this.#since = now;
    this.#rate = rate;
  }

  jump(us: Micros): void {
    this.#offsetUs += us;
  }
}
