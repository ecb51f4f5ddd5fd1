import type { KvVariation } from '../types.ts';

/**
 * A mistake that the simulator must find: a small decorator over the production code, used by tests and `gameday simulate --bug` only.
 * If one of these goes unnoticed, passing runs prove nothing.
 */
export interface PlantedBug {
  readonly name: string;
  /** What the mistaken program does, to complete the sentence "a program in which …". */
  readonly mistake: string;
  /** What forbids it; sections are those of Ongaro's thesis. */
  readonly forbiddenBy: string;
  /** The invariants of which one must be the first to notice. */
  readonly caughtBy: readonly string[];
  /** From seed 1 on, it is noticed within so many seeds. */
  readonly seedsMax: number;
  /** Made anew for every run, since it may keep state. */
  readonly variation: () => KvVariation;
}
