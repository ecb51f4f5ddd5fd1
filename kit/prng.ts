import { assert } from './assert.ts';
import { hash64 } from './hash.ts';

const TWO_32 = 0x1_0000_0000;

/**
 * A seeded generator of pseudo-random numbers: sfc32 (Doty-Humphrey, PractRand), 128 bits of state, period at least 2^32.
 * The same seed gives the same numbers on every machine. Not for secrets.
 */
export class Prng {
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed a safe integer ≥ 0 */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed) && seed >= 0, `seed = ${seed}: requires a safe integer ≥ 0`);
    this.seed = seed;
    this.#a = 0;
    this.#b = seed | 0;
    this.#c = Math.floor(seed / TWO_32) | 0;
    // Neighbouring seeds differ in one bit; fifteen rounds spread it over the whole state.
    for (let i = 0; i < 15; i++) this.nextUint32();
  }

  /** Uniform in [0, 2^32). */
  nextUint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** Uniform in [0, 1) with 53 bits. */
  float(): number {
    return ((this.nextUint32() >>> 5) * 0x4000000 + (this.nextUint32() >>> 6)) / 2 ** 53;
  }

  /** Uniform in [minInclusive, maxExclusive), without bias; at most 2^32 values. */
  integer(minInclusive: number, maxExclusive: number): number {
    const range = maxExclusive - minInclusive;
    assert(
      Number.isSafeInteger(minInclusive) && Number.isSafeInteger(maxExclusive) && range > 0 && range <= TWO_32,
      `integer(${minInclusive}, ${maxExclusive}): requires integers with 0 < max - min ≤ 2^32`,
    );
    // Values above the largest multiple of the range would favour small results, so they are drawn again.
    const limit = TWO_32 - (TWO_32 % range);
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return minInclusive + (value % range);
  }

  /** One element, each as likely as the other. */
  pick<T>(xs: readonly T[]): T {
    assert(xs.length > 0, 'pick: requires at least one element');
    return xs[this.integer(0, xs.length)]!;
  }

  /**
   * An independent generator named by `label`. It depends on this one's seed and the label only, not on how many numbers were
   * drawn, so a new draw in one place does not change what happens in another. Forks under one label are equal.
   */
  fork(label: string): Prng {
    const { hi, lo } = hash64(`${this.seed}/${label}`);
    return new Prng((hi & 0x1fffff) * TWO_32 + lo);
  }
}
