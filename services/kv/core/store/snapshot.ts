import { assert } from '../../../../kit/assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { type Remembered, readEntry, readRemembered, writeEntry, writeRemembered } from './rows.ts';
import type { KVEntry } from './types.ts';

/**
 * A snapshot is a sequence of frames, each a length (u32, big-endian) and as many bytes: one header (format, index, hash, number of
 * entries, number of remembered results), then one frame for each entry and each remembered result. Chunks are cut between frames
 * when written, and may be cut anywhere when read.
 */
const FORMAT = 1;

export interface StoreState {
  /** Of the last command applied. */
  readonly index: number;
  readonly hash: string;
  readonly entries: readonly KVEntry[];
  /** In log order. */
  readonly remembered: readonly Remembered[];
}

export function* encodeSnapshot(state: StoreState, chunkBytes: number): Generator<Uint8Array> {
  const writer = new ByteWriter();
  frame(writer, () => {
    writer.u8(FORMAT);
    writer.integer(state.index);
    writer.text(state.hash);
    writer.integer(state.entries.length);
    writer.integer(state.remembered.length);
  });
  for (const entry of state.entries) {
    frame(writer, () => writeEntry(writer, entry));
    if (writer.length >= chunkBytes) yield flush(writer);
  }
  for (const row of state.remembered) {
    frame(writer, () => writeRemembered(writer, row));
    if (writer.length >= chunkBytes) yield flush(writer);
  }
  if (writer.length > 0) yield flush(writer);
}

function frame(writer: ByteWriter, write: () => void): void {
  const start = writer.length;
  writer.u32(0);
  write();
  writer.patchU32(start, writer.length - start - 4);
}

function flush(writer: ByteWriter): Uint8Array {
  const chunk = writer.copy();
  writer.clear();
  return chunk;
}

export interface SnapshotSink {
  entry(entry: KVEntry): void;
  remembered(row: Remembered): void;
  /** All rows have come. */
  end(index: number, hash: string): void;
}

interface Header {
  readonly index: number;
  readonly hash: string;
  entriesLeft: number;
  rememberedLeft: number;
}

/** Takes a snapshot apart as its bytes come in. */
export class SnapshotReader {
  readonly #sink: SnapshotSink;
  #header: Header | null = null;
  /** The beginning of a frame whose end has not come yet. */
  #rest = new Uint8Array(0);

  constructor(sink: SnapshotSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + new ByteReader(bytes.subarray(at, at + 4)).u32();
      if (end > bytes.length) break;
      this.#frame(new ByteReader(bytes.subarray(at + 4, end)));
      at = end;
    }
    this.#rest = bytes.slice(at);
  }

  /** No more chunks will come. */
  end(): void {
    const header = this.#header;
    assert(
      header !== null && header.entriesLeft === 0 && header.rememberedLeft === 0 && this.#rest.length === 0,
      'the snapshot ends too early',
    );
    this.#sink.end(header.index, header.hash);
  }

  #frame(reader: ByteReader): void {
    const header = this.#header;
    if (header === null) {
      this.#header = readHeader(reader);
    } else if (header.entriesLeft > 0) {
      header.entriesLeft -= 1;
      this.#sink.entry(readEntry(reader));
    } else {
      assert(header.rememberedLeft > 0, 'the snapshot has more rows than its header says');
      header.rememberedLeft -= 1;
      this.#sink.remembered(readRemembered(reader));
    }
    reader.end();
  }
}

function readHeader(reader: ByteReader): Header {
  const format = reader.u8();
  assert(format === FORMAT, `snapshot of format ${format}; this program knows ${FORMAT}: upgrade this node`);
  return {
    index: reader.integer(),
    hash: reader.text(),
    entriesLeft: reader.integer(),
    rememberedLeft: reader.integer(),
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
