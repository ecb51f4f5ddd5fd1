import { assert } from '../../../../kit/assert.ts';
import type { LogIndex, SnapshotMeta } from './types.ts';

interface Waiting {
  readonly number: number;
  /** How far the log reaches on disk once this record is durable; lowered when a later record replaces some of it. */
  index: LogIndex;
  /** A snapshot that this record puts in place. */
  readonly installed: SnapshotMeta | null;
}

/** Which writes have been asked for, and which of them the disk has confirmed. */
export class Durability {
  /** Entries up to this index, as the log has them now, are on this node's disk. */
  index: LogIndex;
  #issued = 0;
  #durable = 0;
  /** The last record that wrote term or vote. */
  #hardState = 0;
  #waiting: Waiting[] = [];
  #installs = 0;

  constructor(index: LogIndex) {
    this.index = index;
  }

  /** Whether term and vote, as far as they were handed out, are on disk. */
  get hardStateIsDurable(): boolean {
    return this.#durable >= this.#hardState;
  }

  /** Whether a received snapshot is still on its way to its place. */
  get isInstalling(): boolean {
    return this.#installs > 0;
  }

  /** Hands out the number of the next record. `index` is null when it writes no entries and installs nothing. */
  issue(record: { termChanged: boolean; index: LogIndex | null; installed: SnapshotMeta | null }): number {
    this.#issued += 1;
    if (record.termChanged) this.#hardState = this.#issued;
    if (record.installed !== null) this.#installs += 1;
    if (record.index !== null) {
      this.#waiting.push({ number: this.#issued, index: record.index, installed: record.installed });
    }
    return this.#issued;
  }

  /** Everything up to `number` is durable. Returns the newest snapshot this put in place. */
  persisted(number: number): SnapshotMeta | null {
    assert(number >= this.#durable, `persisted ${number} after ${this.#durable}`);
    assert(number <= this.#issued, `persisted ${number}, but only ${this.#issued} were asked for`);
    this.#durable = number;
    let installed: SnapshotMeta | null = null;
    while (this.#waiting.length > 0 && this.#waiting[0]!.number <= number) {
      const record = this.#waiting.shift()!;
      this.index = record.index;
      if (record.installed === null) continue;
      installed = record.installed;
      this.#installs -= 1;
    }
    return installed;
  }

  /** Entries from `index` on are being replaced: what the disk has there is no longer this log. */
  truncated(index: LogIndex): void {
    this.index = Math.min(this.index, index - 1);
    for (const record of this.#waiting) record.index = Math.min(record.index, index - 1);
  }
}
