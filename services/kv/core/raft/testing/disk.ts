import { assert } from '../../../../../kit/assert.ts';
import type { Entry, HardState, Persist, Restored, SnapshotMeta } from '../types.ts';

/** A disk in memory. It takes records as types.ts says a driver must write them. */
export class TestDisk {
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null = null;
  /** Follow each other without a gap. */
  entries: Entry[] = [];
  #incoming: Uint8Array[] = [];

  write(record: Persist): void {
    if (record.hardState !== null) this.hardState = record.hardState;
    if (record.snapshotWrite !== null) this.#writeChunk(record.snapshotWrite);
    const first = record.entries[0];
    if (first === undefined) return;
    this.#dropFrom(first.index);
    assert(this.lastIndex === first.index - 1, `entry ${first.index} written after ${this.lastIndex}`);
    this.entries.push(...record.entries);
  }

  get lastIndex(): number {
    return this.entries.at(-1)?.index ?? this.snapshot?.meta.index ?? 0;
  }

  entry(index: number): Entry | undefined {
    return this.entries[index - (this.entries[0]?.index ?? 0)];
  }

  /** Whether the entry that was committed at `index` with `term` would survive a crash now. */
  holds(index: number, term: number): boolean {
    return (this.snapshot?.meta.index ?? 0) >= index || this.entry(index)?.term === term;
  }

  /** A snapshot made here; keeps `kept` entries behind it. */
  storeSnapshot(meta: SnapshotMeta, data: Uint8Array, kept: number): void {
    this.snapshot = { meta, data };
    this.entries = this.entries.filter((entry) => entry.index > meta.index - kept);
  }

  /** What a node that starts finds. */
  restored(): Restored {
    this.#incoming = [];
    return { hardState: this.hardState, snapshot: this.snapshot?.meta ?? null, entries: this.entries.slice() };
  }

  #writeChunk(chunk: NonNullable<Persist['snapshotWrite']>): void {
    if (chunk.offset === 0) this.#incoming = [];
    assert(chunk.offset === total(this.#incoming), `chunk at ${chunk.offset} written after ${total(this.#incoming)}`);
    this.#incoming.push(chunk.data);
    if (!chunk.done) return;
    const data = new Uint8Array(total(this.#incoming));
    let at = 0;
    for (const piece of this.#incoming) {
      data.set(piece, at);
      at += piece.length;
    }
    assert(data.length === chunk.snapshot.size, `snapshot of ${data.length} bytes, ${chunk.snapshot.size} announced`);
    this.snapshot = { meta: chunk.snapshot, data };
    this.entries = [];
    this.#incoming = [];
  }

  #dropFrom(index: number): void {
    const first = this.entries[0]?.index ?? index;
    if (index < first + this.entries.length) this.entries.length = Math.max(0, index - first);
  }
}

function total(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((bytes, piece) => bytes + piece.length, 0);
}
