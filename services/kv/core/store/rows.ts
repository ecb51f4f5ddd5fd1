import { assert } from '../../../../kit/assert.ts';
import type { Hash64 } from '../../../../kit/hash.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import type { CommandView } from './command-view.ts';
import type { KVEntry, Outcome } from './types.ts';

/**
 * An entry as a row: id (16 bytes) | key | value | seq | source node | created at. The same bytes are hashed, kept in memory and written
 * into snapshots.
 */
export function readEntry(row: Uint8Array): KVEntry {
  const reader = new ByteReader(row);
  return {
    id: reader.uuid(),
    key: reader.text(),
    value: reader.text(),
    seq: reader.integer(),
    source_node: reader.integer(),
    created_at: new Date(reader.integer()).toISOString(),
  };
}

export function idOf(row: Uint8Array): string {
  return new ByteReader(row).uuid();
}

/** Where a row's key begins, its length in front. */
export const KEY_AT = 16;

/** Where it ends. */
export function keyEndOf(row: Uint8Array): number {
  const reader = new ByteReader(row, KEY_AT);
  reader.skipText();
  return reader.at;
}

/** The row of the entry that a create makes. */
export function writeCreated(writer: ByteWriter, index: number, command: CommandView): void {
  writer.clear();
  command.copy(writer, 'id', 'value');
  writer.integer(index);
  writer.integer(command.sourceNode);
  writer.integer(command.timestampMs);
}

/** The row of an entry after an update: what the command does not name stays. */
export function writeUpdated(writer: ByteWriter, index: number, command: CommandView, old: Uint8Array): void {
  const reader = new ByteReader(old, 16);
  reader.skipText();
  const value = reader.at;
  reader.skipText();
  const seq = reader.at;
  reader.integer();
  writer.clear();
  writer.raw(old.subarray(0, 16));
  if (command.has('key')) command.copy(writer, 'key');
  else writer.raw(old.subarray(16, value));
  if (command.has('value')) command.copy(writer, 'value');
  else writer.raw(old.subarray(value, seq));
  writer.integer(index);
  writer.raw(old.subarray(reader.at));
}

/**
 * What is remembered under an idempotency key: idempotency key | fingerprint (u32, u32) | outcome u8 | whether an entry follows u8, and
 * then the entry's row, which is shared with the entry itself in memory.
 */
export interface Result {
  readonly idempotencyKey: string;
  /** Of the command that was applied; another command under the same key is a mistake of the client. */
  readonly fingerprint: Hash64;
  readonly outcome: Outcome;
  /** Bytes before the entry's row. */
  readonly headBytes: number;
}

const OUTCOMES: readonly Outcome[] = ['created', 'updated', 'deleted', 'notFound', 'keyReused'];

/** The row without the entry's. */
export function writeResult(
  writer: ByteWriter,
  command: CommandView,
  result: { readonly fingerprint: Hash64; readonly outcome: Outcome; readonly hasEntry: boolean },
): void {
  writer.clear();
  const { from, to } = command.idempotencyKey;
  writer.raw(command.bytes.subarray(from, to));
  writer.u32(result.fingerprint.hi);
  writer.u32(result.fingerprint.lo);
  writer.u8(OUTCOMES.indexOf(result.outcome));
  writer.u8(result.hasEntry ? 1 : 0);
}

/** Where the idempotency key ends, with which the row begins, its length in front. */
export function keyEndOfResult(row: Uint8Array): number {
  const reader = new ByteReader(row);
  reader.skipText();
  return reader.at;
}

export function readResult(row: Uint8Array): Result {
  const reader = new ByteReader(row);
  const idempotencyKey = reader.text();
  const fingerprint = { hi: reader.u32(), lo: reader.u32() };
  const outcome = OUTCOMES[reader.u8()];
  assert(outcome !== undefined, 'a remembered result has an unknown outcome');
  const hasEntry = reader.u8() === 1;
  assert(hasEntry || reader.at === row.length, 'bytes follow a remembered result that has no entry');
  return { idempotencyKey, fingerprint, outcome, headBytes: reader.at };
}
