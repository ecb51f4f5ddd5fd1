import { assert } from '../../../kit/assert.ts';
import type { LogIndex, SnapshotMeta } from '../core/raft/types.ts';
import type { Disk } from './disk.ts';
import { SnapshotReader, SnapshotWriter } from './snapshot-file.ts';

/** Beside the newest one, so that a transfer that is under way can be finished. */
const SNAPSHOTS_KEPT = 2;
const INCOMING = 'incoming.tmp';
const CREATED = 'created.tmp';

function snapshotName(meta: SnapshotMeta): string {
  return `${String(meta.index).padStart(16, '0')}-${meta.term}.snapshot`;
}

/** The snapshots of one node, each a file `<index>-<term>.snapshot`. */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clusterId: string;
  #latest: SnapshotMeta | null = null;
  #incoming: { readonly meta: SnapshotMeta; readonly writer: SnapshotWriter } | null = null;
  /** Open readers by index: one file is read chunk by chunk while it is sent. */
  readonly #readers = new Map<LogIndex, Promise<SnapshotReader | null>>();

  private constructor(disk: Disk, directory: string, clusterId: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#clusterId = clusterId;
  }

  /** Finds the newest snapshot and removes what was never finished. @throws StorageCorruptError DataDirectoryError */
  static async open(disk: Disk, directory: string, clusterId: string): Promise<SnapshotStore> {
    const store = new SnapshotStore(disk, directory, clusterId);
    await disk.makeDirectory(directory);
    const names = await disk.list(directory);
    for (const name of names) if (name.endsWith('.tmp')) await disk.remove(`${directory}/${name}`);
    const newest = names.filter((name) => name.endsWith('.snapshot')).at(-1);
    if (newest !== undefined) {
      // A rename whose directory was not synced before the process died may not be durable yet, and the log relies on it.
      await disk.syncDirectory(directory);
      const reader = await SnapshotReader.open(disk, `${directory}/${newest}`, clusterId);
      store.#latest = reader.meta;
      await reader.close();
    }
    return store;
  }

  get latest(): SnapshotMeta | null {
    return this.#latest;
  }

  /**
   * Stores the state at `meta.index`; resolves when it is durable under its name.
   * @param chunks the state, in pieces; the event loop gets a turn between writes
   * @param meta without the size, which is counted here
   */
  async create(meta: Omit<SnapshotMeta, 'size'>, chunks: Iterable<Uint8Array>): Promise<SnapshotMeta> {
    const writer = await SnapshotWriter.create(this.#disk, `${this.#directory}/${CREATED}`);
    try {
      for (const chunk of chunks) await writer.append(chunk);
      return await this.#finish(writer, { ...meta, size: writer.received });
    } catch (error) {
      await writer.abort().catch(() => {});
      throw error;
    }
  }

  /**
   * Takes one chunk of a snapshot that the leader sends. Offset 0 starts anew; any other continues at exactly what was received.
   * With `done` the snapshot is durable when this resolves.
   * @throws DiskFullError the same chunk may be given again
   */
  async receive(meta: SnapshotMeta, offset: number, data: Uint8Array, done: boolean): Promise<void> {
    if (offset === 0) await this.#startIncoming(meta);
    const incoming = this.#incoming;
    assert(
      incoming !== null && incoming.meta.index === meta.index,
      `snapshot ${meta.index}: chunk ${offset} has no beginning`,
    );
    const known = incoming.writer.received - offset;
    assert(known >= 0 && known <= data.length, `snapshot ${meta.index}: chunk ${offset} after ${known + offset} bytes`);
    await incoming.writer.append(data.subarray(known));
    if (!done) return;
    await this.#finish(incoming.writer, meta);
    this.#incoming = null;
  }

  /** A piece of a stored snapshot for a follower, or null when that snapshot is no more. @throws StorageCorruptError */
  async read(index: LogIndex, offset: number, length: number): Promise<{ data: Uint8Array; done: boolean } | null> {
    let opening = this.#readers.get(index);
    if (opening === undefined) {
      opening = this.#openReader(index).catch((error: unknown) => {
        // What failed once, as for want of file descriptors, is tried again.
        this.#readers.delete(index);
        throw error;
      });
      this.#readers.set(index, opening);
    }
    const reader = await opening;
    if (reader === null) {
      this.#readers.delete(index);
      return null;
    }
    const data = await reader.read(offset, length);
    return { data, done: offset + data.length >= reader.meta.size };
  }

  /** All data of a stored snapshot, in order. @throws StorageCorruptError */
  async *blocks(meta: SnapshotMeta): AsyncGenerator<Uint8Array> {
    const reader = await SnapshotReader.open(this.#disk, `${this.#directory}/${snapshotName(meta)}`, this.#clusterId);
    try {
      yield* reader.blocks();
    } finally {
      await reader.close();
    }
  }

  /** Removes all but the newest snapshots. Call it when nothing depends on the older ones any more. */
  async prune(): Promise<void> {
    const names = (await this.#disk.list(this.#directory)).filter((name) => name.endsWith('.snapshot'));
    for (const name of names.slice(0, -SNAPSHOTS_KEPT)) {
      const index = Number(name.slice(0, 16));
      const reader = await this.#readers.get(index)?.catch(() => null);
      this.#readers.delete(index);
      await reader?.close();
      await this.#disk.remove(`${this.#directory}/${name}`);
    }
  }

  async close(): Promise<void> {
    await this.#incoming?.writer.abort();
    this.#incoming = null;
    for (const opening of this.#readers.values()) await (await opening.catch(() => null))?.close();
    this.#readers.clear();
  }

  async #startIncoming(meta: SnapshotMeta): Promise<void> {
    await this.#incoming?.writer.abort();
    this.#incoming = null;
    this.#incoming = { meta, writer: await SnapshotWriter.create(this.#disk, `${this.#directory}/${INCOMING}`) };
  }

  async #finish(writer: SnapshotWriter, meta: SnapshotMeta): Promise<SnapshotMeta> {
    await writer.finish(this.#clusterId, meta, `${this.#directory}/${snapshotName(meta)}`, this.#directory);
    if (this.#latest === null || meta.index >= this.#latest.index) this.#latest = meta;
    return meta;
  }

  async #openReader(index: LogIndex): Promise<SnapshotReader | null> {
    const prefix = `${String(index).padStart(16, '0')}-`;
    const name = (await this.#disk.list(this.#directory)).find(
      (it) => it.startsWith(prefix) && it.endsWith('.snapshot'),
    );
    return name === undefined ? null : SnapshotReader.open(this.#disk, `${this.#directory}/${name}`, this.#clusterId);
  }
}
