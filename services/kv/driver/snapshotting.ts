import type { LogIndex, SnapshotMeta } from '../core/raft/types.ts';
import { DiskFullError } from '../storage/errors.ts';
import type { SnapshotStore } from '../storage/snapshots.ts';
import type { WriteAheadLog } from '../storage/wal.ts';

export interface SnapshotSource {
  /** What goes with a snapshot of the present state; null when none can be taken just now. */
  meta(): Omit<SnapshotMeta, 'size'> | null;
  /** The present state, unaffected by what is applied while it is read. */
  chunks(): Iterable<Uint8Array>;
}

export interface SnapshottingEvents {
  stored(snapshot: SnapshotMeta): void;
  failed(error: Error): void;
  /** It will be tried again after as many entries. */
  postponed(error: Error): void;
}

export interface SnapshottingOptions {
  /** A snapshot is taken after so many entries, and later where the state is large; see `STATE_SHARE`. */
  readonly entries: number;
  /** At the latest after so many bytes of commands, which the log keeps in memory until then. */
  readonly bytes: number;
}

/**
 * The log grows to this share of the last snapshot before there is a new one: so however large the state, what snapshots write is at most
 * four times what the log writes (Ongaro's thesis, §5.1.3).
 */
const STATE_SHARE = 1 / 4;

/** Takes snapshots of this node's own state from time to time, and lets the log before them go. */
export class Snapshotting {
  readonly #wal: WriteAheadLog;
  readonly #snapshots: SnapshotStore;
  readonly #source: SnapshotSource;
  readonly #events: SnapshottingEvents;
  readonly #options: SnapshottingOptions;
  #entries = 0;
  #bytes = 0;
  #running: Promise<void> | null = null;
  #compacting: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    wal: WriteAheadLog,
    snapshots: SnapshotStore,
    source: SnapshotSource,
    events: SnapshottingEvents,
    options: SnapshottingOptions,
  ) {
    this.#wal = wal;
    this.#snapshots = snapshots;
    this.#source = source;
    this.#events = events;
    this.#options = options;
  }

  /** An entry with so many bytes has been applied. */
  applied(bytes: number): void {
    this.#entries += 1;
    this.#bytes += bytes;
  }

  /** Takes a snapshot when it is time. Call it when Raft knows of everything applied. */
  consider(): void {
    const { entries, bytes } = this.#options;
    const worth = (this.#snapshots.latest?.size ?? 0) * STATE_SHARE;
    const due = this.#entries >= entries && this.#bytes >= worth;
    if ((due || this.#bytes >= bytes) && this.#running === null && !this.#stopped) void this.take();
  }

  /** Takes one now, unless one is being taken already. */
  take(): Promise<void> {
    this.#running ??= this.#take().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Raft has dropped the log up to `index`. */
  compacted(index: LogIndex): void {
    this.#compacting = this.#compacting
      .then(() => this.#wal.compact(Math.min(index, this.#snapshots.latest?.index ?? 0)))
      .catch((error: Error) => this.#events.failed(error));
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#compacting;
  }

  async #take(): Promise<void> {
    this.#entries = 0;
    this.#bytes = 0;
    const meta = this.#source.meta();
    if (meta === null || meta.index <= (this.#snapshots.latest?.index ?? 0)) return;
    try {
      const stored = await this.#snapshots.create(meta, this.#source.chunks());
      await this.#snapshots.prune();
      if (!this.#stopped) this.#events.stored(stored);
    } catch (error) {
      if (error instanceof DiskFullError) this.#events.postponed(error);
      else this.#events.failed(error as Error);
    }
  }
}
