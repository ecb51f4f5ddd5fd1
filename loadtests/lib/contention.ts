/**
 * Random operations at random nodes, some on entries that all users share: several users read and update one entry at once, which
 * only the history of all of them can judge. Shared entries are never deleted, so they stay contended to the end. Pure.
 */
import type { LoadInput } from './environment.ts';
import type { Step, Workload } from './workload.ts';

/** What is needed of a `StoreUser`. */
export interface ContendingUser {
  readonly random: { float(): number; below(limit: number): number };
  readonly workload: Workload;
  perform(step: Step, node: number): void;
  readShared(id: string, node: number): void;
  updateShared(id: string, value: string, node: number): void;
}

export interface ContentionOptions {
  /** Share of the operations that go to shared entries. */
  readonly shared: number;
  /** Of those, the share that reads. */
  readonly readShare: number;
  readonly nodes: number;
}

/** Users for each shared entry, and how many there are at least and at most: fewer contend more, more show more kinds of luck. */
const USERS_PER_ENTRY = 4;
const ENTRIES_MIN = 4;
const ENTRIES_MAX = 32;

/** How many entries are shared. In an open model nobody knows how many users will be busy at once. */
export function sharedEntries({ closed }: Pick<LoadInput, 'closed'>): number {
  const wanted = closed === undefined ? ENTRIES_MIN * 2 : Math.ceil(closed.concurrency / USERS_PER_ENTRY);
  return Math.max(ENTRIES_MIN, Math.min(ENTRIES_MAX, wanted));
}

export class Contention {
  readonly #user: ContendingUser;
  readonly #options: ContentionOptions;

  constructor(user: ContendingUser, options: ContentionOptions) {
    this.#user = user;
    this.#options = options;
  }

  perform(shared: readonly string[]): void {
    const { random, workload } = this.#user;
    const node = random.below(this.#options.nodes);
    const id = shared[random.below(shared.length)];
    if (id === undefined || random.float() >= this.#options.shared) this.#user.perform(workload.next(), node);
    else if (random.float() < this.#options.readShare) this.#user.readShared(id, node);
    else this.#user.updateShared(id, workload.newValue(), node);
  }
}
