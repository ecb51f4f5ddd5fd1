/**
 * Which operation a virtual user does next, and what it remembers of its own writes. Pure: tested without k6.
 */

/** An entry whose last write was acknowledged, so that every later linearizable read has to show it. */
export interface AcknowledgedEntry {
  readonly id: string;
  readonly key: string;
  readonly value: string;
  /** Index of the node that acknowledged the last write: reads go to another one. */
  readonly node: number;
}

export type Step =
  | { readonly kind: 'create'; readonly key: string; readonly value: string }
  | { readonly kind: 'update'; readonly entry: AcknowledgedEntry; readonly value: string }
  | { readonly kind: 'read'; readonly entry: AcknowledgedEntry }
  | { readonly kind: 'delete'; readonly entry: AcknowledgedEntry };

/** Entries that one virtual user keeps alive: bounds its memory, and with the number of users the size of the store. */
const ENTRIES_MAX = 16;

/** Shares of the operations. Half are reads, so that acknowledged writes are looked for as often as they are made. */
const READ = 0.5;
const UPDATE = 0.2;
const CREATE = 0.25;

export class KvWorkload {
  readonly #prefix: string;
  readonly #random: { float(): number; below(limit: number): number };
  readonly #entries: AcknowledgedEntry[] = [];
  #sequence = 0;

  /** @param prefix unique for the run and the virtual user: no two users ever write one key */
  constructor(prefix: string, random: { float(): number; below(limit: number): number }) {
    this.#prefix = prefix;
    this.#random = random;
  }

  /** The next operation. A value is never written twice, so that a read can tell every version from every other. */
  next(): Step {
    this.#sequence += 1;
    const value = `${this.#prefix}#${this.#sequence}`;
    const create: Step = { kind: 'create', key: `${this.#prefix}-${this.#sequence}`, value };
    const entry = this.#entries[this.#random.below(Math.max(1, this.#entries.length))];
    if (entry === undefined) return create;
    const draw = this.#random.float();
    if (draw < READ) return { kind: 'read', entry };
    if (draw < READ + UPDATE) return { kind: 'update', entry, value };
    if (draw < READ + UPDATE + CREATE && this.#entries.length < ENTRIES_MAX) return create;
    return { kind: 'delete', entry };
  }

  /** A create or an update was acknowledged. */
  acknowledged(entry: AcknowledgedEntry): void {
    this.forget(entry);
    this.#entries.push(entry);
  }

  /** The entry is gone, or nobody knows what it holds because a write's outcome is unknown: it is never read again. */
  forget(entry: { readonly id: string }): void {
    const index = this.#entries.findIndex((other) => other.id === entry.id);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  get size(): number {
    return this.#entries.length;
  }
}
