import { assert } from '../kit/assert.ts';
import type { Prng } from '../kit/prng.ts';
import type { Distribution, Micros } from './types.ts';

/** Quantiles in the table of a distribution; a power of two. The rarest sample is 1 in so many. */
const QUANTILES = 256;
const SHIFT = 24;

/**
 * Draws from a distribution by its inverse, tabulated once: sampling costs one random number and one look, and gives integers.
 * Of an exponential or lognormal tail the outermost of the entries is `maxUs`: what is rarer than 1 in 256 is drawn as often as that.
 */
export class Sampler {
  readonly #table: Int32Array;

  constructor(distribution: Distribution) {
    this.#table = Int32Array.from({ length: QUANTILES }, (_, i) => quantile(distribution, (i + 0.5) / QUANTILES));
    if ('maxUs' in distribution) this.#table[QUANTILES - 1] = distribution.maxUs;
    assert(this.#table[0]! >= 0, `a length of time is negative: ${JSON.stringify(distribution)}`);
  }

  sample(random: Prng): Micros {
    return this.#table[random.nextUint32() >>> SHIFT]!;
  }
}

function quantile(distribution: Distribution, p: number): number {
  switch (distribution.kind) {
    case 'constant':
      return distribution.us;
    case 'uniform':
      return Math.round(distribution.minUs + p * (distribution.maxUs - distribution.minUs));
    case 'exponential': {
      const { minUs, meanUs, maxUs } = distribution;
      return Math.round(Math.min(maxUs, minUs - (meanUs - minUs) * Math.log(1 - p)));
    }
    case 'lognormal': {
      const { medianUs, sigma, maxUs } = distribution;
      return Math.round(Math.min(maxUs, medianUs * Math.exp(sigma * normalQuantile(p))));
    }
  }
}

/** Inverse of the standard normal distribution; Abramowitz and Stegun 26.2.23, absolute error below 4.5e-4. */
function normalQuantile(p: number): number {
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(tail));
  const z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return p < 0.5 ? -z : z;
}

/** Whether something of this probability happens. */
export function happens(random: Prng, probability: number): boolean {
  return probability > 0 && random.nextUint32() < probability * 0x1_0000_0000;
}
