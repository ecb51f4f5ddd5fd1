import { crc32c } from '@node-rs/crc32';
import { BinaryReader, BinaryWriter, MalformedError } from '../binary.ts';

/** Opens every segment: `magic u32 | version u32 | CRC32C u32 | length u32 | cluster text, sequence, first record number`, zero-padded. */
export const SEGMENT_HEADER_BYTES = 256;
const MAGIC = 0x4744574c; // "GDWL"
const VERSION = 1;

export interface SegmentHeader {
  readonly clusterId: string;
  /** 1, 2, 3 … without gaps. */
  readonly sequence: number;
  /** Number of the first record; records are numbered through all segments. */
  readonly recordFirst: number;
}

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(16, '0')}.wal`;
}

/** The sequence in a segment's name, or null for a file that is none. */
export function segmentSequence(name: string): number | null {
  return /^\d{16}\.wal$/.test(name) ? Number(name.slice(0, 16)) : null;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const payload = new BinaryWriter(SEGMENT_HEADER_BYTES);
  payload.text(header.clusterId);
  payload.varint(header.sequence);
  payload.varint(header.recordFirst);
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(VERSION, 4);
  bytes.writeUInt32BE(crc32c(payload.view()), 8);
  bytes.writeUInt32BE(payload.length, 12);
  bytes.set(payload.view(), 16);
  return bytes;
}

/** The header, or what is wrong with it. `version` is set when only the version differs. */
export function decodeSegmentHeader(
  segment: Buffer,
): SegmentHeader | { readonly damage: string; readonly version?: number } {
  if (segment.length < SEGMENT_HEADER_BYTES) return { damage: 'the segment header is cut short' };
  if (segment.readUInt32BE(0) !== MAGIC) return { damage: 'this is no log segment' };
  const version = segment.readUInt32BE(4);
  if (version !== VERSION) return { damage: `format version ${version} is not ${VERSION}`, version };
  const length = segment.readUInt32BE(12);
  if (length > SEGMENT_HEADER_BYTES - 16) return { damage: 'the segment header has an impossible length' };
  const payload = segment.subarray(16, 16 + length);
  if (crc32c(payload) !== segment.readUInt32BE(8))
    return { damage: 'the checksum of the segment header does not match' };
  try {
    const reader = new BinaryReader(payload);
    return { clusterId: reader.text(), sequence: reader.varint(), recordFirst: reader.varint() };
  } catch (error) {
    if (error instanceof MalformedError) return { damage: error.message };
    throw error;
  }
}
