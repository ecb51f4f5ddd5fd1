import type { Prng } from '../../../kit/prng.ts';
import type { Disk } from './disk.ts';
import { readRecord } from './wal-record.ts';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentSequence } from './wal-segment.ts';

/** Where a bit was turned over. */
export interface FlippedBit {
  readonly path: string;
  /** Byte in the file. */
  readonly offset: number;
}

/**
 * Turns over one bit of a log record that another one follows, as a medium does that forgets. The last record of all is spared: damage to
 * it cannot be told from a write that was cut off, and would be taken for one.
 * @param directory of the log
 * @returns null when the log is too short to have such a record
 */
export async function flipBit(disk: Disk, directory: string, random: Prng): Promise<FlippedBit | null> {
  const names = (await disk.list(directory)).filter((name) => segmentSequence(name) !== null);
  for (const [fromEnd, name] of names.reverse().entries()) {
    const path = `${directory}/${name}`;
    const records = recordsOf(Buffer.from(await disk.readFile(path)));
    if (fromEnd === 0) records.pop();
    if (records.length === 0) continue;
    const { start, end } = random.pick(records);
    const offset = random.integer(start, end);
    const file = await disk.open(path, 'write');
    try {
      const [byte] = await file.readAt(offset, 1);
      await file.writeAt(offset, Uint8Array.of(byte! ^ (1 << random.integer(0, 8))));
    } finally {
      await file.close();
    }
    return { path, offset };
  }
  return null;
}

function recordsOf(segment: Buffer): { readonly start: number; readonly end: number }[] {
  const header = decodeSegmentHeader(segment);
  if ('damage' in header) return [];
  const records: { start: number; end: number }[] = [];
  for (let start = SEGMENT_HEADER_BYTES, number = header.recordFirst; start < segment.length; number++) {
    const record = readRecord(segment, start, number);
    if ('damage' in record) break;
    records.push({ start, end: record.end });
    start = record.end;
  }
  return records;
}
