import { assert } from '../../../kit/assert.ts';
import { BinaryWriter } from '../binary.ts';
import type { HardState, LogIndex } from '../core/raft/types.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DiskFullError, isDiskFull } from './errors.ts';
import { type LogWrite, RECORD_BYTES_MAX, writeRecord } from './wal-record.ts';
import { type ReplayedLog, replay } from './wal-replay.ts';
import { encodeSegmentHeader, segmentName } from './wal-segment.ts';

export interface WalOptions {
  readonly clusterId: string;
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytes: number;
}

interface Segment {
  readonly sequence: number;
  readonly path: string;
  maxIndex: LogIndex;
}

/** The file position that must be durable before `index` is. */
interface Mark {
  readonly file: DiskFile;
  readonly end: number;
  readonly index: LogIndex;
}

/**
 * The write-ahead log of a node: entries and hard state, in segments.
 *
 * One call of `append` is one record, one write and one fdatasync, and the next one begins only after it: so whatever a crash leaves
 * unfinished is the last record alone, and a bad record with a valid one behind it is damage.
 */
export class WriteAheadLog {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #options: WalOptions;
  /** Oldest first; the last one is written to. */
  readonly #segments: Segment[];
  readonly #writer = new BinaryWriter(64 * 1024);
  /** Null only before the first segment exists. */
  #file: DiskFile | null;
  #recordNext: number;
  #hardState: HardState | null;
  #lastIndex: LogIndex;
  #durableIndex: LogIndex;
  #marks: Mark[] = [];
  #writing = false;

  private constructor(disk: Disk, directory: string, options: WalOptions, at: Opened) {
    this.#disk = disk;
    this.#directory = directory;
    this.#options = options;
    this.#segments = at.segments;
    this.#file = at.file;
    this.#recordNext = at.recordNext;
    this.#hardState = at.log.hardState;
    this.#lastIndex = at.log.entries.at(-1)?.index ?? at.log.base ?? 0;
    this.#durableIndex = this.#lastIndex;
  }

  /**
   * Replays the log, cuts off an unfinished last write, and makes what it read durable (a process that was killed may have left
   * written but unsynced records, which must not be promised before they are).
   * @returns the log and `tornBytes`, the size of the write that was cut off
   * @throws StorageCorruptError DataDirectoryError
   */
  static async open(
    disk: Disk,
    directory: string,
    options: WalOptions,
  ): Promise<{ log: WriteAheadLog; replayed: ReplayedLog; tornBytes: number }> {
    await disk.makeDirectory(directory);
    const found = await replay(disk, directory, options.clusterId);
    if (found.unfinished !== null) {
      await disk.remove(found.unfinished);
      await disk.syncDirectory(directory);
    }
    const segments = found.segments.map(({ sequence, path, maxIndex }) => ({ sequence, path, maxIndex }));
    const last = found.segments.at(-1);
    let file: DiskFile | null = null;
    if (last !== undefined) {
      file = await disk.open(last.path, 'write');
      if (last.tornBytes > 0) await file.truncate(last.size);
      await file.datasync();
      await disk.syncDirectory(directory);
    }
    const log = new WriteAheadLog(disk, directory, options, {
      segments,
      file,
      recordNext: found.recordNext,
      log: found.log,
    });
    return { log, replayed: found.log, tornBytes: last?.tornBytes ?? 0 };
  }

  /** Bytes in the segment that is written to. */
  get activeBytes(): number {
    return this.#file?.size ?? 0;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /**
   * Greatest index that the disk itself has reported durable: from the sizes that completed fdatasync calls covered, not from what
   * this class believes to have done.
   */
  durableIndex(): LogIndex {
    while (this.#marks.length > 0 && this.#marks[0]!.file.syncedSize >= this.#marks[0]!.end) {
      this.#durableIndex = this.#marks.shift()!.index;
    }
    return this.#durableIndex;
  }

  /**
   * Makes all of `writes` durable, atomically, as one record.
   * @throws DiskFullError nothing was written and the same call may be made again; any other error leaves the log unusable
   */
  async append(writes: readonly LogWrite[]): Promise<void> {
    assert(!this.#writing, 'append: the previous write has not finished');
    this.#writing = true;
    try {
      if (this.#file === null || this.#file.size >= this.#options.segmentBytes) await this.#rotate();
      this.#writer.clear();
      writeRecord(this.#writer, this.#recordNext, writes);
      assert(this.#writer.length <= RECORD_BYTES_MAX, `append: ${this.#writer.length} bytes in one record`);
      await this.#write(this.#file!, this.#writer.view());
      this.#mark(this.#file!, writes);
      await this.#file!.datasync();
      this.#recordNext += 1;
      for (const { hardState } of writes) this.#hardState = hardState ?? this.#hardState;
    } finally {
      this.#writing = false;
    }
  }

  /** Removes segments that hold only entries up to `index`; the caller has a durable snapshot of the state at or after it. */
  async compact(index: LogIndex): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[0]!.maxIndex <= index) {
      await this.#disk.remove(this.#segments[0]!.path);
      // One at a time: were two removals reordered by a crash, a gap would be left that looks like damage.
      await this.#disk.syncDirectory(this.#directory);
      this.#segments.shift();
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #write(file: DiskFile, data: Uint8Array): Promise<void> {
    const end = file.size;
    try {
      await file.append(data);
    } catch (error) {
      // What was written of it must go before anything else is appended behind it.
      await file.truncate(end);
      throw isDiskFull(error) ? new DiskFullError(file.path, error) : error;
    }
  }

  /** Remembers up to where the file must be durable for these entries, and that a replaced suffix is not durable any more. */
  #mark(file: DiskFile, writes: readonly LogWrite[]): void {
    this.durableIndex();
    for (const { entries, reset } of writes) {
      if (reset !== undefined) this.#lastIndex = reset.index;
      if (entries.length === 0) continue;
      this.#durableIndex = Math.min(this.#durableIndex, entries[0]!.index - 1);
      this.#lastIndex = entries.at(-1)!.index;
      const active = this.#segments.at(-1)!;
      active.maxIndex = Math.max(active.maxIndex, this.#lastIndex);
    }
    this.#marks.push({ file, end: file.size, index: this.#lastIndex });
  }

  /** Starts a new segment. It opens with the hard state, so that all segments before it can be removed. */
  async #rotate(): Promise<void> {
    const sequence = (this.#segments.at(-1)?.sequence ?? 0) + 1;
    const path = `${this.#directory}/${segmentName(sequence)}`;
    const hardState = this.#hardState ?? { term: 0, vote: null, commit: 0 };
    const record = new BinaryWriter();
    writeRecord(record, this.#recordNext, [{ hardState, entries: [] }]);
    const header = encodeSegmentHeader({ clusterId: this.#options.clusterId, sequence, recordFirst: this.#recordNext });
    const file = await this.#create(path, Buffer.concat([header, record.view()]));
    await this.#file?.close();
    this.#file = file;
    this.#recordNext += 1;
    this.#segments.push({ sequence, path, maxIndex: 0 });
  }

  async #create(path: string, data: Uint8Array): Promise<DiskFile> {
    let file: DiskFile | null = null;
    try {
      file = await this.#disk.open(path, 'create');
      await file.append(data);
    } catch (error) {
      await file?.close();
      await this.#disk.remove(path);
      throw isDiskFull(error) ? new DiskFullError(path, error) : error;
    }
    await file.datasync();
    await this.#disk.syncDirectory(this.#directory);
    return file;
  }
}

interface Opened {
  readonly segments: Segment[];
  readonly file: DiskFile | null;
  readonly recordNext: number;
  readonly log: ReplayedLog;
}
