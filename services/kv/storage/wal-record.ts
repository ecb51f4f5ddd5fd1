import { crc32c } from '@node-rs/crc32';
import { BinaryReader, type BinaryWriter, MalformedError } from '../binary.ts';
import type { Entry, EntryKind, HardState, LogIndex, Term } from '../core/raft/types.ts';

/** One step of the log, as one Raft `Persist` asks for it. All steps of one record become durable together or not at all. */
export interface LogWrite {
  readonly hardState: HardState | null;
  /** A first index at or below the last one in the log replaces everything from there on. */
  readonly entries: readonly Entry[];
  /** The log is emptied first and goes on after this index: a snapshot from the leader has replaced it. */
  readonly reset?: { readonly index: LogIndex; readonly term: Term };
}

/** Bytes before the payload: its length, and CRC32C over length and payload. */
export const RECORD_HEAD_BYTES = 8;
/** A record number and at least one byte. */
const PAYLOAD_BYTES_MIN = 9;
/** Beyond this a length is damage, not data: a group commit is bounded far below. */
export const RECORD_BYTES_MAX = 256 * 1024 * 1024;

const OP_HARD_STATE = 1;
const OP_ENTRIES = 2;
const OP_RESET = 3;

const KINDS: readonly EntryKind[] = ['noop', 'command', 'membership'];

/** Appends one record to the writer: `length u32 | CRC32C u32 | number u64 | operations`. */
export function writeRecord(writer: BinaryWriter, number: number, writes: readonly LogWrite[]): void {
  const start = writer.length;
  writer.u32(0);
  writer.u32(0);
  writer.u64(number);
  for (const write of writes) writeOperations(writer, write);
  const length = writer.length - start - RECORD_HEAD_BYTES;
  writer.patchU32(start, length);
  writer.patchU32(start + 4, checksum(writer.view(start)));
}

function writeOperations(writer: BinaryWriter, { hardState, entries, reset }: LogWrite): void {
  if (reset !== undefined) {
    writer.u8(OP_RESET);
    writer.varint(reset.index);
    writer.varint(reset.term);
  }
  if (entries.length > 0) {
    writer.u8(OP_ENTRIES);
    writer.varint(entries[0]!.index);
    writer.varint(entries.length);
    for (const entry of entries) {
      writer.varint(entry.term);
      writer.u8(KINDS.indexOf(entry.kind));
      writer.bytes(entry.data);
    }
  }
  if (hardState !== null) {
    writer.u8(OP_HARD_STATE);
    writer.varint(hardState.term);
    writer.varint(hardState.vote === null ? 0 : hardState.vote + 1);
    writer.varint(hardState.commit);
  }
}

/** The checksum of a record: over its length field and its payload, so that a flipped bit in either shows. */
function checksum(record: Buffer): number {
  return crc32c(record.subarray(RECORD_HEAD_BYTES), crc32c(record.subarray(0, 4)));
}

export interface ParsedRecord {
  readonly number: number;
  readonly writes: readonly LogWrite[];
  /** Where the next record begins. */
  readonly end: number;
}

/** The record that begins at `at`, or what is wrong with it. */
export function readRecord(
  segment: Buffer,
  at: number,
  numberExpected: number,
): ParsedRecord | { readonly damage: string } {
  if (segment.length - at < RECORD_HEAD_BYTES) return { damage: `${segment.length - at} bytes cannot hold a record` };
  const length = segment.readUInt32BE(at);
  const end = at + RECORD_HEAD_BYTES + length;
  if (length < PAYLOAD_BYTES_MIN || length > RECORD_BYTES_MAX)
    return { damage: `a record of ${length} bytes is impossible` };
  if (end > segment.length) return { damage: `a record of ${length} bytes runs past the end of the file` };
  const record = segment.subarray(at, end);
  if (record.readUInt32BE(4) !== checksum(record)) return { damage: 'the checksum of a record does not match' };
  const reader = new BinaryReader(record, RECORD_HEAD_BYTES);
  try {
    const number = reader.u64();
    if (number !== numberExpected) return { damage: `record ${numberExpected} was expected, ${number} found` };
    return { number, writes: readOperations(reader), end };
  } catch (error) {
    if (error instanceof MalformedError)
      return { damage: `a record with a right checksum makes no sense: ${error.message}` };
    throw error;
  }
}

function readOperations(reader: BinaryReader): LogWrite[] {
  const writes: LogWrite[] = [];
  while (reader.left > 0) {
    const tag = reader.u8();
    if (tag === OP_HARD_STATE) writes.push({ hardState: readHardState(reader), entries: [] });
    else if (tag === OP_ENTRIES) writes.push({ hardState: null, entries: readEntries(reader) });
    else if (tag === OP_RESET) {
      writes.push({ hardState: null, entries: [], reset: { index: reader.varint(), term: reader.varint() } });
    } else throw new MalformedError(`unknown operation ${tag}`);
  }
  return writes;
}

function readHardState(reader: BinaryReader): HardState {
  const term = reader.varint();
  const vote = reader.varint();
  return { term, vote: vote === 0 ? null : vote - 1, commit: reader.varint() };
}

function readEntries(reader: BinaryReader): Entry[] {
  const first = reader.varint();
  const count = reader.count(3);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const term = reader.varint();
    const kind = KINDS[reader.u8()];
    if (kind === undefined) throw new MalformedError('unknown kind of entry');
    entries.push({ index: first + i, term, kind, data: reader.bytes() });
  }
  return entries;
}

/**
 * Where a valid record begins after `from`, or null. Used to tell an unfinished last write (nothing valid can follow, because a
 * record is written only when the one before it is durable) from damage to something that was durable.
 * @param numberMin the number of the damaged record: one that follows has a greater or the same number; null when it is not known
 */
export function findRecord(segment: Buffer, from: number, numberMin: number | null): number | null {
  // Each record takes at least this many bytes, which bounds the numbers that can follow and spares most checksums.
  const recordsMax = Math.ceil((segment.length - from) / (RECORD_HEAD_BYTES + PAYLOAD_BYTES_MIN));
  const numberMax = numberMin === null ? Number.MAX_SAFE_INTEGER : numberMin + recordsMax;
  const last = segment.length - RECORD_HEAD_BYTES - PAYLOAD_BYTES_MIN;
  for (let at = from; at <= last; at++) {
    const length = segment.readUInt32BE(at);
    if (length < PAYLOAD_BYTES_MIN || at + RECORD_HEAD_BYTES + length > segment.length) continue;
    const number = segment.readUInt32BE(at + 8) * 0x1_0000_0000 + segment.readUInt32BE(at + 12);
    if (number < (numberMin ?? 0) || number > numberMax) continue;
    const record = segment.subarray(at, at + RECORD_HEAD_BYTES + length);
    if (record.readUInt32BE(4) === checksum(record)) return at;
  }
  return null;
}
