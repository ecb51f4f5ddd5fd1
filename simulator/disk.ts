import type { Prng } from '../kit/prng.ts';
import { happens, Sampler } from './distribution.ts';
import type { Micros } from './types.ts';

/** After healing a sync takes so long. */
const FAIR = new Sampler({ kind: 'constant', us: 300 });

/**
 * When writes of one node become durable, and what a crash leaves of those that are not. What they hold is the driver's affair.
 * To each file at most one write is under way, as a log with group commit works.
 */
export class NodeDisk {
  readonly #random: Prng;
  #usual: Sampler;
  readonly #slow: Sampler[] = [];
  readonly #underWay = new Set<number>();
  /** Faults that leave no space. */
  full = 0;

  constructor(usual: Sampler, random: Prng) {
    this.#random = random;
    this.#usual = usual;
  }

  /** A write begins. @returns how long it takes until it is durable */
  begin(file: number): Micros {
    this.#underWay.add(file);
    return (this.#slow.at(-1) ?? this.#usual).sample(this.#random);
  }

  finish(file: number): void {
    this.#underWay.delete(file);
  }

  slow(sampler: Sampler): void {
    this.#slow.push(sampler);
  }

  unslow(sampler: Sampler): void {
    this.#slow.splice(this.#slow.indexOf(sampler), 1);
  }

  calm(): void {
    this.#usual = FAIR;
  }

  /**
   * The power goes. @returns which share of the write under way is on the disk, from 0 to 1 (between: it is torn); null when none was
   */
  remains(file: number): number | null {
    if (!this.#underWay.delete(file)) return null;
    if (happens(this.#random, 0.3)) return 0;
    return happens(this.#random, 0.4) ? 1 : this.#random.float();
  }
}
