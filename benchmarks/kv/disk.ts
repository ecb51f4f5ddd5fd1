/** What the disk takes to make one record of a log durable. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { alone, median } from '../bench.ts';
import type { Findings, Plan } from './plan.ts';

export const DISK_METRICS: readonly string[] = ['fsync_seconds'];

const RECORDS = 1_000;
/** A record with one write of 256 bytes, its key, id and head. */
const RECORD_BYTES = 400;

/** Appends records to a file, one after the other, each with its own fdatasync, as a log with one client does. */
export async function measureDisk({ context }: Plan): Promise<Findings> {
  const record = Buffer.alloc(RECORD_BYTES, 'x');
  const seconds: number[] = [];
  const file = await open(join(context.directory, 'fsync'), 'w');
  try {
    for (let number = 0; number < RECORDS; number += 1) {
      context.signal.throwIfAborted();
      const begin = performance.now();
      await file.write(record);
      await file.datasync();
      seconds.push((performance.now() - begin) / 1000);
    }
  } finally {
    await file.close();
  }
  return {
    metrics: [alone('fsync_seconds', median(seconds), 'seconds')],
    notes: [`fsync_seconds: write and fdatasync of ${RECORD_BYTES} bytes at the end of a file, median of ${RECORDS}`],
  };
}
