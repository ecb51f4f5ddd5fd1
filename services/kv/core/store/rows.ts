import { assert } from '../../../../kit/assert.ts';
import type { Hash64 } from '../../../../kit/hash.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { KVEntry, Outcome } from './types.ts';

/** The result kept for an idempotency key. */
export interface Remembered {
  readonly idempotencyKey: string;
  /** Of the command that was applied; another command under the same key is a mistake of the client. */
  readonly fingerprint: Hash64;
  readonly outcome: Outcome;
  readonly entry: KVEntry | null;
}

const OUTCOMES: readonly Outcome[] = ['created', 'updated', 'deleted', 'notFound', 'keyReused'];

/** id | key | value | seq | source node | created at; the same bytes for the state hash and for snapshots. */
export function writeEntry(writer: ByteWriter, entry: KVEntry): void {
  writer.uuid(entry.id);
  writer.text(entry.key);
  writer.text(entry.value);
  writer.integer(entry.seq);
  writer.integer(entry.source_node);
  writer.integer(Date.parse(entry.created_at));
}

export function readEntry(reader: ByteReader): KVEntry {
  return {
    id: reader.uuid(),
    key: reader.text(),
    value: reader.text(),
    seq: reader.integer(),
    source_node: reader.integer(),
    created_at: new Date(reader.integer()).toISOString(),
  };
}

export function writeRemembered(writer: ByteWriter, row: Remembered): void {
  writer.text(row.idempotencyKey);
  writer.u32(row.fingerprint.hi);
  writer.u32(row.fingerprint.lo);
  writer.u8(OUTCOMES.indexOf(row.outcome));
  writer.u8(row.entry === null ? 0 : 1);
  if (row.entry !== null) writeEntry(writer, row.entry);
}

export function readRemembered(reader: ByteReader): Remembered {
  const idempotencyKey = reader.text();
  const fingerprint = { hi: reader.u32(), lo: reader.u32() };
  const outcome = OUTCOMES[reader.u8()];
  assert(outcome !== undefined, 'a remembered result has an unknown outcome');
  const entry = reader.u8() === 0 ? null : readEntry(reader);
  return { idempotencyKey, fingerprint, outcome, entry };
}
