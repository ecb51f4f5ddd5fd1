/**
 * Seeded random numbers (mulberry32), so that one seed explains a load. k6 loads no code from outside `loadtests/`.
 */
export class Random {
  #state: number;

  constructor(seed: number, stream: number) {
    // The golden ratio spreads neighbouring streams (one for each VU) over the whole state space.
    this.#state = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) >>> 0;
  }

  /** Uniform in [0, 1). */
  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** Uniform among the whole numbers of [0, limit). */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }
}
