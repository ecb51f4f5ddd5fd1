import type { Entry, HardState, LogIndex } from '../core/raft/types.ts';
import type { Disk } from './disk.ts';
import { DataDirectoryError, StorageCorruptError } from './errors.ts';
import { findRecord, type LogWrite, readRecord } from './wal-record.ts';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName, segmentSequence } from './wal-segment.ts';

/** What the replay leaves in memory: the log's entries in order, without gaps. */
export interface ReplayedLog {
  hardState: HardState | null;
  entries: Entry[];
  /** After a reset: the index that the next entry follows. */
  base: LogIndex | null;
}

export interface ReplayedSegment {
  readonly sequence: number;
  readonly path: string;
  /** Greatest index of an entry in it; 0 when there is none. */
  maxIndex: LogIndex;
  /** Where the valid records end. */
  size: number;
  /** Bytes after that which were never durable: an unfinished last write. */
  tornBytes: number;
}

export interface Replay {
  readonly log: ReplayedLog;
  readonly segments: readonly ReplayedSegment[];
  readonly recordNext: number;
  /** A last segment whose creation was not finished; to be removed. */
  readonly unfinished: string | null;
}

/** Reads all segments in order. @throws StorageCorruptError DataDirectoryError */
export async function replay(disk: Disk, directory: string, clusterId: string): Promise<Replay> {
  const sequences = (await disk.list(directory)).map(segmentSequence).filter((sequence) => sequence !== null);
  const replaying = new SegmentsReplay(clusterId);
  for (const [position, sequence] of sequences.entries()) {
    const path = `${directory}/${segmentName(sequence)}`;
    replaying.take(path, sequence, Buffer.from(await disk.readFile(path)), position === sequences.length - 1);
  }
  return replaying;
}

/** The replay of segments that are handed to it one after the other; it reads nothing itself. */
export class SegmentsReplay implements Replay {
  readonly log: ReplayedLog = { hardState: null, entries: [], base: null };
  readonly segments: ReplayedSegment[] = [];
  recordNext = 1;
  unfinished: string | null = null;
  readonly #clusterId: string;

  constructor(clusterId: string) {
    this.#clusterId = clusterId;
  }

  /**
   * @param sequence from the name of the segment
   * @param last whether no later segment exists
   * @throws StorageCorruptError DataDirectoryError
   */
  take(path: string, sequence: number, data: Buffer, last: boolean): void {
    const before = this.segments.at(-1)?.sequence;
    if (before !== undefined && sequence !== before + 1) {
      throw new StorageCorruptError(path, 0, `segment ${before + 1} before it is missing`);
    }
    const header = readHeader(data, path, this.#clusterId, last);
    if (header === null) {
      this.unfinished = path;
      return;
    }
    if (header.sequence !== sequence || (before !== undefined && header.recordFirst !== this.recordNext)) {
      throw new StorageCorruptError(
        path,
        0,
        `it is segment ${header.sequence} with records from ${header.recordFirst}`,
      );
    }
    const segment: ReplayedSegment = { sequence, path, maxIndex: 0, size: SEGMENT_HEADER_BYTES, tornBytes: 0 };
    this.recordNext = replaySegment(this.log, segment, data, header.recordFirst, last);
    if (last && segment.size === SEGMENT_HEADER_BYTES) this.unfinished = path;
    else this.segments.push(segment);
  }
}

/** The header, or null when the segment is the last one and its creation was cut off: then it holds no record. */
function readHeader(data: Buffer, path: string, clusterId: string, last: boolean) {
  const header = decodeSegmentHeader(data);
  if ('damage' in header) {
    if (header.version !== undefined) {
      throw new DataDirectoryError(
        'VERSION',
        `${path}: ${header.damage}: start the version of stress_node that wrote it`,
      );
    }
    if (last && data.length < SEGMENT_HEADER_BYTES * 2 && findRecord(data, 0, null) === null) return null;
    throw new StorageCorruptError(path, 0, header.damage);
  }
  if (header.clusterId !== clusterId) {
    throw new DataDirectoryError(
      'FOREIGN',
      `${path} belongs to cluster ${header.clusterId}, this is ${clusterId}: give another --data-dir`,
    );
  }
  return header;
}

function replaySegment(
  log: ReplayedLog,
  segment: ReplayedSegment,
  data: Buffer,
  recordFirst: number,
  last: boolean,
): number {
  let recordNext = recordFirst;
  while (segment.size < data.length) {
    const record = readRecord(data, segment.size, recordNext);
    if ('damage' in record) {
      if (!last)
        throw new StorageCorruptError(segment.path, segment.size, `${record.damage}, and later segments exist`);
      const next = findRecord(data, segment.size + 1, recordNext);
      if (next !== null) {
        throw new StorageCorruptError(
          segment.path,
          segment.size,
          `${record.damage}, and a valid record follows at byte ${next}`,
        );
      }
      segment.tornBytes = data.length - segment.size;
      return recordNext;
    }
    for (const write of record.writes) applyWrite(log, segment, write);
    segment.size = record.end;
    recordNext += 1;
  }
  return recordNext;
}

function applyWrite(log: ReplayedLog, segment: ReplayedSegment, write: LogWrite): void {
  if (write.hardState !== null) log.hardState = write.hardState;
  if (write.reset !== undefined) {
    log.entries = [];
    log.base = write.reset.index;
  }
  const first = write.entries[0]?.index;
  if (first === undefined) return;
  const end = log.entries.at(-1)?.index ?? log.base;
  if (end !== null && end !== undefined && first > end + 1) {
    throw new StorageCorruptError(segment.path, segment.size, `entry ${first} follows entry ${end}`);
  }
  const kept = log.entries.length === 0 ? 0 : Math.max(0, first - log.entries[0]!.index);
  log.entries.length = Math.min(log.entries.length, kept);
  for (const entry of write.entries) log.entries.push(entry);
  segment.maxIndex = Math.max(segment.maxIndex, write.entries.at(-1)!.index);
}
