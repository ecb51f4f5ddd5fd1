/** Milliseconds in one bucket: an expiry is noticed so much late at most, plus one tick. */
const BUCKET_MS = 16;

/** Something that must be done by a time on the clock of `performance.now()`. */
export interface Due {
  readonly deadlineMs: number;
}

/** A timer wheel: one look a tick instead of a timer for each request. */
export class Deadlines<T extends Due> {
  readonly #buckets = new Map<number, Set<T>>();
  #looked: number;

  constructor(nowMs: number) {
    this.#looked = Math.floor(nowMs / BUCKET_MS);
  }

  add(item: T): void {
    const at = this.#bucketOf(item);
    const bucket = this.#buckets.get(at);
    if (bucket === undefined) this.#buckets.set(at, new Set([item]));
    else bucket.add(item);
  }

  delete(item: T): void {
    this.#buckets.get(Math.ceil(item.deadlineMs / BUCKET_MS))?.delete(item);
    this.#buckets.get(this.#looked + 1)?.delete(item);
  }

  /** Takes out what is due. */
  expired(nowMs: number): T[] {
    const now = Math.floor(nowMs / BUCKET_MS);
    const due: T[] = [];
    for (; this.#looked < now; this.#looked++) {
      const bucket = this.#buckets.get(this.#looked + 1);
      if (bucket === undefined) continue;
      due.push(...bucket);
      this.#buckets.delete(this.#looked + 1);
    }
    return due;
  }

  /** What is overdue already goes into the next bucket to be looked at. */
  #bucketOf(item: T): number {
    return Math.max(this.#looked + 1, Math.ceil(item.deadlineMs / BUCKET_MS));
  }
}
