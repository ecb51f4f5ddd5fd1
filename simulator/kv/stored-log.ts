import type { Prng } from '../../kit/prng.ts';
import { BinaryWriter } from '../../services/kv/binary.ts';
import type { HardState, LogIndex, Persist, Restored, SnapshotMeta } from '../../services/kv/core/raft/types.ts';
import { restore } from '../../services/kv/storage/restore.ts';
import { type LogWrite, writeRecord } from '../../services/kv/storage/wal-record.ts';
import { SegmentsReplay } from '../../services/kv/storage/wal-replay.ts';
import { encodeSegmentHeader, segmentName } from '../../services/kv/storage/wal-segment.ts';
import { TermTable } from './term-table.ts';

const CLUSTER = 'simulated';

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly data: Uint8Array;
}

/** One record of the log: what one group commit wrote. */
export type LogRecord = readonly LogWrite[];

interface Segment {
  readonly sequence: number;
  readonly recordFirst: number;
  readonly records: LogRecord[];
  maxIndex: LogIndex;
}

export interface Recovered {
  readonly restored: Restored | null;
  readonly snapshot: StoredSnapshot | null;
  readonly tornBytes: number;
}

/**
 * What one node has durably stored, as objects: the log in segments of records, and the newest snapshot. A restart turns the records
 * into bytes with the product's encoder, damages them as the crash did, and has the product's replay read them; so recovery is the real
 * one, and costs nothing while nodes run.
 */
export class StoredLog {
  snapshot: StoredSnapshot | null = null;
  /** The one before it is kept too, so that a leader can go on sending it. */
  previous: StoredSnapshot | null = null;
  /** The durable log by index; also of a node whose data was lost, as it was then. */
  readonly durable = new TermTable();
  readonly #segmentRecords: number;
  #segments: Segment[] = [];
  #recordNext = 1;
  #hardState: HardState = { term: 0, vote: null, commit: 0 };
  #incoming: Uint8Array[] = [];
  /** What a power cut left of a record: its writes, and how much of it. */
  #torn: { readonly record: LogRecord; readonly share: number } | null = null;
  /** Where a bit was changed, as a share of what may be. */
  #flipped: number | null = null;

  constructor(segmentRecords: number) {
    this.#segmentRecords = segmentRecords;
  }

  /** A record is durable. */
  append(record: LogRecord): void {
    const segment = this.#writable();
    segment.records.push(record);
    this.#recordNext += 1;
    for (const { hardState, entries, reset } of record) {
      if (hardState !== null) this.#hardState = hardState;
      if (reset !== undefined) this.durable.reset(reset.index, reset.term);
      if (entries.length === 0) continue;
      this.durable.write(entries);
      segment.maxIndex = Math.max(segment.maxIndex, entries.at(-1)!.index);
    }
  }

  /** A crash kept a share of a record. */
  tear(record: LogRecord, share: number): void {
    if (share === 1) this.append(record);
    else if (share > 0) this.#torn = { record, share };
  }

  /** One chunk of a snapshot that the leader sends is stored; with `done` it is in its place. */
  receive({ snapshot, offset, data, done }: NonNullable<Persist['snapshotWrite']>): void {
    if (offset === 0) this.#incoming = [];
    this.#incoming.push(data);
    if (!done) return;
    this.store({ meta: snapshot, data: Buffer.concat(this.#incoming) });
    this.#incoming = [];
  }

  store(snapshot: StoredSnapshot): void {
    if (snapshot.meta.index <= (this.snapshot?.meta.index ?? 0)) return;
    this.previous = this.snapshot;
    this.snapshot = snapshot;
    this.durable.snapshotAt(snapshot.meta.index, snapshot.meta.term);
  }

  /** Removes segments that hold only entries up to `index`. */
  compact(index: LogIndex): void {
    while (this.#segments.length > 1 && this.#segments[0]!.maxIndex <= index) this.#segments.shift();
  }

  /** Whether the next start may refuse what it finds. */
  get isDamaged(): boolean {
    return this.#flipped !== null;
  }

  /** At the next start one bit is found changed. */
  flipBit(random: Prng): void {
    if (this.#segments.length > 0) this.#flipped = random.float();
  }

  wipe(): void {
    this.snapshot = null;
    this.previous = null;
    this.#segments = [];
    this.#recordNext = 1;
    this.#hardState = { term: 0, vote: null, commit: 0 };
    this.#incoming = [];
    this.#torn = null;
    this.#flipped = null;
  }

  /** What a start finds. @throws StorageCorruptError */
  recover(keptEntries: number): Recovered {
    this.#incoming = [];
    const replay = new SegmentsReplay(CLUSTER);
    const files = this.#segments.map((segment) => this.#encode(segment));
    this.#damage(files);
    for (const [i, { sequence }] of this.#segments.entries())
      replay.take(segmentName(sequence), sequence, files[i]!, i === files.length - 1);
    const tornBytes = replay.segments.at(-1)?.tornBytes ?? 0;
    this.#torn = null;
    // It was in bytes that mean nothing; later segments are new.
    this.#flipped = null;
    const meta = this.snapshot?.meta ?? null;
    const { restored, reset } = restore(replay.log, meta, keptEntries, 'wal');
    if (reset !== null) this.append([{ hardState: null, entries: [], reset }]);
    return { restored, snapshot: this.snapshot, tornBytes };
  }

  #writable(): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.records.length < this.#segmentRecords) return last;
    // It opens with the hard state, so that all segments before it can be removed.
    const opening: LogRecord = [{ hardState: this.#hardState, entries: [] }];
    const segment = {
      sequence: (last?.sequence ?? 0) + 1,
      recordFirst: this.#recordNext,
      records: [opening],
      maxIndex: 0,
    };
    this.#recordNext += 1;
    this.#segments.push(segment);
    return segment;
  }

  #encode({ sequence, recordFirst, records }: Segment): Buffer {
    const writer = new BinaryWriter(4096);
    for (const [i, record] of records.entries()) writeRecord(writer, recordFirst + i, record);
    return Buffer.concat([encodeSegmentHeader({ clusterId: CLUSTER, sequence, recordFirst }), writer.view()]);
  }

  #damage(files: Buffer[]): void {
    if (this.#flipped !== null) this.#flip(files, this.#flipped);
    const last = files.length - 1;
    if (this.#torn === null || last < 0) return;
    const writer = new BinaryWriter();
    writeRecord(writer, this.#recordNext, this.#torn.record);
    const kept = Math.floor(this.#torn.share * writer.length);
    files[last] = Buffer.concat([files[last]!, writer.view().subarray(0, kept)]);
  }

  /**
   * Flips a bit anywhere but in the last record: damage there cannot be told from an unfinished write, which is a limit that the product
   * states.
   */
  #flip(files: readonly Buffer[], where: number): void {
    const { records, recordFirst } = this.#segments.at(-1)!;
    const lastRecord = new BinaryWriter();
    writeRecord(lastRecord, recordFirst + records.length - 1, records.at(-1)!);
    const bytes = files.reduce((sum, file) => sum + file.length, 0) - lastRecord.length;
    let at = Math.floor(where * bytes);
    for (const file of files) {
      if (at < file.length) {
        file[at]! ^= 1 << (Math.floor(where * 1000 * 8) % 8);
        return;
      }
      at -= file.length;
    }
  }
}
