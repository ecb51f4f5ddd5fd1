import { assert } from '../../../../kit/assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { FrozenResults } from './results.ts';
import type { FrozenRows } from './row-heap.ts';

/**
 * A snapshot is a sequence of frames, each a length (u32, big-endian) and as many bytes: one header (format, index, hash, number of
 * entries, number of remembered results), then one frame for each entry and each remembered result. Chunks are cut between frames
 * when written, and may be cut anywhere when read.
 */
const FORMAT = 1;

/** The state of one moment, which what is applied since does not change. */
export interface StoreState {
  /** Of the last command applied. */
  readonly index: number;
  readonly hash: string;
  readonly entries: FrozenRows;
  /** In log order. */
  readonly results: FrozenResults;
}

export function* encodeSnapshot(state: StoreState, chunkBytes: number): Generator<Uint8Array> {
  const { entries, results } = state;
  const writer = new ByteWriter();
  try {
    frame(writer, () => {
      writer.u8(FORMAT);
      writer.integer(state.index);
      writer.text(state.hash);
      writer.integer(entries.count);
      writer.integer(results.count);
    });
    for (let at = 0; at < entries.count; at++) {
      const row = entries.row(at);
      writer.u32(row.length);
      writer.raw(row);
      if (writer.length >= chunkBytes) yield flush(writer);
    }
    for (let at = 0; at < results.count; at++) {
      frame(writer, () => {
        for (const part of results.parts(at)) writer.raw(part);
      });
      if (writer.length >= chunkBytes) yield flush(writer);
    }
    if (writer.length > 0) yield flush(writer);
  } finally {
    entries.release();
    results.release();
  }
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
  /** Valid during the call. */
  entry(row: Uint8Array): void;
  /** Valid during the call. */
  remembered(row: Uint8Array): void;
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
      this.#frame(bytes.subarray(at + 4, end));
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

  #frame(row: Uint8Array): void {
    const header = this.#header;
    if (header === null) {
      this.#header = readHeader(new ByteReader(row));
    } else if (header.entriesLeft > 0) {
      header.entriesLeft -= 1;
      this.#sink.entry(row);
    } else {
      assert(header.rememberedLeft > 0, 'the snapshot has more rows than its header says');
      header.rememberedLeft -= 1;
      this.#sink.remembered(row);
    }
  }
}

function readHeader(reader: ByteReader): Header {
  const format = reader.u8();
  assert(format === FORMAT, `snapshot of format ${format}; this program knows ${FORMAT}: upgrade this node`);
  const header = {
    index: reader.integer(),
    hash: reader.text(),
    entriesLeft: reader.integer(),
    rememberedLeft: reader.integer(),
  };
  reader.end();
  return header;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
