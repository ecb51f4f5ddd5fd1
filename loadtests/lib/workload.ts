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

/** Shares of the operations; the rest are deletes. */
export interface Mix {
  readonly read: number;
  readonly update: number;
  readonly create: number;
}

/** Of the writes, two in five update and half create. With half of them reads, acknowledged writes are looked for as often as they are made. */
export function steadyMix(read = 0.5): Mix {
  return { read, update: (1 - read) * 0.4, create: (1 - read) * 0.5 };
}

/** As many creates as updates as deletes. */
export function equalWrites(read: number): Mix {
  return { read, update: (1 - read) / 3, create: (1 - read) / 3 };
}

export class Workload {
  readonly #prefix: string;
  readonly #random: { float(): number; below(limit: number): number };
  readonly #mix: Mix;
  readonly #entries: AcknowledgedEntry[] = [];
  #sequence = 0;

  /** @param prefix unique for the run and the virtual user: no two users ever write one key */
  constructor(prefix: string, random: { float(): number; below(limit: number): number }, mix: Mix = steadyMix()) {
    this.#prefix = prefix;
    this.#random = random;
    this.#mix = mix;
  }

  /** The next operation. A value is never written twice, so that a read can tell every version from every other. */
  next(): Step {
    const { key, value } = this.newEntry();
    const create: Step = { kind: 'create', key, value };
    const entry = this.#entries[this.#random.below(Math.max(1, this.#entries.length))];
    if (entry === undefined) return create;
    const { read, update, create: creates } = this.#mix;
    const draw = this.#random.float();
    if (draw < read) return { kind: 'read', entry };
    if (draw < read + update) return { kind: 'update', entry, value };
    if (draw < read + update + creates && this.#entries.length < ENTRIES_MAX) return create;
    // A mix that leaves nothing for deletes goes on with the entries that there are.
    return read + update + creates < 1 ? { kind: 'delete', entry } : { kind: 'update', entry, value };
  }

  /** One that nobody has created. */
  newEntry(): { readonly key: string; readonly value: string } {
    const value = this.newValue();
    return { key: value.replace('#', '-'), value };
  }

  /** One that nobody has written. */
  newValue(): string {
    this.#sequence += 1;
    return `${this.#prefix}#${this.#sequence}`;
  }

  /** A create or an update was acknowledged. */
  acknowledged(entry: AcknowledgedEntry): void {
    this.forget(entry);
    this.#entries.push(entry);
    // Of a script that only creates: the oldest will not be looked for again.
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
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
