import type { Message, Persist } from '../core/raft/types.ts';
import { DiskFullError } from '../storage/errors.ts';
import type { SnapshotStore } from '../storage/snapshots.ts';
import type { LogWriter } from './decorators.ts';

export interface PersisterEvents {
  /** Everything up to `number` is durable; `messages` may be sent now. */
  persisted(number: number, messages: readonly Message[]): void;
  /** One fdatasync covered so many records. */
  synced(records: number): void;
  /** A write found no space, and is tried again until there is; false when one has succeeded again. */
  diskFull(full: boolean): void;
  /** The disk failed in a way after which nothing about it is known: the node must stop. */
  failed(error: Error): void;
}

/** One group commit takes at most so many bytes of entries; the rest waits for the next. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
/** How often a full disk is tried again. */
const RETRY_MS = 250;

/**
 * Writes what Raft wants persisted, in order. While one fdatasync runs, the records that come in are gathered, and the next one
 * covers them all (group commit).
 */
export class Persister {
  readonly #wal: LogWriter;
  readonly #snapshots: SnapshotStore;
  readonly #events: PersisterEvents;
  #queue: Persist[] = [];
  #running: Promise<void> | null = null;
  #stopped = false;
  #closing = false;
  #full = false;
  #wake: (() => void) | null = null;

  constructor(wal: LogWriter, snapshots: SnapshotStore, events: PersisterEvents) {
    this.#wal = wal;
    this.#snapshots = snapshots;
    this.#events = events;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  push(...records: readonly Persist[]): void {
    if (this.#stopped) return;
    this.#queue.push(...records);
    this.#running ??= this.#run();
  }

  /** Finishes what was pushed, unless the disk is full; then nothing more is written. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#full) this.#stopped = true;
    this.#wake?.();
    await this.#running;
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        if (this.#queue[0]!.snapshotWrite === null) await this.#commitGroup(this.#takeGroup());
        else await this.#storeChunk(this.#queue.shift()!);
      }
    } catch (error) {
      this.#stopped = true;
      this.#events.failed(error as Error);
    } finally {
      this.#running = null;
    }
  }

  /** The records at the head of the queue that can share one fdatasync. */
  #takeGroup(): Persist[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#queue.length && this.#queue[count]!.snapshotWrite === null && bytes < GROUP_BYTES_MAX) {
      for (const entry of this.#queue[count]!.entries) bytes += entry.data.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commitGroup(group: readonly Persist[]): Promise<void> {
    const writes = group.filter(({ hardState, entries }) => hardState !== null || entries.length > 0);
    if (writes.length > 0) {
      if (!(await this.#untilSpace(() => this.#wal.append(writes)))) return;
      this.#events.synced(writes.length);
    }
    this.#events.persisted(
      group.at(-1)!.number,
      group.flatMap((record) => record.thenSend),
    );
  }

  /** The last chunk puts the snapshot in place: first the hard state, then the file, then the log is emptied. */
  async #storeChunk(record: Persist): Promise<void> {
    const { snapshot, offset, data, done } = record.snapshotWrite!;
    const { hardState } = record;
    if (hardState !== null && !(await this.#untilSpace(() => this.#wal.append([{ hardState, entries: [] }])))) return;
    if (!(await this.#untilSpace(() => this.#snapshots.receive(snapshot, offset, data, done)))) return;
    if (done) {
      const reset = { index: snapshot.index, term: snapshot.term };
      const writes = [{ hardState: null, entries: record.entries, reset }];
      if (!(await this.#untilSpace(() => this.#wal.append(writes)))) return;
    }
    this.#events.persisted(record.number, record.thenSend);
  }

  /** Repeats a write that found the disk full. @returns false when the node closes before there is space */
  async #untilSpace(write: () => Promise<void>): Promise<boolean> {
    while (!this.#stopped) {
      try {
        await write();
        this.#setFull(false);
        return true;
      } catch (error) {
        if (!(error instanceof DiskFullError)) throw error;
        this.#setFull(true);
        if (this.#closing) {
          this.#stopped = true;
          return false;
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, RETRY_MS);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
    return false;
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#events.diskFull(full);
  }
}
